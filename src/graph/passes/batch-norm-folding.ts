import type { ConstantAttributes, Graph, GraphNode, Tensor } from '../graph.ts';
import { isOp } from '../op.ts';
import { type ConvolutionAttributes, conv2dOp, convTranspose2dOp } from '../ops/convolution.ts';
import { batchNormInferenceOp } from '../ops/normalization.ts';
import { rewrite } from './rewrite.ts';

/**
 * Folds a batch normalisation with constant statistics into the convolution or transposed convolution before it (Jacob et al. 2018, section 3.2):
 * weight′ = weight·s and bias′ = beta + (bias − mean)·s with s = gamma/√(variance + epsilon), per output channel.
 * The result belongs to the module of the convolution.
 * Requires a frozen graph; a convolution whose output has other readers is left unchanged.
 */
export function foldBatchNorm(source: Graph): Graph {
  const uses = countUses(source);
  return rewrite(source, (node, inputs, target) => {
    if (!isOp(node, batchNormInferenceOp)) return undefined;
    const convolution = inputs[0].node;
    if (!isConvolution(convolution) || uses.get(node.inputs[0]) !== 1) return undefined;
    const constants = [convolution.inputs[1], ...convolution.inputs.slice(2), ...inputs.slice(1)].map(constantOf);
    if (constants.some((data) => data === undefined)) return undefined;
    const [gamma, beta, mean, variance] = inputs.slice(1).map((input) => constantOf(input)!) as [
      Float32Array,
      Float32Array,
      Float32Array,
      Float32Array,
    ];
    const { epsilon } = node.attributes;
    const factor = gamma.map((value, channel) => value / Math.sqrt(variance[channel] + epsilon));
    const weight = constantOf(convolution.inputs[1])!;
    const bias = convolution.inputs[2] && constantOf(convolution.inputs[2]);
    const channelOf = outputChannels(convolution);
    const folded = new Float32Array(weight.length);
    // A loop: `map` takes twice as long for the millions of weights of a network.
    for (let index = 0; index < folded.length; index++) folded[index] = weight[index] * factor[channelOf(index)];
    const shift = beta.map((value, channel) => value + ((bias?.[channel] ?? 0) - mean[channel]) * factor[channel]);
    return target.within(convolution.module, () => {
      const parameters = [target.constant(folded, convolution.inputs[1].shape), target.constant(shift, [shift.length])];
      const { shape, dtype } = node.outputs[0];
      const inputs = [convolution.inputs[0], ...parameters];
      return target.add(convolution.op, inputs, convolution.attributes, [{ shape, dtype }]);
    });
  });
}

function isConvolution(node: GraphNode): node is GraphNode<ConvolutionAttributes> {
  return isOp(node, conv2dOp) || isOp(node, convTranspose2dOp);
}

/** Maps the position of an element in the weight to the output channel that it contributes to. */
function outputChannels(node: GraphNode<ConvolutionAttributes>): (index: number) => number {
  const [first, second, height, width] = node.inputs[1].shape as [number, number, number, number];
  const taps = height * width;
  if (node.op === 'conv2d') return (index) => Math.floor(index / (second * taps));
  const inputsPerGroup = first / node.attributes.groups;
  return (index) => {
    const group = Math.floor(index / (inputsPerGroup * second * taps));
    return group * second + (Math.floor(index / taps) % second);
  };
}

function constantOf(tensor: Tensor): Float32Array | undefined {
  if (tensor.node.op !== 'constant') return undefined;
  return (tensor.node.attributes as ConstantAttributes).data as Float32Array;
}

/** Counts the readers of each tensor among nodes, outputs and updates. */
function countUses(graph: Graph): Map<Tensor, number> {
  const uses = new Map<Tensor, number>();
  const read = (tensor: Tensor) => uses.set(tensor, (uses.get(tensor) ?? 0) + 1);
  for (const node of graph.nodes) node.inputs.forEach(read);
  for (const tensor of [...graph.outputs.values(), ...graph.updates.values()]) read(tensor);
  return uses;
}
