import type { GraphNode, Shape, Tensor } from '../../../graph/graph.ts';
import type {
  ConvolutionAttributes,
  TransposedConvolutionAttributes,
  WeightGradientAttributes,
} from '../../../graph/ops/convolution.ts';
import type { FusedConvolutionAttributes } from '../../fusion/fused-ops.ts';
import { flops } from './choose-convolution.ts';
import { describeNode, type Lowering } from './lowering.ts';

// The add-on's kernels for depthwise convolutions that oneDNN generates no code for: it would compute many tiny products.

/** The add-on's limit (maxDepthwiseTaps). */
const maxTaps = 128;

/** Whether a convolution has one filter for each channel; `weight` is filters × 1 × height × width. */
export function isDepthwise({ groups }: ConvolutionAttributes, weight: Shape): boolean {
  return groups === weight[0] && weight[1] === 1;
}

/** Whether the add-on's kernel computes this depthwise convolution. */
export function fitsDepthwise(attributes: ConvolutionAttributes, weight: Shape): boolean {
  return isDepthwise(attributes, weight) && weight[2] * weight[3] <= maxTaps;
}

/** The convolution, with bias, residual and activation where the attributes have them. */
export function lowerDepthwise(
  node: GraphNode,
  lowering: Lowering,
  attributes: FusedConvolutionAttributes,
  transposed = false,
): void {
  const [x, weight] = node.inputs as [Tensor, Tensor];
  const bias = attributes.bias ? node.inputs[2] : undefined;
  const residual = attributes.residual ? node.inputs.at(-1) : undefined;
  const { block } = lowering;
  const [source, weights] = [lowering.use(x, block), lowering.use(weight)];
  const biasVector = bias && lowering.use(bias);
  const added = residual && lowering.use(residual, block);
  const y = lowering.define(node.outputs[0], { block });
  lowering.emit({
    kind: 'depthwise',
    label: describeNode(node),
    reads: [source, weights, ...(biasVector ? [biasVector] : []), ...(added ? [added] : [])],
    writes: [y],
    ...(added && { inPlace: [[y, added] as const] }),
    strided: [source, y, ...(added ? [added] : [])],
    flops: flops(transposed ? x.shape : node.outputs[0].shape, weight.shape),
    fields: (at) => ({
      x: at.map(source),
      y: at.map(y),
      ...(added && { residual: at.map(added) }),
      ...window(attributes, weight.shape),
      transposed,
      activation: attributes.activation,
      weights: at.offset(weights),
      ...(biasVector && { biasVector: at.offset(biasVector) }),
    }),
  });
}

/** The transposed convolution of stride 1, which is also the input gradient. */
export function lowerDepthwiseTransposed(node: GraphNode<TransposedConvolutionAttributes>, lowering: Lowering): void {
  lowerDepthwise(node, lowering, { ...node.attributes, bias: false, residual: false, activation: 'none' }, true);
}

function window({ stride, padding, dilation }: ConvolutionAttributes, weight: Shape) {
  return { kernel: weight.slice(2), stride, padding: padding.slice(0, 2), dilation };
}

/** The weight gradient. */
export function lowerDepthwiseGradient(node: GraphNode<WeightGradientAttributes>, lowering: Lowering): void {
  const [dy, x] = node.inputs as [Tensor, Tensor];
  const gradient = node.outputs[0];
  const [upper, lower] = [lowering.use(dy, lowering.block), lowering.use(x, lowering.block)];
  const result = lowering.define(gradient);
  lowering.emit({
    kind: 'depthwiseGradient',
    label: describeNode(node),
    reads: [upper, lower],
    writes: [result],
    strided: [upper, lower],
    flops: flops(dy.shape, gradient.shape),
    fields: (at) => ({
      dy: at.map(upper),
      x: at.map(lower),
      ...window(node.attributes, gradient.shape),
      dWeight: at.offset(result),
    }),
  });
}
