import { activation } from '../../graph/ops/activation.ts';
import { resize } from '../../graph/ops/resize.ts';
import { concat } from '../../graph/ops/shape.ts';
import { batchNorm, convBn, sequence } from '../../nn/layers.ts';
import { aspp } from '../decoders/aspp.ts';
import { segmentationHead } from '../decoders/segmentation-head.ts';
import { separableConvBn, separableConvolution } from '../decoders/separable-convolution.ts';
import { encoderFeatures } from '../encoders/encoder-features.ts';
import type { Architecture } from '../model.ts';

const filters = 256;
const fineFilters = 48;

/**
 * DeepLabv3+ (Chen et al. 2018) on any encoder: atrous spatial pyramid pooling at stride 16 or 8, a decoder step with the
 * features of stride 4; logits at stride 1. Layout and names are those of segmentation_models.pytorch.
 */
export const deeplabv3plus: Architecture = {
  name: 'deeplabv3plus',
  summary: 'DeepLabv3+ on an encoder: dilated convolutions at stride 16, refined at stride 4',
  multiple: 16,
  settings: {
    encoder: { default: 'resnet18' },
    depth: { default: 5, choices: [3, 4, 5] },
    outputStride: { default: 16, choices: [8, 16] },
    dropout: { default: 0.5 },
  },
  build(scope, image, classes, settings) {
    const features = encoderFeatures(scope, image, settings);
    const decoder = scope.at('decoder');
    const fine = convBn(decoder.at('block1'), features[1].tensor, { filters: fineFilters, kernel: 1 });
    const coarse = sequence(decoder.at('aspp'), features.at(-1)!.tensor, [
      (at, x) => aspp(at, x, { filters, dilations: [12, 24, 36], separable: true, dropout: settings.dropout ?? 0 }),
      (at, x) => separableConvolution(at, x, { filters }),
      (at, x) => activation(batchNorm(at, x), 'relu'),
    ]);
    const [, , rows, columns] = fine.shape as [number, number, number, number];
    const raised = resize(coarse, rows, columns, 'bilinear-align-corners');
    const y = separableConvBn(decoder.at('block2'), concat([raised, fine], 1), { filters });
    const logits = segmentationHead(scope.at('segmentation_head'), y, { classes, kernel: 1 });
    const [, , height, width] = image.shape as [number, number, number, number];
    return { logits: resize(logits, height, width, 'bilinear-align-corners') };
  },
};
