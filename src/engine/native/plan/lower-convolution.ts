import type { GraphNode, Tensor } from '../../../graph/graph.ts';
import type { TransposedConvolutionAttributes } from '../../../graph/ops/convolution.ts';
import type { FusedConvolutionAttributes } from '../../fusion/fused-ops.ts';
import { type Chosen, choose, flops, isGenerated, scratchpad } from './choose-convolution.ts';
import { joinMap, readMap, writtenMap } from './interleaved-maps.ts';
import { fitsDepthwise, lowerDepthwise, lowerDepthwiseTransposed } from './lower-depthwise.ts';
import { lowerWeightGradient } from './lower-weight-gradient.ts';
import { describeNode, type Lowering, type LoweringTable } from './lowering.ts';
import type { Value } from './operation.ts';

/** Weights in the layout of the primitive: packed, unless it reads plain ones. */
function weightsFor(lowering: Lowering, weight: Tensor, { answer }: Chosen): Value {
  return answer.plainWeights ? lowering.use(weight) : lowering.packWeights(weight, answer.id, answer.weightsBytes);
}

function lowerForward(node: GraphNode, lowering: Lowering, attributes: FusedConvolutionAttributes): void {
  const [x, weight] = node.inputs as [Tensor, Tensor];
  const bias = attributes.bias ? node.inputs[2] : undefined;
  const residual = attributes.residual ? node.inputs.at(-1) : undefined;
  const y = node.outputs[0];
  // Constant weights belong to an inference graph: the primitive need not keep anything for a backward pass.
  const inference = weight.node.op === 'constant';
  const chosen = choose(lowering, node, 'forward', { x: x.shape, weight: weight.shape, y: y.shape }, attributes, {
    bias: bias !== undefined,
    sum: residual !== undefined,
    inference,
    ...(attributes.activation !== 'none' && { activation: attributes.activation }),
  });
  if (!isGenerated(chosen.answer.implementation) && fitsDepthwise(attributes, weight.shape)) {
    lowerDepthwise(node, lowering, attributes);
    return;
  }
  const source = readMap(lowering, x, chosen.source, chosen);
  const weights = weightsFor(lowering, weight, chosen);
  const biasVector = bias && lowering.use(bias);
  const added = residual && readMap(lowering, residual, chosen.destination, chosen);
  const destination = writtenMap(lowering, y, chosen.destination, chosen);
  const scratch = scratchpad(lowering, chosen);
  lowering.emit({
    kind: 'convolution',
    label: `${describeNode(node)}, ${chosen.answer.implementation}`,
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
  joinMap(lowering, destination, y, chosen);
}

/** oneDNN computes it as the gradient of a convolution, whose destination is x and whose source is the result. */
function lowerTransposed(node: GraphNode, lowering: Lowering): void {
  const [x, weight] = node.inputs as [Tensor, Tensor];
  const y = node.outputs[0];
  const attributes = node.attributes as TransposedConvolutionAttributes;
  const shapes = { x: y.shape, weight: weight.shape, y: x.shape };
  const chosen = choose(lowering, node, 'inputGradient', shapes, attributes);
  const unit = attributes.stride.every((value) => value === 1);
  if (unit && !isGenerated(chosen.answer.implementation) && fitsDepthwise(attributes, weight.shape)) {
    lowerDepthwiseTransposed(node as GraphNode<TransposedConvolutionAttributes>, lowering);
    return;
  }
  const destination = readMap(lowering, x, chosen.destination, chosen);
  const weights = weightsFor(lowering, weight, chosen);
  const source = writtenMap(lowering, y, chosen.source, chosen);
  const scratch = scratchpad(lowering, chosen);
  lowering.emit({
    kind: 'convolution',
    label: `${describeNode(node)}, ${chosen.answer.implementation}`,
    reads: [destination, weights],
    writes: [source],
    scratch,
    flops: flops(x.shape, weight.shape),
    fields: (at) => ({
      primitive: chosen.answer.id,
      source: at.map(source),
      destination: at.map(destination),
      weights: at.offset(weights),
      ...(scratch[0] && { scratchpad: at.offset(scratch[0]) }),
    }),
  });
  joinMap(lowering, source, y, chosen);
}

export const convolutionRules = {
  conv2d: (node, lowering) =>
    lowerForward(node, lowering, {
      ...node.attributes,
      bias: node.inputs.length === 3,
      activation: 'none',
      residual: false,
    }),
  fusedConvolution: (node, lowering) => lowerForward(node, lowering, node.attributes),
  convTranspose2d: lowerTransposed,
  conv2dWeightGradient: lowerWeightGradient,
} satisfies Partial<LoweringTable>;
