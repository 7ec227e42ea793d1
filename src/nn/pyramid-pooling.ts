import type { Tensor } from '../graph/graph.ts';
import { adaptiveAvgPool } from '../graph/ops/pooling.ts';
import { resize } from '../graph/ops/resize.ts';
import { concat } from '../graph/ops/shape.ts';
import { type BatchNormOptions, convBn } from './layers.ts';
import { defineModule } from './scope.ts';

/**
 * Pyramid pooling (Zhao et al. 2017): means over grids of several sizes, each reduced to `filters` channels, upsampled
 * to the size of x and concatenated to x. It gives every pixel the context of the whole image.
 */
export const pyramidPooling = defineModule(
  'PyramidPooling',
  'Means over grids of several sizes beside the features themselves (PSPNet).',
  (
    scope,
    x: Tensor,
    { grids, ...options }: { grids: readonly number[]; filters: number } & BatchNormOptions,
  ): Tensor => {
    const [, , height, width] = x.shape as [number, number, number, number];
    const levels = grids.map((grid, index) => {
      const pooled = adaptiveAvgPool(x, Math.min(grid, height), Math.min(grid, width));
      return resize(convBn(scope.at(index), pooled, { ...options, kernel: 1 }), height, width);
    });
    return concat([x, ...levels], 1);
  },
);
