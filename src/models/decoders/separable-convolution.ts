import type { Tensor } from '../../graph/graph.ts';
import { activation } from '../../graph/ops/activation.ts';
import { type BatchNormOptions, batchNorm, convolution, sequence } from '../../nn/layers.ts';
import { defineModule, type Scope } from '../../nn/scope.ts';

/** Geometry of a 3×3 convolution that keeps the size. */
export interface DilatedConvolution {
  readonly filters: number;
  readonly dilation?: number;
}

/** A 3×3 convolution of each channel (module `0`), then a 1×1 convolution (module `1`) (Chollet 2017). */
export const separableConvolution = defineModule(
  'SeparableConv2d',
  'A depthwise 3x3 convolution, then a 1x1 convolution.',
  (scope, x: Tensor, { filters, dilation = 1 }: DilatedConvolution): Tensor => {
    const y = convolution(scope.at(0), x, { filters: x.shape[1], kernel: 3, dilation, groups: x.shape[1] });
    return convolution(scope.at(1), y, { filters, kernel: 1 });
  },
);

/** A separable convolution (module `0`) and batch normalisation (module `1`), then ReLU. */
export function separableConvBn(scope: Scope, x: Tensor, options: DilatedConvolution & BatchNormOptions): Tensor {
  return sequence(scope, x, [
    (at, y) => separableConvolution(at, y, options),
    (at, y) => activation(batchNorm(at, y, options), 'relu'),
  ]);
}
