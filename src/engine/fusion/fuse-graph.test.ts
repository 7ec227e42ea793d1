import { describe, expect, it } from 'vitest';
import { countOps, drawInputs, largestDifference, runDouble } from '../../../test/contract/fused-evaluator.ts';
import { buildCase } from '../../../test/contract/op-case.ts';
import { opCases } from '../../../test/contract/op-cases.ts';
import { testCapabilities } from '../../../test/fusion-fixture.ts';
import { type Graph, sizeOf } from '../../graph/graph.ts';
import { activation } from '../../graph/ops/activation.ts';
import { add } from '../../graph/ops/elementwise.ts';
import { dropout } from '../../graph/ops/random.ts';
import { foldBatchNorm } from '../../graph/passes/batch-norm-folding.ts';
import { removeDeadCode } from '../../graph/passes/dead-code.ts';
import { freezeStates } from '../../graph/passes/freeze.ts';
import { defaultPreprocessing } from '../../image/preprocessing.ts';
import { inferenceGraph, type Model } from '../../models/model.ts';
import { createModel } from '../../models/registry.ts';
import { convBn, convolution, invertedResidual, squeezeExcite } from '../../nn/layers.ts';
import { Scope } from '../../nn/scope.ts';
import type { OptimizerOptions } from '../../optim/optimizer.ts';
import { buildTrainingStep, type TrainingStepOptions } from '../../training/step/training-step.ts';
import { fuseGraph } from './fuse-graph.ts';

const classes = 3;
const adamW: OptimizerOptions = { kind: 'adamw', beta1: 0.9, beta2: 0.999, epsilon: 1e-2, weightDecay: 0.01 };
const sgd: OptimizerOptions = { kind: 'sgd', momentum: 0.9, nesterov: true, weightDecay: 1e-4 };

/** The network of the contract's training test, with a residual, dropout and an activation that reads its input. */
const small: Model = {
  name: 'small',
  title: 'small',
  settings: {},
  classes,
  multiple: 2,
  trainingPreprocessing: defaultPreprocessing,
  build(image, { training, seed = 0 }) {
    const scope = new Scope(image.graph, { training, seed });
    const stem = convBn(scope.at('stem'), image, { filters: 6, kernel: 3, stride: 2 });
    const depthwise = convBn(scope.at('depthwise'), stem, { filters: 6, kernel: 3, groups: 6, activation: 'silu' });
    const gated = squeezeExcite(scope.at('gate'), depthwise, 2);
    const block = invertedResidual(scope.at('block'), gated, { squeeze: true });
    const biased = activation(
      convolution(scope.at('biased'), block, { filters: 6, kernel: 1, bias: true }),
      'hardSwish',
    );
    const joined = dropout(add(biased, stem), 'drop', training ? 0.2 : 0, 'channel');
    return { logits: convolution(scope.at('head'), joined, { filters: classes, kernel: 1, bias: true }) };
  },
};

function build(options: Partial<TrainingStepOptions> = {}): Graph {
  return buildTrainingStep({
    model: small,
    batchSize: 2,
    size: 16,
    labelSize: 16,
    seed: 1,
    average: true,
    clipNorm: 1,
    loss: { crossEntropy: 1, dice: 1 },
    optimizer: adamW,
    ...options,
  }).entries.step!;
}

/** Runs a graph before and after the passes, and compares its outputs and all states that the passes keep. */
async function expectSame(graph: Graph, runCount = 2): Promise<Graph> {
  const optimized = fuseGraph(graph, testCapabilities);
  const runs = Array.from({ length: runCount }, (_, index) => drawInputs(graph, classes, index));
  const expected = await runDouble(removeDeadCode(graph), runs);
  expect(expected.size).toBeGreaterThan(0);
  const { difference, name } = largestDifference(await runDouble(optimized, runs), expected);
  expect(difference, name).toBeLessThanOrEqual(1e-12);
  return optimized;
}

const unfused = [
  'batchNormTraining',
  'batchNormGradient',
  'batchNormInference',
  'activation',
  'activationGradient',
  'add',
  'mul',
  'sub',
  'div',
  'scale',
  'broadcastTo',
  'crossEntropy',
  'crossEntropyGradient',
  'softmaxSums',
  'softmaxSumsGradient',
];

function expectNoneOf(graph: Graph, ops: readonly string[]): void {
  expect(Object.keys(countOps(graph)).filter((op) => ops.includes(op))).toEqual([]);
}

