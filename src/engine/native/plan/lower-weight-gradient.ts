import type { GraphNode, Shape, Tensor } from '../../../graph/graph.ts';
import { sizeOf } from '../../../graph/graph.ts';
import type { WeightGradientAttributes } from '../../../graph/ops/convolution.ts';
import { type Chosen, choose, flops, isGenerated, scratchpad } from './choose-convolution.ts';
import { readMap } from './interleaved-maps.ts';
import { isDepthwise, lowerDepthwiseGradient } from './lower-depthwise.ts';
import { copyFields } from './lower-shape.ts';
import { describeNode, type Lowering } from './lowering.ts';
import { storedElements, type Value } from './operation.ts';

/**
 * oneDNN has no code for the weight gradient of a convolution over few channels, except one or three. It is asked to treat
 * the padding channels of the block as real ones; their gradients are dropped.
 */
function chooseFilledUp(
  node: GraphNode<WeightGradientAttributes>,
  lowering: Lowering,
  shapes: { x: Shape; weight: Shape; y: Shape },
) {
  const { block } = lowering;
  const fill = ([first, , height, width]: Shape): Shape => [first, block, height, width];
  const attributes = node.attributes;
  const filled = { x: fill(shapes.x), weight: fill(shapes.weight), y: shapes.y };
  return choose(lowering, node, 'weightGradient', filled, attributes);
}

/** Lowers the weight gradient to the add-on's kernel, to oneDNN, or to oneDNN with channels padded to a block. */
export function lowerWeightGradient(node: GraphNode<WeightGradientAttributes>, lowering: Lowering): void {
  const [dy, x] = node.inputs as [Tensor, Tensor];
  const gradient = node.outputs[0];
  const attributes = node.attributes;
  const shapes = { x: x.shape, weight: gradient.shape, y: dy.shape };
  const chosen = choose(lowering, node, 'weightGradient', shapes, attributes);
  if (isGenerated(chosen.answer.implementation)) {
    emitWeightGradient(node, lowering, chosen, readMap(lowering, x, chosen.source, chosen), lowering.define(gradient));
    return;
  }
  if (isDepthwise(attributes, gradient.shape)) {
    lowerDepthwiseGradient(node, lowering);
    return;
  }
  if (attributes.groups === 1 && x.shape[1] < lowering.block) {
    const filledUp = chooseFilledUp(node, lowering, shapes);
    if (isGenerated(filledUp.answer.implementation) && filledUp.source === lowering.block) {
      lowerFilledUp(node, lowering, filledUp);
      return;
    }
  }
  emitWeightGradient(node, lowering, chosen, readMap(lowering, x, chosen.source, chosen), lowering.define(gradient));
}

function lowerFilledUp(node: GraphNode, lowering: Lowering, chosen: Chosen): void {
  const [images, , height, width] = node.inputs[1].shape as [number, number, number, number];
  const gradient = node.outputs[0];
  const [filters, channels, ...kernel] = gradient.shape as [number, number, number, number];
  const { block } = lowering;
  const map = lowering.use(node.inputs[1], block);
  const source: Value = {
    name: map.name,
    shape: [images, block, height, width],
    dtype: 'float32',
    block,
    role: map.role,
    view: { of: map, offset: 0 },
    ...(map.imageStride !== undefined && { imageStride: map.imageStride }),
  };
  const perChannel = sizeOf(kernel);
  const all = lowering.temporary(
    'gradient of all channels',
    storedElements([filters, block, ...kernel], 1) * 4,
    'computed',
  );
  emitWeightGradient(node, lowering, chosen, source, all);
  const result = lowering.define(gradient);
  const copy = {
    source: all,
    target: result,
    extents: [filters, channels * perChannel],
    sourceStrides: [block * perChannel, 1],
    targetStrides: [channels * perChannel, 1],
  };
  lowering.emit({
    kind: 'copies',
    label: `gradient of the real channels of ${describeNode(node)}`,
    reads: [all],
    writes: [result],
    fields: (at) => ({ copies: copyFields([copy], at) }),
  });
}

/** Emits the primitive, and a reorder to plain weights if its result has another layout. */
function emitWeightGradient(node: GraphNode, lowering: Lowering, chosen: Chosen, source: Value, plain: Value): void {
  const { answer } = chosen;
  const [dy] = node.inputs as [Tensor];
  const destination = readMap(lowering, dy, chosen.destination, chosen);
  const packed = answer.plainWeights ? plain : lowering.temporary('packed gradient', answer.weightsBytes, 'computed');
  const scratch = scratchpad(lowering, chosen);
  lowering.emit({
    kind: 'convolution',
    label: `${describeNode(node)}, ${chosen.answer.implementation}`,
    reads: [destination, source],
    writes: [packed],
    scratch,
    flops: flops(dy.shape, node.outputs[0].shape),
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
