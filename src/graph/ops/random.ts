import type { Shape, Tensor } from '../graph.ts';
import { mul } from './elementwise.ts';

/** What dropout keeps or drops as a whole: one element, one feature map, or all of an image. */
export type DropoutUnit = 'element' | 'channel' | 'image';

/** The number of leading axes of N×C×H×W along which the units have their own values. */
const ownAxes: Readonly<Record<DropoutUnit, number>> = { element: 4, channel: 2, image: 1 };

/**
 * Dropout (Srivastava et al. 2014): keeps each unit with probability 1 − rate, scaled by 1/(1 − rate). The mask is an input of
 * the graph, drawn by the host for every run from the seed and the step: all engines and resumed runs see the same masks.
 *
 * @param name name of the mask, unique in the graph
 * @param unit elements; feature maps (Tompson et al. 2015); or images, for stochastic depth (Huang et al. 2016)
 */
export function dropout(x: Tensor, name: string, rate: number, unit: DropoutUnit = 'element'): Tensor {
  if (rate <= 0) return x;
  if (rate >= 1) throw new Error(`dropout '${name}': the rate ${rate} must be below 1`);
  const shape: Shape = x.shape.map((extent, axis) => (axis < ownAxes[unit] ? extent : 1));
  return mul(x, x.graph.input(`random.${name}`, shape, 'float32', { kind: 'dropout', keep: 1 - rate }));
}
