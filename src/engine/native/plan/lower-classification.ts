import { type GraphNode, sizeOf, type Tensor } from '../../../graph/graph.ts';
import type { CrossEntropyAttributes, SoftmaxAttributes } from '../../../graph/ops/softmax.ts';
import type { LossHeadAttributes } from '../../fusion/fused-ops.ts';
import { flatTaps } from './lower-pooling.ts';
import { describeNode, type Lowering, type LoweringTable } from './lowering.ts';
import type { Value } from './operation.ts';

function lowerSoftmax(node: GraphNode<SoftmaxAttributes>, lowering: Lowering): void {
  const { axis } = node.attributes;
  const { shape } = node.inputs[0];
  const [x] = lowering.usePlain(node) as [Value];
  const y = lowering.define(node.outputs[0]);
  lowering.emit({
    kind: 'softmax',
    label: describeNode(node),
    reads: [x],
    writes: [y],
    inPlace: [[y, x]],
    fields: (at) => ({
      outer: sizeOf(shape.slice(0, axis)),
      length: shape[axis],
      inner: sizeOf(shape.slice(axis + 1)),
      x: at.offset(x),
      y: at.offset(y),
      logarithm: node.op === 'logSoftmax',
    }),
  });
}

function pixels(shape: readonly number[]): { images: number; classes: number; pixels: number } {
  return { images: shape[0], classes: shape[1], pixels: sizeOf(shape.slice(2)) };
}

function lowerOneHot(node: GraphNode, lowering: Lowering): void {
  const [labels] = lowering.usePlain(node) as [Value];
  const y = lowering.define(node.outputs[0]);
  lowering.emit({
    kind: 'oneHot',
    label: describeNode(node),
    reads: [labels],
    writes: [y],
    fields: (at) => ({ ...pixels(y.shape), labels: at.offset(labels), y: at.offset(y) }),
  });
}

function lowerCrossEntropy(node: GraphNode<CrossEntropyAttributes>, lowering: Lowering): void {
  const { labelSmoothing } = node.attributes;
  const [logits, labels, weights] = lowering.usePlain(node) as [Value, Value, Value];
  const [loss, weight] = node.outputs.map((output) => lowering.define(output)) as [Value, Value];
  lowering.emit({
    kind: 'crossEntropy',
    label: describeNode(node),
    reads: [logits, labels, weights],
    writes: [loss, weight],
    fields: (at) => ({
      ...pixels(logits.shape),
      labelSmoothing,
      logits: at.offset(logits),
      labels: at.offset(labels),
      weights: at.offset(weights),
      loss: at.offset(loss),
      weight: at.offset(weight),
    }),
  });
}

function lowerCrossEntropyGradient(node: GraphNode<CrossEntropyAttributes>, lowering: Lowering): void {
  const { labelSmoothing } = node.attributes;
  const [dLoss, logits, labels, weights] = lowering.usePlain(node) as [Value, Value, Value, Value];
  const dLogits = lowering.define(node.outputs[0]);
  lowering.emit({
    kind: 'crossEntropyGradient',
    label: describeNode(node),
    reads: [dLoss, logits, labels, weights],
    writes: [dLogits],
    fields: (at) => ({
      ...pixels(logits.shape),
      labelSmoothing,
      logits: at.offset(logits),
      labels: at.offset(labels),
      weights: at.offset(weights),
      dLoss: at.offset(dLoss),
      dLogits: at.offset(dLogits),
    }),
  });
}

/** The inputs of a loss head by role. */
interface HeadInputs {
  readonly logits: Tensor;
  readonly labels: Tensor;
  readonly weights?: Tensor;
  readonly dLossSum?: Tensor;
  readonly dOverlap?: Tensor;
  readonly dPredicted?: Tensor;
}

function headInputs(node: GraphNode, { labelSmoothing, regions }: LossHeadAttributes, gradient: boolean): HeadInputs {
  const [logits, labels, ...rest] = node.inputs as [Tensor, Tensor, ...Tensor[]];
  const entropy = labelSmoothing !== undefined;
  return {
    logits,
    labels,
    ...(entropy && { weights: rest.shift()! }),
    ...(entropy && gradient && { dLossSum: rest.shift()! }),
    ...(regions && gradient && { dOverlap: rest.shift()!, dPredicted: rest.shift()! }),
  };
}

