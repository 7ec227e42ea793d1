import type { Tensor } from '../../graph/graph.ts';
import { activation } from '../../graph/ops/activation.ts';
import { add } from '../../graph/ops/elementwise.ts';
import { adaptiveAvgPool, avgPool } from '../../graph/ops/pooling.ts';
import { resize } from '../../graph/ops/resize.ts';
import { xavierUniform } from '../../nn/initializers.ts';
import { convBn, convolution, sequence } from '../../nn/layers.ts';
import { defineModule, type Scope } from '../../nn/scope.ts';
import { encoderFeatures } from '../encoders/encoder-features.ts';
import type { Architecture } from '../model.ts';

/** Channels of the pyramid and of the fused features. */
const pyramidWidth = 256;
const fusionWidth = 128;
/** Channels of the three convolutions on the whole image. */
const detailWidths = [32, 32, 64];
/** Levels of the encoder on the image of half the size: to stride 8. */
const mediumDepth = 3;

function enlarge(x: Tensor): Tensor {
  return resize(x, 2 * x.shape[2], 2 * x.shape[3]);
}

/** Adds means over grids of several sizes to the features, then reduces the channels. */
const sumPyramid = defineModule(
  'SumPyramid',
  'Features plus their means over grids of several sizes, then 1x1 (ICNet).',
  (scope, x: Tensor): Tensor => {
    const [, , height, width] = x.shape as [number, number, number, number];
    const means = [1, 2, 3, 6].map((grid) => resize(adaptiveAvgPool(x, grid), height, width));
    const sum = means.reduce((total, mean) => add(total, mean), x);
    return convBn(scope.at('reduce'), sum, { filters: pyramidWidth, kernel: 1 });
  },
);

/** Joins enlarged coarse features, seen by a dilated convolution, with finer ones. */
const cascadeFusion = defineModule(
  'CascadeFusion',
  'Coarse features, convolved with dilation, plus fine ones (ICNet).',
  (scope, coarse: Tensor, fine: Tensor): Tensor => {
    const layer = { filters: fusionWidth, activation: 'none' } as const;
    const wide = convBn(scope.at('coarse'), coarse, { ...layer, kernel: 3, dilation: 2 });
    return activation(add(wide, convBn(scope.at('fine'), fine, { ...layer, kernel: 1 })), 'relu');
  },
);

/**
 * ICNet (Zhao et al. 2018) on any encoder: the whole encoder, dilated to stride 8, and a pyramid of means on the image at a
 * quarter of its size; the first levels of the same encoder at half of its size; three convolutions at full size. Two cascade
 * fusions join them; logits at stride 4.
 *
 * The auxiliary heads classify the coarser inputs of both fusions, at strides 16 and 8. In the paper, their losses have the
 * weight 0.4.
 */
export const icnet: Architecture = {
  name: 'icnet',
  summary: 'ICNet on an encoder: the deep part sees a small image, and detail comes from larger ones',
  multiple: 32,
  settings: { encoder: { default: 'resnet18' } },
  build(scope, image, classes, settings) {
    const half = avgPool(image, { kernel: 2 });
    const deep = encoderFeatures(scope, avgPool(half, { kernel: 2 }), { ...settings, outputStride: 8 });
    const medium = encoderFeatures(scope.again(), half, { ...settings, depth: mediumDepth });
    const detail = sequence(
      scope.at('detail'),
      image,
      detailWidths.map((filters) => (at: Scope, x: Tensor) => convBn(at, x, { filters, kernel: 3, stride: 2 })),
    );
    const coarse = enlarge(sumPyramid(scope.at('pyramid'), deep.at(-1)!.tensor));
    const middle = enlarge(cascadeFusion(scope.at('fusion').at(0), coarse, medium.at(-1)!.tensor));
    const fine = enlarge(cascadeFusion(scope.at('fusion').at(1), middle, detail));
    const head = (at: Scope, x: Tensor) =>
      convolution(at, x, { filters: classes, kernel: 1, bias: true, initializer: xavierUniform });
    const logits = head(scope.at('head'), fine);
    if (!scope.mode.auxiliary) return { logits };
    const auxiliary = [coarse, middle].map((features, index) => head(scope.at('auxiliary').at(index), features));
    return { logits, auxiliary };
  },
};
