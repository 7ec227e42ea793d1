import type { GraphNode, Tensor } from '../../../graph/graph.ts';
import { sizeOf } from '../../../graph/graph.ts';
import type { ConvolutionAttributes, ConvolutionGradientAttributes } from '../../../graph/ops/convolution.ts';
import type { ConvolutionAnswer, ConvolutionRequest, ConvolutionSide } from '../addon.ts';
import type { FusedConvolutionAttributes } from '../fused-ops.ts';
import { describeNode, type Lowering, type LoweringTable } from './lowering.ts';
import type { Value } from './operation.ts';

type Direction = ConvolutionRequest['direction'];
type Extras = Pick<ConvolutionRequest, 'bias' | 'activation' | 'sum' | 'inference'>;

/** The blocks of the two maps of a convolution. */
interface Blocks {
  readonly source: number;
  readonly destination: number;
}

/**
 * Winograd's algorithm needs a quarter to a half of the multiplications for 3×3 at stride 1; the transforms pay off where there are
 * some channels and pixels (measured with bench/convolutions.mjs).
 */
function prefersWinograd(attributes: ConvolutionAttributes, x: readonly number[], weight: readonly number[]): boolean {
  const { stride, dilation, groups } = attributes;
  const [filters, channels, height, width] = weight as [number, number, number, number];
  if (height !== 3 || width !== 3 || groups !== 1) return false;
  if ([...stride, ...dilation].some((value) => value !== 1)) return false;
  return filters >= 32 && channels >= 32 && x[2]! >= 8 && x[3]! >= 8;
}

interface Chosen extends Blocks {
  readonly answer: ConvolutionAnswer;
}

/** Finds the layouts in which oneDNN is fast: blocked on both sides if it can be, else what it does not have to fall back for. */
function choose(
  lowering: Lowering,
  node: GraphNode,
  direction: Direction,
  shapes: { x: readonly number[]; weight: readonly number[]; y: readonly number[] },
  attributes: ConvolutionAttributes,
  extras: Extras = {},
): Chosen {
  const { block } = lowering;
  const side = ([, channels, height, width]: readonly number[], layout: number): ConvolutionSide => [
    channels!,
    height!,
    width!,
    layout,
  ];
  const { stride, padding, dilation, groups } = attributes;
  // Pictures have few channels: the first convolution reads them as they are, where it can.
  const few = shapes.x[1]! < block / 2 && groups === 1;
  const candidates: Blocks[] = [
    ...(few ? [{ source: 1, destination: block }] : []),
    { source: block, destination: block },
    { source: 1, destination: 1 },
  ];
  let fallback: Chosen | undefined;
  for (const blocks of candidates) {
    const answer = lowering.planner.convolution({
      label: describeNode(node),
      direction,
      pictures: shapes.x[0]!,
      groups,
      source: side(shapes.x, blocks.source),
      destination: side(shapes.y, blocks.destination),
      kernel: [shapes.weight[2]!, shapes.weight[3]!],
      stride,
      padding,
      dilation,
      winograd: prefersWinograd(attributes, shapes.x, shapes.weight),
      ...extras,
    });
    const chosen = { ...blocks, answer };
    if (!answer.implementation.startsWith('ref')) return chosen;
    fallback = chosen;
  }
  return fallback!;
}

function scratchpad(lowering: Lowering, { answer }: Chosen): Value[] {
  return answer.scratchpadBytes > 0 ? [lowering.temporary('scratchpad', answer.scratchpadBytes)] : [];
}

function flops(y: readonly number[], weight: readonly number[]): number {
  return 2 * sizeOf(y) * sizeOf(weight.slice(1));
}

/** Weights that the primitive can read: packed, unless it wants them plain. */
function weightsFor(lowering: Lowering, weight: Tensor, { answer }: Chosen): Value {
  return answer.plainWeights ? lowering.use(weight) : lowering.packWeights(weight, answer.id, answer.weightsBytes);
}

