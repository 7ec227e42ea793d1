import type { Tensor } from '../../graph/graph.ts';
import { activation } from '../../graph/ops/activation.ts';
import { adaptiveAvgPool } from '../../graph/ops/pooling.ts';
import { resize } from '../../graph/ops/resize.ts';
import { concat } from '../../graph/ops/shape.ts';
import { convBn, convolution, sequence } from '../../nn/layers.ts';
import { dropoutLayer } from '../../nn/regularization.ts';
import { defineModule } from '../../nn/scope.ts';
import { segmentationHead } from '../decoders/segmentation-head.ts';
import { encoderFeatures } from '../encoders/encoder-features.ts';
import type { Architecture } from '../model.ts';

const grids = [1, 2, 3, 6];
const width = 512;

/** Means over the cells of a grid, convolved and resized to the size of x. The mean over the image has no normalisation. */
const pyramidLevel = defineModule(
  'PspBlock',
  'Means over the cells of a grid, convolved, at every pixel.',
  (scope, x: Tensor, { grid, filters }: { grid: number; filters: number }): Tensor => {
    const [, , rows, columns] = x.shape as [number, number, number, number];
    const means = adaptiveAvgPool(x, grid);
    const at = scope.at('pool').at(1);
    const level =
      grid === 1
        ? sequence(at, means, [
            (inner, y) => activation(convolution(inner, y, { filters, kernel: 1, bias: true }), 'relu'),
          ])
        : convBn(at, means, { filters, kernel: 1 });
    return resize(level, rows, columns, 'bilinear-align-corners');
  },
);

const pyramid = defineModule(
  'PspModule',
  'Means over grids of several sizes beside the features themselves (PSPNet).',
  (scope, x: Tensor): Tensor => {
    const filters = Math.floor(x.shape[1] / grids.length);
    const levels = grids.map((grid, index) => pyramidLevel(scope.at('blocks').at(index), x, { grid, filters }));
    return concat([...levels, x], 1);
  },
);

/**
 * PSPNet (Zhao et al. 2017) on any encoder: means over 1, 4, 9 and 36 cells beside the features of stride 8 or 16; logits at
 * stride 1. Layout and names are those of segmentation_models.pytorch.
 */
export const pspnet: Architecture = {
  name: 'pspnet',
  summary: 'PSPNet on an encoder: pyramid pooling of the features at stride 8',
  multiple: 16,
  settings: {
    encoder: { default: 'resnet18' },
    depth: { default: 3, choices: [3, 4, 5] },
    outputStride: { default: 8, choices: [8, 16] },
    dropout: { default: 0.2 },
  },
  build(scope, image, classes, settings) {
    const [, , height, columns] = image.shape as [number, number, number, number];
    const decoder = scope.at('decoder');
    const features = pyramid(decoder.at('psp'), encoderFeatures(scope, image, settings).at(-1)!.tensor);
    const y = convBn(decoder.at('conv'), features, { filters: width, kernel: 1 });
    const kept = dropoutLayer(decoder.at('dropout'), y, settings.dropout ?? 0, 'channel');
    const logits = segmentationHead(scope.at('segmentation_head'), kept, { classes, kernel: 3 });
    return { logits: resize(logits, height, columns, 'bilinear-align-corners') };
  },
};
