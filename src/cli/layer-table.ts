import { nodeMultiplyAccumulates } from '../graph/cost.ts';
import { type Graph, type GraphNode, sizeOf, stateAttributes } from '../graph/graph.ts';
import type { ConvolutionAttributes } from '../graph/ops/convolution.ts';

/** One module that has parameters of its own. */
export interface Layer {
  /** Place in the network, as its parameters are named: `stages.0.1.expand.0`. */
  readonly path: string;
  /** `conv 3×3, stride 2`, `batch norm`. */
  readonly type: string;
  /** Without the batch: C×H×W. */
  readonly output: readonly number[];
  /** Trainable ones. */
  readonly parameters: number;
  readonly multiplyAccumulates: number;
}

function describeConvolution(node: GraphNode): string {
  const { stride, dilation, groups } = node.attributes as ConvolutionAttributes;
  const [filters, , height, width] = node.inputs[1].shape;
  const pair = ([y, x]: readonly [number, number]): string => (y === x ? `${y}` : `${y}×${x}`);
  return [
    `conv ${height}×${width}`,
    pair(stride) !== '1' && `stride ${pair(stride)}`,
    pair(dilation) !== '1' && `dilation ${pair(dilation)}`,
    groups > 1 && (groups === filters ? 'depthwise' : `groups ${groups}`),
  ]
    .filter(Boolean)
    .join(', ');
}

function describeNode(node: GraphNode): string {
  if (node.op === 'conv2d') return describeConvolution(node);
  return node.op.startsWith('batchNorm') ? 'batch norm' : node.op;
}

/**
 * The modules of a network that have parameters, in the order of the computation; what has none (activations, sums,
 * resizing) gets no line and costs no multiply-accumulates, except products of computed matrices.
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
      // A parameter that two layers share is one parameter.
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
