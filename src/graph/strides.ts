import type { Shape } from './graph.ts';

/** Row-major strides of a dense array: 2×3×4 gives 12, 4, 1. */
export function stridesOf(shape: Shape): number[] {
  const strides = new Array<number>(shape.length).fill(1);
  for (let axis = shape.length - 2; axis >= 0; axis--) strides[axis] = strides[axis + 1] * shape[axis + 1];
  return strides;
}
