import type { Tensor } from '../graph/graph.ts';
import { concat } from '../graph/ops/shape.ts';

/**
 * Appends two channels that hold where each pixel lies, from −1 (left, top) to 1 (right, bottom) (CoordConv, Liu et al.
 * 2018): with them a network of small receptive field still tells left from right.
 */
export function appendCoordinates(x: Tensor): Tensor {
  const [n, , height, width] = x.shape as [number, number, number, number];
  const pixels = height * width;
  const data = new Float32Array(n * 2 * pixels);
  for (let row = 0; row < height; row++) {
    for (let column = 0; column < width; column++) {
      data[row * width + column] = ((column + 0.5) / width) * 2 - 1;
      data[pixels + row * width + column] = ((row + 0.5) / height) * 2 - 1;
    }
  }
  for (let image = 1; image < n; image++) data.copyWithin(image * 2 * pixels, 0, 2 * pixels);
  return concat([x, x.graph.constant(data, [n, 2, height, width])], 1);
}
