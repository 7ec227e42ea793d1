import type { Tensor } from '../../graph/graph.ts';
import { resize } from '../../graph/ops/resize.ts';
import { concat } from '../../graph/ops/shape.ts';
import { convBn } from '../../nn/layers.ts';
import { defineModule } from '../../nn/scope.ts';
import { segmentationHead } from '../decoders/segmentation-head.ts';
import { encoderFeatures } from '../encoders/encoder-features.ts';
import type { Architecture } from '../model.ts';

const widths = [256, 128, 64, 32, 16];

/** Enlarges x to the size of the skip, concatenates both and convolves twice. */
const decoderBlock = defineModule(
  'UnetBlock',
  'Enlarges, concatenates with the skip, two 3x3 convolutions.',
  (
    scope,
    x: Tensor,
    { skip, height, width, filters }: { skip?: Tensor; height: number; width: number; filters: number },
  ): Tensor => {
    const raised = resize(x, height, width, 'nearest');
    const joined = skip ? concat([raised, skip], 1) : raised;
    const y = convBn(scope.at('conv1'), joined, { filters, kernel: 3 });
    return convBn(scope.at('conv2'), y, { filters, kernel: 3 });
  },
);

/**
 * U-Net (Ronneberger et al. 2015) on any encoder: a decoder step for each level of the encoder, with 256, 128, 64, 32 and 16
 * channels; logits at stride 1. Layout and names are those of segmentation_models.pytorch.
 */
export const unet: Architecture = {
  name: 'unet',
  summary: 'U-Net on an encoder: nearest-neighbour upsampling and skip connections at every stride',
  multiple: 32,
  settings: { encoder: { default: 'resnet18' }, depth: { default: 5, choices: [3, 4, 5] } },
  build(scope, image, classes, settings) {
    const skips = encoderFeatures(scope, image, settings).reverse();
    let x = skips[0].tensor;
    skips.forEach((_, index) => {
      const skip = skips[index + 1]?.tensor;
      const [, , height, width] = (skip ?? image).shape as [number, number, number, number];
      const filters = widths[index];
      x = decoderBlock(scope.at('decoder').at('blocks').at(index), x, {
        ...(skip && { skip }),
        height,
        width,
        filters,
      });
    });
    return { logits: segmentationHead(scope.at('segmentation_head'), x, { classes, kernel: 3 }) };
  },
};
