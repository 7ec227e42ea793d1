import type { Boxes, ColorTransform } from '../image/draw-boxes.ts';

/** Boxes as the add-on takes them: ax, bx, cx, ay, by, cy of their corners, then their width and height. */
export function boxNumbers({ corner, width, height }: Boxes): Float64Array {
  const { ax, bx, cx, ay, by, cy } = corner;
  return Float64Array.of(ax, bx, cx, ay, by, cy, width, height);
}

/** A change of colours as the add-on takes it: 3 gains, 3 biases, and the 12 numbers of the matrix if there is one. */
export function colorNumbers({ gain, bias, matrix }: ColorTransform): Float64Array {
  return Float64Array.of(...gain, ...bias, ...(matrix ?? []));
}
