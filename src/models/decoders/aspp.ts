import type { Tensor } from '../../graph/graph.ts';
import { activation } from '../../graph/ops/activation.ts';
import { globalAvgPool } from '../../graph/ops/pooling.ts';
import { resize } from '../../graph/ops/resize.ts';
import { concat } from '../../graph/ops/shape.ts';
import { type BatchNormOptions, batchNorm, convBn, convolution } from '../../nn/layers.ts';
import { dropoutLayer } from '../../nn/regularization.ts';
import { defineModule } from '../../nn/scope.ts';
import { separableConvBn } from './separable-convolution.ts';

/** Options of atrous spatial pyramid pooling. */
export interface AsppOptions extends BatchNormOptions {
  /** Channels of each branch and of the result. */
  readonly filters: number;
  /** Dilations of the 3×3 convolutions. */
  readonly dilations: readonly number[];
  /** Whether the 3×3 convolutions are separable. */
  readonly separable: boolean;
  /** Dropout rate of the result; default 0. */
  readonly dropout?: number;
}

type BranchOptions = Pick<AsppOptions, 'filters'> & BatchNormOptions;

/** The mean over the image at every pixel. */
const imagePooling = defineModule(
  'AsppPooling',
  'The mean over the whole image, convolved, at every pixel.',
  (scope, x: Tensor, { filters, ...normalization }: BranchOptions): Tensor => {
    const [, , height, width] = x.shape as [number, number, number, number];
    const y = convolution(scope.at(1), globalAvgPool(x), { filters, kernel: 1 });
    return resize(activation(batchNorm(scope.at(2), y, normalization), 'relu'), height, width);
  },
);

/**
 * Atrous spatial pyramid pooling (Chen et al. 2017): a 1×1 convolution, dilated 3×3 convolutions and the mean over the image
 * side by side, then a 1×1 convolution of all. Names of segmentation_models.pytorch.
 */
export const aspp = defineModule(
  'Aspp',
  '1x1, dilated 3x3 convolutions and the mean over the image, side by side (DeepLab).',
  (scope, x: Tensor, { dilations, separable, dropout = 0, ...common }: AsppOptions): Tensor => {
    const branches = scope.at('convs');
    const joined = concat(
      [
        convBn(branches.at(0), x, { ...common, kernel: 1 }),
        ...dilations.map((dilation, index) => {
          const at = branches.at(index + 1);
          if (separable) return separableConvBn(at, x, { ...common, dilation });
          return convBn(at, x, { ...common, kernel: 3, dilation });
        }),
        imagePooling(branches.at(dilations.length + 1), x, common),
      ],
      1,
    );
    return dropoutLayer(scope, convBn(scope.at('project'), joined, { ...common, kernel: 1 }), dropout);
  },
);
