import {
  type ElementwiseAttributes,
  type FusedActivation,
  type FusedConvolutionAttributes,
  fusedOps,
  type LossHeadAttributes,
  type NormalizeAttributes,
  type NormalizeGradientAttributes,
} from '../../src/engine/fusion/fused-ops.ts';
import { createReferenceEngine, type DoubleProgram } from '../../src/engine/reference/reference-engine.ts';
import type { Graph, GraphNode, Tensor } from '../../src/graph/graph.ts';
import { apply, applyAll, type OpDefinition } from '../../src/graph/op.ts';
import { activation, activationGradientOp, slopeFromOutput } from '../../src/graph/ops/activation.ts';
import { allOps } from '../../src/graph/ops/all-ops.ts';
import { conv2dOp } from '../../src/graph/ops/convolution.ts';
import { add } from '../../src/graph/ops/elementwise.ts';
import { batchNormGradientOp, batchNormInference, batchNormTraining } from '../../src/graph/ops/normalization.ts';
import { broadcastTo, reduceSum } from '../../src/graph/ops/reduction.ts';
import { resize, resizeGradientOp } from '../../src/graph/ops/resize.ts';
import { crossEntropyGradientOp, crossEntropyPixels } from '../../src/graph/ops/softmax.ts';
import { softmaxSums, softmaxSumsGradientOp } from '../../src/graph/ops/softmax-sums.ts';
import { rewrite } from '../../src/graph/passes/rewrite.ts';
import { Random } from '../../src/random/random.ts';

type Expansion = (inputs: readonly Tensor[], node: GraphNode) => readonly Tensor[];

function finish(y: Tensor, residual: Tensor | undefined, kind: FusedActivation): Tensor {
  const sum = residual ? add(y, residual) : y;
  return kind === 'none' ? sum : activation(sum, kind);
}

const normalize: Expansion = ([x, gamma, beta, residual], { attributes }) => {
  const { epsilon, activation, residual: added } = attributes as NormalizeAttributes;
  if (added !== (residual !== undefined)) throw new Error('fusedNormalize: the inputs do not fit the attributes');
  const { y, mean, variance } = batchNormTraining(x, gamma, beta, epsilon);
  return [finish(y, residual, activation), mean, variance];
};

const normalizeInference: Expansion = ([x, gamma, beta, mean, variance, residual], { attributes }) => {
  const { epsilon, activation, residual: added } = attributes as NormalizeAttributes;
  if (added !== (residual !== undefined)) throw new Error('fusedNormalizeInference: inputs and attributes do not fit');
  return [finish(batchNormInference(x, gamma, beta, mean, variance, epsilon), residual, activation)];
};

const normalizeGradient: Expansion = ([x, gamma, beta, mean, variance, ...rest], { attributes, outputs }) => {
  const fused = attributes as NormalizeGradientAttributes;
  const { epsilon, activation: kind } = fused;
  const given = fused.source ? rest[0] : undefined;
  const terms = fused.source ? rest.slice(1) : rest;
  if (terms.length !== fused.terms) throw new Error(`fusedNormalizeGradient: ${terms.length} terms`);
  if (outputs.length !== (fused.residual ? 4 : 3)) throw new Error(`fusedNormalizeGradient: ${outputs.length} outputs`);
  let dz = terms.reduce((sum, term) => add(sum, term));
  if (kind !== 'none') {
    const before = () => batchNormInference(x, gamma, beta, mean, variance, epsilon);
    const source = given ?? (slopeFromOutput(kind) ? activation(before(), kind) : before());
    dz = apply(activationGradientOp, [dz, source], { kind });
  }
  const gradients = applyAll(batchNormGradientOp, [dz, x, gamma, mean, variance], { epsilon });
  return fused.residual ? [...gradients, dz] : gradients;
};

const convolution: Expansion = (inputs, { attributes }) => {
  const { bias, residual, activation, ...geometry } = attributes as FusedConvolutionAttributes;
  const count = bias ? 3 : 2;
  if (inputs.length !== count + (residual ? 1 : 0)) throw new Error(`fusedConvolution: ${inputs.length} inputs`);
  return [finish(apply(conv2dOp, inputs.slice(0, count), geometry), residual ? inputs[count] : undefined, activation)];
};

const elementwise: Expansion = (inputs, { attributes, outputs: types }) => {
  const { instructions, outputValues } = attributes as ElementwiseAttributes;
  const { shape } = types[0];
  const values: Tensor[] = inputs.map((input) => broadcastTo(input, shape));
  for (const { op, a: first, b: second, kind, factor } of instructions) {
    const a = values[first];
    const b = second === undefined ? undefined : values[second];
    if (second !== undefined && !b) throw new Error(`fusedElementwise: ${op} reads value ${second} too early`);
    const definition = allOps.find(({ name }) => name === op) as unknown as OpDefinition<string, object>;
    const operands = b ? [a, b] : [a];
    values.push(apply(definition, operands, { ...(kind && { kind }), ...(factor !== undefined && { factor }) }));
  }
  return outputValues.map((value) => values[value]);
};

