import { type Graph, type GraphNode, type StateOwner, sizeOf } from './graph.ts';

/** Multiply-accumulates of one node; only convolutions and matrix products count. */
export function nodeMultiplyAccumulates(node: GraphNode): number {
  const output = sizeOf(node.outputs[0]?.shape ?? []);
  switch (node.op) {
    case 'conv2d':
      return output * sizeOf(node.inputs[1].shape.slice(1));
    case 'convTranspose2d':
      return sizeOf(node.inputs[0].shape) * sizeOf(node.inputs[1].shape.slice(1));
    case 'matMul': {
      const { transposeA } = node.attributes as { transposeA: boolean };
      return output * node.inputs[0].shape.at(transposeA ? -2 : -1)!;
    }
    default:
      return 0;
  }
}

/** Multiply-accumulates of a forward graph, in units of 10⁹ (GMAC). */
export function gigaMultiplyAccumulates(graph: Graph): number {
  return graph.nodes.reduce((sum, node) => sum + nodeMultiplyAccumulates(node), 0) / 1e9;
}

/** The number of trainable parameters: the elements of the states that an optimiser updates. */
export function countParameters({ states }: StateOwner): number {
  let count = 0;
  for (const state of states.values()) {
    if ((state.node.attributes as { trainable: boolean }).trainable) count += sizeOf(state.shape);
  }
  return count;
}
