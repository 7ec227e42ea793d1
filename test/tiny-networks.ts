import type { Tensor } from '../src/graph/graph.ts';
import { levelGeometry } from '../src/models/encoders/encoder.ts';
import { encoderFeatures } from '../src/models/encoders/encoder-features.ts';
import { getEncoder, listEncoders, registerEncoder } from '../src/models/encoders/registry.ts';
import type { Architecture } from '../src/models/model.ts';
import { listModels, registerModel } from '../src/models/registry.ts';
import { convBn, convolution } from '../src/nn/layers.ts';

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

/** Registers the architecture `tiny`, one convolution on the deepest features of an encoder, and returns its name. */
export function tinyDecoder(): string {
  if (!listModels().includes('tiny')) {
    registerModel({
      name: 'tiny',
      summary: 'One convolution on an encoder.',
      multiple: 32,
      settings: { encoder: { default: 'resnet18' } },
      build(scope, image, classes, settings) {
        const { tensor } = encoderFeatures(scope, image, settings).at(-1)!;
        return { logits: convolution(scope.at('head'), tensor, { filters: classes, kernel: 1, bias: true }) };
      },
    });
  }
  return 'tiny';
}

/** The encoder `tiny`, as an option of a model, if the architecture takes an encoder. */
export function onTinyEncoder({ settings }: Pick<Architecture, 'settings'>): { readonly encoder?: string } {
  return settings?.encoder ? { encoder: tinyEncoder() } : {};
}

/** The options of a model with 5 classes, on the encoder `tiny` if it has an encoder. */
export function tinyOptions(architecture: Pick<Architecture, 'settings'>) {
  return { classes: 5, ...onTinyEncoder(architecture) };
}
