import { nodeMultiplyAccumulates } from '../graph/cost.ts';
import { type Graph, type GraphNode, sizeOf, stateAttributes } from '../graph/graph.ts';
import type { ConvolutionAttributes } from '../graph/ops/convolution.ts';

/** A module with its own parameters. */
export interface Layer {
  /** Path in the network, as in parameter names: `stages.0.1.expand.0`. */
  readonly path: string;
  /** `conv 3×3, stride 2`, `batch norm`. */
  readonly type: string;
  /** Output shape without the batch: C×H×W. */
  readonly output: readonly number[];
  /** Number of trainable parameters. */
  readonly parameters: number;
  readonly multiplyAccumulates: number;
}

function describeConvolution(node: GraphNode): string {
  const { stride, dilation, groups } = node.attributes as ConvolutionAttributes;
  const [, , height, width] = node.inputs[1].shape;
  const filters = node.outputs[0].shape[1];
  const pair = ([y, x]: readonly [number, number]): string => (y === x ? `${y}` : `${y}×${x}`);
  return [
    `${node.op === 'conv2d' ? 'conv' : 'transposed conv'} ${height}×${width}`,
    pair(stride) !== '1' && `stride ${pair(stride)}`,
    pair(dilation) !== '1' && `dilation ${pair(dilation)}`,
    groups > 1 && (groups === filters ? 'depthwise' : `groups ${groups}`),
  ]
    .filter(Boolean)
    .join(', ');
}

function describeNode(node: GraphNode): string {
  if (node.op === 'conv2d' || node.op === 'convTranspose2d') return describeConvolution(node);
  return node.op.startsWith('batchNorm') ? 'batch norm' : node.op;
}

/**
 * The modules of a network that have parameters, in execution order. Nodes without parameters (activations, sums,
 * resizing) are omitted; they cost no multiply-accumulates, except products of computed matrices.
 */
export function listLayers(graph: Graph): Layer[] {
  const layers = new Map<string, Layer>();
  const counted = new Set<string>();
  for (const node of graph.nodes) {
    const states = node.inputs.filter((input) => input.node.op === 'state');
    const multiplyAccumulates = nodeMultiplyAccumulates(node);
    if (states.length === 0 && multiplyAccumulates === 0) continue;
    const path = node.module?.path ?? '';
    let parameters = 0;
    for (const state of states) {
      const { name, trainable } = stateAttributes(state);
      // A parameter shared by two layers counts once.
      if (trainable && !counted.has(name)) parameters += sizeOf(state.shape);
      counted.add(name);
    }
    const before = layers.get(path);
    layers.set(path, {
      path,
      type: before?.type ?? describeNode(node),
      output: node.outputs[0].shape.slice(1),
      parameters: (before?.parameters ?? 0) + parameters,
      multiplyAccumulates: (before?.multiplyAccumulates ?? 0) + multiplyAccumulates,
    });
  }
  return [...layers.values()];
}
