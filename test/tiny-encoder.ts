import type { Tensor } from '../src/graph/graph.ts';
import { levelGeometry } from '../src/models/encoders/encoder.ts';
import { getEncoder, listEncoders, registerEncoder } from '../src/models/encoders/registry.ts';
import { convBn } from '../src/nn/layers.ts';

const widths = [8, 12, 16, 24, 32];

/**
 * Registers the encoder `tiny`, one convolution a level, and returns its name: tests of decoders on it take a fraction of the
 * time and memory that they take on a ResNet.
 */
export function tinyEncoder(): string {
  if (!listEncoders({ variants: true }).includes('tiny')) {
    registerEncoder({
      name: 'tiny',
      summary: 'Five convolutions.',
      preprocessing: getEncoder('resnet18').preprocessing,
      stochasticDepth: 0,
      build(scope, image, options) {
        let x: Tensor = image;
        return levelGeometry(options).map(({ stride, dilation, featureStride }, level) => {
          x = convBn(scope.at('levels').at(level), x, { filters: widths[level], kernel: 3, stride, dilation });
          return { tensor: x, stride: featureStride };
        });
      },
    });
  }
  return 'tiny';
}

/** The options of a model with 5 classes, on the encoder `tiny` if it has an encoder. */
export function tinyOptions({ settings }: { readonly settings?: { readonly encoder?: object } }) {
  return { classes: 5, ...(settings?.encoder && { encoder: tinyEncoder() }) };
}
