import { type Graph, type Shape, sizeOf, type Tensor } from '../graph/graph.ts';

/** Prefix of the optimiser's own states. */
export const optimizerPrefix = 'optimizer.';

/** A state of the optimiser that starts at zero. */
export function zeroState(graph: Graph, name: string, shape: Shape): Tensor {
  return graph.state(`${optimizerPrefix}${name}`, shape, () => new Float32Array(sizeOf(shape)));
}