/** Lowers a loss head or its gradient; `inputs` says which parts are present. */
function lowerHead(
  node: GraphNode,
  lowering: Lowering,
  inputs: HeadInputs,
  { resize, labelSmoothing, regions }: LossHeadAttributes,
  gradient: boolean,
): void {
  const block = lowering.blockOf(inputs.logits);
  const logits = lowering.use(inputs.logits, block);
  const { logits: _, ...vectors } = inputs;
  const used = Object.fromEntries(Object.entries(vectors).map(([name, tensor]) => [name, lowering.use(tensor)]));
  const names = gradient
    ? ['dLogits']
    : [
        ...(labelSmoothing === undefined ? [] : ['lossSum', 'weightSum']),
        ...(regions ? ['overlap', 'predicted', 'actual'] : []),
      ];
  const outputs = Object.fromEntries(
    names.map((name, index) => [name, lowering.define(node.outputs[index], { block: gradient ? block : 1 })]),
  );
  const [, , height, width] = logits.shape as [number, number, number, number];
  const [outputHeight, outputWidth] = resize?.size ?? [height, width];
  const constant = {
    outputHeight,
    outputWidth,
    ...(resize && {
      rows: flatTaps(height, outputHeight, resize.mode),
      columns: flatTaps(width, outputWidth, resize.mode),
    }),
    ...(labelSmoothing !== undefined && { labelSmoothing }),
  };
  const kind = gradient ? 'lossHeadGradient' : 'lossHead';
  const shape = [...logits.shape, block];
  const space = lowering.temporary(
    'workspace',
    lowering.planner.workspace({ kind, logits: shape, outputHeight, outputWidth, taps: resize !== undefined }),
  );
  lowering.emit({
    kind,
    label: describeNode(node),
    reads: [logits, ...Object.values(used)],
    writes: Object.values(outputs),
    scratch: [space],
    strided: [logits, ...(gradient ? Object.values(outputs) : [])],
    fields: (at) => ({
      ...constant,
      logits: at.map(logits),
      workspace: at.offset(space),
      ...Object.fromEntries(Object.entries(used).map(([name, value]) => [name, at.offset(value)])),
      ...Object.fromEntries(
        Object.entries(outputs).map(([name, value]) => [name, gradient ? at.map(value) : at.offset(value)]),
      ),
    }),
  });
}

function lowerLovasz(node: GraphNode, lowering: Lowering): void {
  const [probabilities, labels] = lowering.usePlain(node) as [Value, Value];
  const [loss, slope, actual] = node.outputs.map((output) => lowering.define(output)) as [Value, Value, Value];
  const size = pixels(probabilities.shape);
  const space = lowering.temporary('workspace', lowering.planner.workspace({ kind: 'lovasz', ...size }));
  lowering.emit({
    kind: 'lovasz',
    label: describeNode(node),
    reads: [probabilities, labels],
    writes: [loss, slope, actual],
    scratch: [space],
    fields: (at) => ({
      ...size,
      probabilities: at.offset(probabilities),
      labels: at.offset(labels),
      loss: at.offset(loss),
      slope: at.offset(slope),
      actual: at.offset(actual),
      workspace: at.offset(space),
    }),
  });
}

export const classificationRules = {
  softmax: lowerSoftmax,
  logSoftmax: lowerSoftmax,
  oneHot: lowerOneHot,
  crossEntropy: lowerCrossEntropy,
  crossEntropyGradient: lowerCrossEntropyGradient,
  softmaxSums: (node, lowering) => {
    const [logits, labels] = node.inputs as [Tensor, Tensor];
    lowerHead(node, lowering, { logits, labels }, { regions: true }, false);
  },
  softmaxSumsGradient: (node, lowering) => {
    const [dOverlap, dPredicted, logits, labels] = node.inputs as [Tensor, Tensor, Tensor, Tensor];
    lowerHead(node, lowering, { logits, labels, dOverlap, dPredicted }, { regions: true }, true);
  },
  lovaszJaccard: lowerLovasz,
  fusedLossHead: (node, lowering) => {
    const { attributes } = node;
    lowerHead(node, lowering, headInputs(node, attributes, false), attributes, false);
  },
  fusedLossHeadGradient: (node, lowering) => {
    const { attributes } = node;
    lowerHead(node, lowering, headInputs(node, attributes, true), attributes, true);
  },
} satisfies Partial<LoweringTable>;
