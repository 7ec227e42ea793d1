import { describe, expect, it } from 'vitest';
import { Graph, type Tensor } from '../../graph/graph.ts';
import { convBn } from '../../nn/layers.ts';
import { Scope } from '../../nn/scope.ts';
import { createModel } from '../registry.ts';
import { type Encoder, type Feature, imagenetPreprocessing, levelGeometry } from './encoder.ts';
import { encoderFeatures } from './encoder-features.ts';
import { getEncoder, listEncoders, registerEncoder } from './registry.ts';

const usable: Encoder = {
  name: 'own-encoder',
  summary: 'One convolution at each stride.',
  preprocessing: imagenetPreprocessing,
  stochasticDepth: 0,
  build(scope, image, options) {
    let x = image;
    return levelGeometry(options).map(({ stride, dilation, featureStride }, level) => {
      x = convBn(scope.at(level), x, { filters: 4, kernel: 3, stride, dilation });
      return { tensor: x, stride: featureStride };
    });
  },
};

function features(encoder: string): Feature[] {
  const graph = new Graph();
  const scope = new Scope(graph, { training: false, seed: 0 });
  return encoderFeatures(scope, graph.input('image', [1, 3, 64, 96]), { encoder });
}

describe('the encoders', () => {
  it('are listed without their variants, unless asked for', () => {
    expect(listEncoders()).toEqual(expect.arrayContaining(['resnet18', 'mobilenet_v2', 'efficientnet-b0']));
    expect(listEncoders()).not.toContain('timm-efficientnet-b0');
    expect(listEncoders({ variants: true })).toContain('timm-efficientnet-b0');
  });

  it('suggest a similar name for an unknown one', () => {
    expect(() => getEncoder('mobilenet-v2')).toThrow("unknown encoder 'mobilenet-v2'; did you mean 'mobilenet_v2'?");
    expect(() => getEncoder('resnet-18')).toThrow("did you mean 'resnet18'?");
    expect(() => getEncoder('efficientnet_b0')).toThrow("did you mean 'efficientnet-b0'?");
    // Another size is another encoder, not a misspelling.
    expect(() => getEncoder('resnet101')).toThrow(/unknown encoder 'resnet101'; the encoders are resnet18, /);
    expect(() => getEncoder('mobilenet_v3_small')).toThrow(/the encoders are resnet18, /);
    expect(() => getEncoder('vgg')).toThrow(/unknown encoder 'vgg'; the encoders are resnet18, /);
  });

  it('decide about the preprocessing of a network', () => {
    const { trainingPreprocessing } = createModel('unet', { classes: 2, encoder: 'efficientnet-lite0' });
    expect(trainingPreprocessing).toMatchObject({ mean: [0.5, 0.5, 0.5], std: [0.5, 0.5, 0.5] });
  });
});

describe('registerEncoder', () => {
  it('makes an encoder available to architectures', () => {
    registerEncoder(usable);
    expect(features('own-encoder').map(({ stride }) => stride)).toEqual([2, 4, 8, 16, 32]);
    expect(createModel('unet', { classes: 2, encoder: 'own-encoder' }).title).toBe('unet (own-encoder)');
  });

  it.each<[string, object, string]>([
    ['a path', { name: '../own' }, "an encoder cannot be called '../own'"],
    ['a name that is taken', { name: 'resnet18' }, "there is an encoder 'resnet18' already"],
    ['no summary', { summary: undefined }, "the summary of the encoder 'other' must be one line of text"],
    ['a rate of 1', { stochasticDepth: 1 }, "stochasticDepth of the encoder 'other' must be a number from 0"],
    ['no preprocessing', { preprocessing: undefined }, "preprocessing of the encoder 'other' must have"],
    [
      'a mean of one number',
      { preprocessing: { mean: 0.5, std: [1, 1, 1] } },
      'must have mean and std of three numbers',
    ],
    [
      'a deviation of 0',
      { preprocessing: { mean: [0, 0, 0], std: [1, 1, 0] } },
      'must have mean and std of three numbers',
    ],
    ['an unknown original', { variantOf: 'resnt18' }, "unknown encoder 'resnt18'; did you mean 'resnet18'?"],
    ['no build', { build: undefined }, "build of the encoder 'other' must be a function, not undefined"],
  ])('refuses %s', (_, change, message) => {
    expect(() => registerEncoder({ ...usable, name: 'other', ...change } as Encoder)).toThrow(message);
  });

  const all = (change: (feature: Feature, level: number) => unknown) => (given: Feature[]) => given.map(change);
  it.each<[string, (given: Feature[]) => unknown, string]>([
    ['nothing', () => undefined, 'must return a list of features, not undefined'],
    ['too few', (given) => given.slice(1), 'returned 4 features, but must return one for each of the 5 levels'],
    ['bare tensors', all(({ tensor }) => tensor), 'returned no tensor as features at level 1; give { tensor, stride }'],
    [
      'other strides',
      all(({ tensor }) => ({ tensor, stride: 2 })),
      'gives 2 as the stride of the features at level 2, but must give 4',
    ],
    [
      'other sizes',
      (given) => given.map(({ stride }) => ({ tensor: given[0].tensor, stride })),
      'returned 1×4×32×48 as features at level 2, but must return 1×4×16×24 for this image',
    ],
  ])('refuses an encoder that returns %s', (what, wrong, message) => {
    const name = `wrong-${what.replaceAll(' ', '-')}`;
    const build = (scope: Scope, image: Tensor) => wrong(usable.build(scope, image)) as Feature[];
    registerEncoder({ ...usable, name, build });
    expect(() => features(name)).toThrow(`build of the encoder '${name}' ${message}`);
  });
});