describe('fuseGraph', () => {
  const losses = {
    'cross-entropy': { crossEntropy: 1, dice: 0 },
    'cross-entropy and dice': { crossEntropy: 0.7, dice: 0.5, classWeights: [1, 2, 0.5], labelSmoothing: 0.1 },
    dice: { crossEntropy: 0, dice: 1 },
  };
  for (const [name, loss] of Object.entries(losses)) {
    for (const optimizer of [adamW, sgd]) {
      for (const average of [true, false]) {
        it(`keeps a step of ${optimizer.kind} on ${name}, average ${average ? 'on' : 'off'}`, async () => {
          const optimized = await expectSame(build({ loss, optimizer, average }));
          expectNoneOf(optimized, unfused);
          expect(countOps(optimized)).toMatchObject({ fusedLossHead: 1, fusedLossHeadGradient: 1 });
          expect(countOps(optimized).resize).toBeUndefined();
        });
      }
    }
  }

  it('keeps a step whose labels have the size of the logits, without clipping and momentum', async () => {
    const optimizer: OptimizerOptions = { kind: 'sgd', momentum: 0, nesterov: false, weightDecay: 0 };
    expectNoneOf(await expectSame(build({ labelSize: 8, clipNorm: 0, optimizer })), unfused);
  });

  it.each(['mobile-unet', 'compact'])('keeps a step of %s', async (name) => {
    const model = createModel(name, { classes });
    const optimized = await expectSame(build({ model, size: 32, labelSize: 32 }), 1);
    expectNoneOf(optimized, unfused);
    // Of the sums of feature maps none is left that a normalisation could take in.
    const before = countOps(removeDeadCode(build({ model, size: 32, labelSize: 32 })));
    const { fusedNormalize, fusedNormalizeGradient } = countOps(optimized);
    expect([fusedNormalize, fusedNormalizeGradient]).toEqual([before.batchNormTraining, before.batchNormGradient]);
  });

  it.each(['mobile-unet', 'compact'])('writes less memory in a step of %s, and holds less at a time', (name) => {
    const model = createModel(name, { classes });
    const graph = build({ model, batchSize: 8, size: 256, labelSize: 256 });
    const [before, after] = [removeDeadCode(graph), fuseGraph(graph, testCapabilities)].map(memoryOf);
    expect(after.written / before.written).toBeLessThan(0.7);
    expect(after.peak / before.peak).toBeLessThan(0.97);
  });

  it('keeps networks for inference, with folded normalisations and without', async () => {
    for (const model of [small, createModel('compact', { classes })]) {
      const graph = inferenceGraph(model, { batch: 1, height: 32, width: 32 });
      expectNoneOf(await expectSame(graph), unfused);
      const folded = removeDeadCode(foldBatchNorm(freezeStates(graph)));
      const optimized = await expectSame(folded);
      expectNoneOf(optimized, unfused);
      expect(countOps(optimized)).not.toHaveProperty('fusedNormalizeInference');
      expect(countOps(optimized).fusedConvolution).toBeGreaterThan(countOps(optimized).conv2d ?? 0);
    }
  });

  it('keeps every case of the contract', async () => {
    for (const opCase of opCases) {
      const { graph, values } = buildCase(opCase);
      const optimized = fuseGraph(graph, testCapabilities);
      expectNoneOf(
        optimized,
        unfused.filter((op) => !op.startsWith('crossEntropy') && op !== 'broadcastTo'),
      );
      const [actual, expected] = [await runDouble(optimized, [values]), await runDouble(graph, [values])];
      const { difference, name } = largestDifference(actual, expected);
      expect(difference, `${opCase.name}: ${name}`).toBeLessThanOrEqual(1e-12);
    }
  });

  it('does not change the graph that it is given', () => {
    const graph = build();
    const before = graph.nodes.map(({ op }) => op);
    fuseGraph(graph, testCapabilities);
    expect(graph.nodes.map(({ op }) => op)).toEqual(before);
  });
});

/** Elements that the nodes of a graph write, and the most that are alive at a time, in the order of the nodes. */
function memoryOf(graph: Graph): { written: number; peak: number } {
  const lastRead = new Map(graph.nodes.flatMap((node, index) => node.inputs.map((input) => [input, index] as const)));
  for (const tensor of [...graph.outputs.values(), ...graph.updates.values()])
    lastRead.set(tensor, Number.POSITIVE_INFINITY);
  const ends = graph.nodes.map(() => 0);
  let [written, alive, peak] = [0, 0, 0];
  graph.nodes.forEach(({ op, outputs }, index) => {
    if (op === 'input' || op === 'state' || op === 'constant') return;
    for (const output of outputs) {
      const size = sizeOf(output.shape);
      const end = lastRead.get(output) ?? index;
      if (end < ends.length) ends[end] += size;
      written += size;
      alive += size;
    }
    peak = Math.max(peak, alive);
    alive -= ends[index];
  });
  return { written, peak };
}
