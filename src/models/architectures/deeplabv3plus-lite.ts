import { resize } from '../../graph/ops/resize.ts';
import { concat } from '../../graph/ops/shape.ts';
import { convBn } from '../../nn/layers.ts';
import { aspp } from '../decoders/aspp.ts';
import { segmentationHead } from '../decoders/segmentation-head.ts';
import { efficientnetB0Expansions } from '../encoders/efficientnet.ts';
import { imagenetPreprocessing, kerasNormalization } from '../encoders/encoder.ts';
import type { Architecture } from '../model.ts';

const layer = { filters: 64, ...kerasNormalization };

/**
 * The DeepLabv3+ of a Keras project for eight classes: EfficientNet-B0 up to the expansion of block 6a (stride 16), atrous spatial
 * pyramid pooling with 64 channels, refined with the expansion of block 3a (stride 4). Logits at stride 1.
 */
export const deeplabv3plusEfficientnetB0Lite: Architecture = {
  name: 'deeplabv3plus-efficientnet-b0-lite',
  summary: 'DeepLabv3+ of a Keras project: EfficientNet-B0 cut at stride 16, 64 channels of decoder',
  multiple: 16,
  trainingPreprocessing: imagenetPreprocessing,
  build(scope, image, classes) {
    const decoder = scope.at('decoder');
    const { fine, coarse } = efficientnetB0Expansions(scope.at('encoder'), image);
    const refinement = convBn(decoder.at('fine'), fine, { ...layer, kernel: 1 });
    const context = aspp(decoder.at('aspp'), coarse, { ...layer, dilations: [2, 4, 6], separable: false });
    const [, , rows, columns] = refinement.shape as [number, number, number, number];
    const joined = concat([resize(context, rows, columns), refinement], 1);
    const first = convBn(decoder.at('conv1'), joined, { ...layer, kernel: 3 });
    const second = convBn(decoder.at('conv2'), first, { ...layer, kernel: 3 });
    // The original resizes first. A 1×1 convolution gives the same after it as before it, at a sixteenth of the work.
    const logits = segmentationHead(scope.at('segmentation_head'), second, { classes, kernel: 1 });
    const [, , height, width] = image.shape as [number, number, number, number];
    return { logits: resize(logits, height, width) };
  },
};
