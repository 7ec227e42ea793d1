import type { Tensor } from '../graph/graph.ts';
import { concat } from '../graph/ops/shape.ts';
import { defineModule, type Scope } from './scope.ts';

/**
 * Two channels that hold where each pixel of x lies, from −1 (left, top) to 1 (right, bottom): N×2×H×W, a constant. The module
 * has no weights; it lets exports know the constant for what it is.
 */
export const coordinates = defineModule('Coordinates', 'Where each pixel lies.', (_, x: Tensor): Tensor => {
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
  return x.graph.constant(data, [n, 2, height, width]);
});

/**
 * Appends the two channels of `coordinates` (CoordConv, Liu et al. 2018): with them a network of small receptive field
 * still tells left from right.
 *
 * @param scope where the coordinates stand among the modules; there are no weights there
 */
export function appendCoordinates(scope: Scope, x: Tensor): Tensor {
  return concat([x, coordinates(scope, x)], 1);
}
