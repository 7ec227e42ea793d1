import type { Tensor } from '../graph.ts';
import { mul } from './elementwise.ts';

/**
 * Dropout (Srivastava et al. 2014): keeps each element with probability 1 − rate, scaled by 1/(1 − rate). The mask is
 * an input of the graph, drawn by the host for every run from the seed and the step: all engines and resumed
 * runs see the same masks. `perChannel` drops whole feature maps (Tompson et al. 2015).
 */
export function dropout(x: Tensor, name: string, rate: number, perChannel = false): Tensor {
  if (rate <= 0) return x;
  if (rate >= 1) throw new Error(`dropout '${name}': the rate ${rate} must be below 1`);
  const shape = perChannel ? x.shape.map((extent, axis) => (axis < 2 ? extent : 1)) : x.shape;
  return mul(x, x.graph.input(`random.${name}`, shape, 'float32', { kind: 'dropout', keep: 1 - rate }));
}
