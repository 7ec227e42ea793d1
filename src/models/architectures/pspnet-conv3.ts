import { resize } from '../../graph/ops/resize.ts';
import { convBn } from '../../nn/layers.ts';
import { pyramidPooling } from '../../nn/pyramid-pooling.ts';
import { segmentationHead } from '../decoders/segmentation-head.ts';
import { imagenetPreprocessing, kerasNormalization } from '../encoders/encoder.ts';
import { kerasResnet50 } from '../encoders/resnet.ts';
import type { Architecture } from '../model.ts';

/**
 * The PSPNet of a Keras project for eight classes: ResNet-50 of Keras cut at stride 8, after block 4 of conv3; means over grids
 * of 1, 2, 4 and 8; all features at full resolution before the last convolutions. Logits at stride 1. Where the sides are multiples
 * of 64, as in the original, the cells of a grid are windows of equal size.
 */
export const pspnetResnet50Conv3: Architecture = {
  name: 'pspnet-resnet50-conv3',
  summary: 'PSPNet of a Keras project: ResNet-50 cut at stride 8, 256 channels at full resolution',
  multiple: 16,
  trainingPreprocessing: imagenetPreprocessing,
  build(scope, image, classes) {
    const decoder = scope.at('decoder');
    const features = kerasResnet50.build(scope.at('encoder'), image, { depth: 3 }).at(-1)!.tensor;
    const reduced = convBn(decoder.at('reduce'), features, { filters: 128, kernel: 1, ...kerasNormalization });
    const joined = pyramidPooling(decoder.at('pyramid'), reduced, {
      grids: [1, 2, 4, 8],
      filters: 32,
      ...kerasNormalization,
    });
    const [, , height, width] = image.shape as [number, number, number, number];
    const raised = resize(joined, height, width);
    const y = convBn(decoder.at('fuse'), raised, { filters: 64, kernel: 3, ...kerasNormalization });
    return { logits: segmentationHead(scope.at('segmentation_head'), y, { classes, kernel: 1 }) };
  },
};
