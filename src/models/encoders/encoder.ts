import type { Tensor } from '../../graph/graph.ts';
import type { PreprocessingRules } from '../../image/preprocessing.ts';
import type { BatchNormOptions } from '../../nn/layers.ts';
import type { Scope } from '../../nn/scope.ts';

/** Features of an encoder, N×C×h×w, with their stride relative to the image. */
export interface Feature {
  readonly tensor: Tensor;
  readonly stride: number;
}

/** How an encoder is built. */
export interface EncoderOptions {
  /** Number of levels to build, 1 to 5; default 5. Deeper layers, and their parameters, do not exist. */
  readonly depth?: number;
  /** Stride of the deepest features; default 2^depth. Strides beyond it are replaced by dilation (Chen et al. 2017). */
  readonly outputStride?: number;
  /** Rate of stochastic depth at the last block; it rises linearly from 0 at the first. Default 0. */
  readonly stochasticDepth?: number;
}

/** An entry of the registry of encoders: a classification network without its head. */
export interface Encoder {
  readonly name: string;
  /** One sentence for lists. */
  readonly summary: string;
  /** The encoder of which this is a variant with the same parameters. Lists leave variants out. */
  readonly variantOf?: string;
  /** Preprocessing with which the original was trained on ImageNet. */
  readonly preprocessing: PreprocessingRules;
  /** Default rate of stochastic depth: the original's, 0 if it has none. */
  readonly stochasticDepth: number;
  /**
   * Builds the encoder and returns the last features of each level, from stride 2 on.
   *
   * @param scope the scope `encoder` of a network
   * @param image N×3×H×W
   */
  build(scope: Scope, image: Tensor, options?: EncoderOptions): Feature[];
}

/** Mean and standard deviation of ImageNet, as torchvision and timm use them. */
export const imagenetPreprocessing: PreprocessingRules = {
  resize: 'stretch-area-bilinear',
  mean: [0.485, 0.456, 0.406],
  std: [0.229, 0.224, 0.225],
};

/** Colours from −1 to 1, as networks that were trained in TensorFlow take them. */
export const halfPreprocessing: PreprocessingRules = {
  resize: 'stretch-area-bilinear',
  mean: [0.5, 0.5, 0.5],
  std: [0.5, 0.5, 0.5],
};

/** Batch normalisation with the defaults of Keras, whose momentum 0.99 is the share of the old statistics. */
export const kerasNormalization: BatchNormOptions = { epsilon: 1e-3, momentum: 0.01 };

/** The largest depth of an encoder: a stride of 32. */
export const largestDepth = 5;

/** Stride and dilation of the convolutions of one level. */
export interface LevelGeometry {
  /** 2 where the level halves the resolution, else 1. */
  readonly stride: 1 | 2;
  readonly dilation: number;
  /** Stride of its features relative to the image. */
  readonly featureStride: number;
}

/**
 * The geometry of each level of an encoder, from stride 2 on. Beyond the output stride, a level keeps the resolution, and all
 * of its convolutions are dilated by the lost factor.
 *
 * @example levelGeometry({ depth: 5, outputStride: 16 })[4] // { stride: 1, dilation: 2, featureStride: 16 }
 */
export function levelGeometry({
  depth = largestDepth,
  outputStride = 2 ** depth,
}: EncoderOptions = {}): LevelGeometry[] {
  return Array.from({ length: depth }, (_, index) => {
    const natural = 2 ** (index + 1);
    const isDilated = natural > outputStride;
    return {
      stride: isDilated ? 1 : 2,
      dilation: isDilated ? natural / outputStride : 1,
      featureStride: Math.min(natural, outputStride),
    };
  });
}

/** The features of an encoder whose levels end with these tensors, from stride 2 on. */
export function levelFeatures(ends: readonly Tensor[], options: EncoderOptions): Feature[] {
  return levelGeometry(options).map(({ featureStride }, level) => ({ tensor: ends[level], stride: featureStride }));
}

/**
 * The rate of stochastic depth of a block: it rises linearly from 0 at the first.
 *
 * @param index place of the block among all `count` blocks of the full encoder, from 0
 *
 * @example add(x, stochasticDepth(scope, branch, depthRate(options, 3, 16)))
 */
export function depthRate(options: EncoderOptions, index: number, count: number): number {
  return ((options.stochasticDepth ?? 0) * index) / count;
}