const lossHead: Expansion = ([logits, labels, weights], { attributes }) => {
  const { resize: resized, labelSmoothing, regions } = attributes as LossHeadAttributes;
  const large = resized ? resize(logits, ...resized.size, resized.mode) : logits;
  const outputs: Tensor[] = [];
  if (labelSmoothing !== undefined) {
    const { loss, weight } = crossEntropyPixels(large, labels, weights, labelSmoothing);
    outputs.push(reduceSum(loss), reduceSum(weight));
  }
  if (regions) {
    const { overlap, predicted, actual } = softmaxSums(large, labels);
    outputs.push(overlap, predicted, actual);
  }
  return outputs;
};

const lossHeadGradient: Expansion = ([logits, labels, ...rest], { attributes }) => {
  const { resize: resized, labelSmoothing, regions } = attributes as LossHeadAttributes;
  const large = resized ? resize(logits, ...resized.size, resized.mode) : logits;
  const gradients: Tensor[] = [];
  if (labelSmoothing !== undefined) {
    const [weights, dLossSum] = rest.splice(0, 2);
    if (dLossSum.shape.length !== 0) throw new Error('fusedLossHeadGradient: the gradient of the sum is no scalar');
    const dLoss = broadcastTo(dLossSum, labels.shape);
    gradients.push(apply(crossEntropyGradientOp, [dLoss, large, labels, weights], { labelSmoothing }));
  }
  if (regions) gradients.push(apply(softmaxSumsGradientOp, [rest[0], rest[1], large, labels], {}));
  const gradient = gradients.reduce((sum, part) => add(sum, part));
  return [resized ? apply(resizeGradientOp, [gradient], { ...resized, shape: logits.shape }) : gradient];
};

const expansions: Readonly<Record<string, Expansion>> = {
  [fusedOps.normalize]: normalize,
  [fusedOps.normalizeInference]: normalizeInference,
  [fusedOps.normalizeGradient]: normalizeGradient,
  [fusedOps.convolution]: convolution,
  [fusedOps.elementwise]: elementwise,
  [fusedOps.lossHead]: lossHead,
  [fusedOps.lossHeadGradient]: lossHeadGradient,
};

/** The graph with every fused node written out in ops that the reference engine knows. */
export function expandFused(graph: Graph): Graph {
  return rewrite(graph, (node, inputs) => expansions[node.op]?.(inputs, node));
}

type Inputs = Record<string, Float32Array | Int32Array>;

/** Values for the inputs of a graph: labels among `classes` with some ignored, normal numbers else. */
export function drawInputs(graph: Graph, classes: number, seed: number): Inputs {
  const random = new Random(seed);
  const values: Inputs = {};
  for (const [name, { dtype, shape }] of graph.inputs) {
    const length = shape.reduce((a, b) => a * b, 1);
    const label = () => (random.chance(0.1) ? 255 : random.integer(classes));
    values[name] =
      dtype === 'int32'
        ? Int32Array.from({ length }, label)
        : Float32Array.from({ length }, () => (shape.length === 0 ? random.uniform(0.01, 0.1) : random.normal()));
  }
  return values;
}

/** Runs a graph a few times in double precision: its outputs of every run, and its states at the end. */
export async function runDouble(graph: Graph, runs: readonly Inputs[]): Promise<Map<string, Float64Array>> {
  const program: DoubleProgram = await createReferenceEngine({ precision: 'float64' }).compile(expandFused(graph));
  const results = new Map<string, Float64Array>();
  for (const [index, inputs] of runs.entries()) {
    for (const [name, value] of Object.entries(await program.run(inputs)))
      results.set(`${name} of run ${index}`, value);
  }
  for (const [name, value] of await program.readStates()) results.set(`state ${name}`, value);
  await program.dispose();
  return results;
}

/** How far two sets of results are apart, relative to the largest value of each tensor; names that differ are an error. */
export function largestDifference(
  actual: ReadonlyMap<string, Float64Array>,
  expected: ReadonlyMap<string, Float64Array>,
): { difference: number; name: string } {
  if ([...actual.keys()].sort().join() !== [...expected.keys()].sort().join()) {
    throw new Error(`results ${[...actual.keys()]} instead of ${[...expected.keys()]}`);
  }
  let worst = { difference: 0, name: '' };
  for (const [name, value] of expected) {
    const largest = value.reduce((max, x) => Math.max(max, Math.abs(x)), 1e-6);
    value.forEach((x, i) => {
      const difference = Math.abs(actual.get(name)![i] - x) / largest;
      if (!(difference <= worst.difference)) worst = { difference, name };
    });
  }
  return worst;
}

/** How many nodes of each op a graph has, without inputs, states and constants. */
export function countOps(graph: Graph): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const { op } of graph.nodes) {
    if (op === 'input' || op === 'state' || op === 'constant') continue;
    counts[op] = (counts[op] ?? 0) + 1;
  }
  return counts;
}