function lowerForward(node: GraphNode, lowering: Lowering, attributes: FusedConvolutionAttributes): void {
  const [x, weight] = node.inputs as [Tensor, Tensor];
  const bias = attributes.bias ? node.inputs[2] : undefined;
  const residual = attributes.residual ? node.inputs.at(-1) : undefined;
  const y = node.outputs[0]!;
  // Constants are weights of a network that is only run: the primitive need not keep anything for a backward pass.
  const inference = weight.node.op === 'constant';
  const chosen = choose(lowering, node, 'forward', { x: x.shape, weight: weight.shape, y: y.shape }, attributes, {
    bias: bias !== undefined,
    sum: residual !== undefined,
    inference,
    ...(attributes.activation !== 'none' && { activation: attributes.activation }),
  });
  const source = lowering.use(x, chosen.source);
  const weights = weightsFor(lowering, weight, chosen);
  const biasVector = bias && lowering.use(bias);
  const added = residual && lowering.use(residual, chosen.destination);
  const destination = lowering.define(y, { block: chosen.destination });
  const scratch = scratchpad(lowering, chosen);
  lowering.emit({
    kind: 'convolution',
    label: describeNode(node),
    reads: [source, weights, ...(biasVector ? [biasVector] : []), ...(added ? [added] : [])],
    writes: [destination],
    scratch,
    ...(added && { accumulates: [destination, added] as const }),
    flops: flops(y.shape, weight.shape),
    fields: (at) => ({
      primitive: chosen.answer.id,
      source: at.map(source),
      destination: at.map(destination),
      weights: at.offset(weights),
      ...(biasVector && { biasVector: at.offset(biasVector) }),
      ...(scratch[0] && { scratchpad: at.offset(scratch[0]) }),
    }),
  });
}

function lowerInputGradient(node: GraphNode, lowering: Lowering): void {
  const [dy, weight] = node.inputs as [Tensor, Tensor];
  const dx = node.outputs[0]!;
  const attributes = node.attributes as ConvolutionGradientAttributes;
  const shapes = { x: dx.shape, weight: weight.shape, y: dy.shape };
  const chosen = choose(lowering, node, 'inputGradient', shapes, attributes);
  const destination = lowering.use(dy, chosen.destination);
  const weights = weightsFor(lowering, weight, chosen);
  const source = lowering.define(dx, { block: chosen.source });
  const scratch = scratchpad(lowering, chosen);
  lowering.emit({
    kind: 'convolution',
    label: describeNode(node),
    reads: [destination, weights],
    writes: [source],
    scratch,
    flops: flops(dy.shape, weight.shape),
    fields: (at) => ({
      primitive: chosen.answer.id,
      source: at.map(source),
      destination: at.map(destination),
      weights: at.offset(weights),
      ...(scratch[0] && { scratchpad: at.offset(scratch[0]) }),
    }),
  });
}

function lowerWeightGradient(node: GraphNode, lowering: Lowering): void {
  const [dy, x] = node.inputs as [Tensor, Tensor];
  const gradient = node.outputs[0]!;
  const attributes = node.attributes as ConvolutionGradientAttributes;
  const shapes = { x: x.shape, weight: gradient.shape, y: dy.shape };
  const chosen = choose(lowering, node, 'weightGradient', shapes, attributes);
  const { answer } = chosen;
  const destination = lowering.use(dy, chosen.destination);
  const source = lowering.use(x, chosen.source);
  const plain = lowering.define(gradient);
  const packed = answer.plainWeights ? plain : lowering.temporary('packed gradient', answer.weightsBytes, 'computed');
  const scratch = scratchpad(lowering, chosen);
  lowering.emit({
    kind: 'convolution',
    label: describeNode(node),
    reads: [destination, source],
    writes: [packed],
    scratch,
    flops: flops(dy.shape, gradient.shape),
    fields: (at) => ({
      primitive: answer.id,
      source: at.map(source),
      destination: at.map(destination),
      weights: at.offset(packed),
      ...(scratch[0] && { scratchpad: at.offset(scratch[0]) }),
    }),
  });
  if (packed === plain) return;
  lowering.emit({
    kind: 'reorderWeights',
    label: `unpacking of ${describeNode(node)}`,
    reads: [packed],
    writes: [plain],
    fields: (at) => ({ primitive: answer.id, plain: at.offset(plain), weights: at.offset(packed) }),
  });
}

export const convolutionRules: LoweringTable = {
  conv2d: (node, lowering) =>
    lowerForward(node, lowering, {
      ...(node.attributes as ConvolutionAttributes),
      bias: node.inputs.length === 3,
      activation: 'none',
      residual: false,
    }),
  fusedConvolution: (node, lowering) => lowerForward(node, lowering, node.attributes as FusedConvolutionAttributes),
  conv2dInputGradient: lowerInputGradient,
  conv2dWeightGradient: lowerWeightGradient,
};
