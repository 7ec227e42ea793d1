import type { Tensor } from '../graph/graph.ts';
import { concat } from '../graph/ops/shape.ts';
import { defineModule, type Scope } from './scope.ts';

/**
 * Two constant channels with the x and y coordinate of each pixel, from −1 (left, top) to 1 (right, bottom): N×2×H×W.
 * The module has no weights. It exists so that exports recognise the constant.
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
 * Appends the two channels of `coordinates` (CoordConv, Liu et al. 2018): with them, a network with a small receptive field
 * can still distinguish left from right.
 *
 * @param scope path of the coordinates among the modules; it has no weights
 */
export function appendCoordinates(scope: Scope, x: Tensor): Tensor {
  return concat([x, coordinates(scope, x)], 1);
}
