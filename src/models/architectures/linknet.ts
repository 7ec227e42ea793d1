import type { Tensor } from '../../graph/graph.ts';
import { activation } from '../../graph/ops/activation.ts';
import { add } from '../../graph/ops/elementwise.ts';
import { batchNorm, convBn, sequence, transposedConvolution } from '../../nn/layers.ts';
import { defineModule } from '../../nn/scope.ts';
import { segmentationHead } from '../decoders/segmentation-head.ts';
import { encoderFeatures } from '../encoders/encoder-features.ts';
import type { Architecture } from '../model.ts';

/** Channels of the last features, before the head. */
const lastWidth = 32;

/** Doubles the size. */
const enlarge = defineModule(
  'TransposedBn',
  'Transposed convolution to twice the size, batch normalisation, ReLU.',
  (scope, x: Tensor): Tensor => {
    const layer = { filters: x.shape[1], kernel: 4, stride: 2, padding: 1, bias: true };
    return activation(batchNorm(scope.at(1), transposedConvolution(scope.at(0), x, layer)), 'relu');
  },
);

/** Doubles the size with a quarter of the channels, and adds the skip. */
const decoderBlock = defineModule(
  'LinknetBlock',
  '1x1 to a quarter of the channels, to twice the size, 1x1 to the channels of the skip, and their sum.',
  (scope, x: Tensor, { skip, filters }: { skip?: Tensor; filters: number }): Tensor => {
    const y = sequence(scope.at('block'), x, [
      (at, z) => convBn(at, z, { filters: Math.floor(x.shape[1] / 4), kernel: 1 }),
      enlarge,
      (at, z) => convBn(at, z, { filters, kernel: 1 }),
    ]);
    return skip ? add(y, skip) : y;
  },
);

/**
 * LinkNet (Chaurasia and Culurciello 2017) on any encoder: a decoder step for each level of the encoder, which adds the
 * encoder's features instead of concatenating them; logits at stride 1. Layout and names are those of
 * segmentation_models.pytorch.
 */
export const linknet: Architecture = {
  name: 'linknet',
  summary: 'LinkNet on an encoder: transposed convolutions and sums with the features of every stride',
  multiple: 32,
  settings: { encoder: { default: 'resnet18' }, depth: { default: 5, choices: [3, 4, 5] } },
  build(scope, image, classes, settings) {
    const [deepest, ...skips] = encoderFeatures(scope, image, settings).reverse();
    const blocks = scope.at('decoder').at('blocks');
    const x = [...skips, undefined].reduce((y, skip, index) => {
      const filters = skip?.tensor.shape[1] ?? lastWidth;
      return decoderBlock(blocks.at(index), y, { ...(skip && { skip: skip.tensor }), filters });
    }, deepest.tensor);
    return { logits: segmentationHead(scope.at('segmentation_head'), x, { classes, kernel: 1 }) };
  },
};
