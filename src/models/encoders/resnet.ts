import type { Tensor } from '../../graph/graph.ts';
import { activation } from '../../graph/ops/activation.ts';
import { add } from '../../graph/ops/elementwise.ts';
import { maxPool } from '../../graph/ops/pooling.ts';
import { heNormalFanOut } from '../../nn/initializers.ts';
import { batchNorm, type ConvolutionLayerOptions, convolution, type SequenceStep, sequence } from '../../nn/layers.ts';
import { stochasticDepth } from '../../nn/regularization.ts';
import { defineModule, type Scope } from '../../nn/scope.ts';
import {
  depthRate,
  type Encoder,
  type EncoderOptions,
  type Feature,
  imagenetPreprocessing,
  type LevelGeometry,
  levelGeometry,
} from './encoder.ts';

interface BlockOptions extends Pick<LevelGeometry, 'stride' | 'dilation'> {
  /** Width of the 3×3 convolutions. */
  readonly width: number;
  /** Rate of stochastic depth. */
  readonly drop: number;
}

/** `conv{n}` and `bn{n}` of a block. */
function numbered(scope: Scope, n: number, x: Tensor, options: Omit<ConvolutionLayerOptions, 'initializer'>): Tensor {
  const y = convolution(scope.at(`conv${n}`), x, { ...options, initializer: heNormalFanOut() });
  return batchNorm(scope.at(`bn${n}`), y);
}

/** The shortcut of a block: the identity, or a 1×1 convolution where the shape changes. */
function shortcut(scope: Scope, x: Tensor, filters: number, stride: number): Tensor {
  if (stride === 1 && x.shape[1] === filters) return x;
  return sequence(scope.at('downsample'), x, [
    (at, y) => convolution(at, y, { filters, kernel: 1, stride, initializer: heNormalFanOut() }),
    (at, y) => batchNorm(at, y),
  ]);
}

const basic = defineModule(
  'BasicBlock',
  'Two 3x3 convolutions and a shortcut (ResNet).',
  (scope, x: Tensor, { width, stride, dilation, drop }: BlockOptions): Tensor => {
    const inner = activation(numbered(scope, 1, x, { filters: width, kernel: 3, stride, dilation }), 'relu');
    const branch = numbered(scope, 2, inner, { filters: width, kernel: 3, dilation });
    return activation(add(stochasticDepth(scope, branch, drop), shortcut(scope, x, width, stride)), 'relu');
  },
);

/** The stride is at the 3×3 convolution, as in torchvision ("ResNet v1.5"). */
const bottleneck = defineModule(
  'Bottleneck',
  '1x1 to fewer channels, 3x3, 1x1 back, and a shortcut (ResNet).',
  (scope, x: Tensor, { width, stride, dilation, drop }: BlockOptions): Tensor => {
    const narrow = activation(numbered(scope, 1, x, { filters: width, kernel: 1 }), 'relu');
    const inner = activation(numbered(scope, 2, narrow, { filters: width, kernel: 3, stride, dilation }), 'relu');
    const branch = numbered(scope, 3, inner, { filters: 4 * width, kernel: 1 });
    return activation(add(stochasticDepth(scope, branch, drop), shortcut(scope, x, 4 * width, stride)), 'relu');
  },
);

/** Widths of the 3×3 convolutions at strides 4, 8, 16 and 32. */
const widths = [64, 128, 256, 512];

/**
 * A ResNet (He et al. 2016) without its head, with the names of torchvision. Features at stride 2 come before the max pooling.
 *
 * @param blocks number of blocks at strides 4, 8, 16 and 32
 */
function resnet(name: string, block: typeof basic, blocks: readonly number[]): Encoder {
  const total = blocks.reduce((sum, count) => sum + count, 0);
  return {
    name,
    summary: `ResNet-${name.slice('resnet'.length)} (He et al. 2016)`,
    preprocessing: imagenetPreprocessing,
    stochasticDepth: 0,
    build(scope, image, options: EncoderOptions = {}) {
      const [stem, ...levels] = levelGeometry(options);
      let x = activation(numbered(scope, 1, image, { filters: 64, kernel: 7, stride: 2 }), 'relu');
      const features: Feature[] = [{ tensor: x, stride: stem.featureStride }];
      let before = 0;
      levels.forEach(({ stride, dilation, featureStride }, level) => {
        // The max pooling has the stride of the first level.
        if (level === 0) x = maxPool(x, { kernel: 3, stride: 2, padding: 1 });
        const steps = Array.from({ length: blocks[level] }, (_, index): SequenceStep => {
          const drop = depthRate(options, before + index, total);
          const first = index === 0 && level > 0 ? stride : 1;
          return (at, y) => block(at, y, { width: widths[level], stride: first, dilation, drop });
        });
        before += blocks[level];
        x = sequence(scope.at(`layer${level + 1}`), x, steps);
        features.push({ tensor: x, stride: featureStride });
      });
      return features;
    },
  };
}

export const resnet18 = resnet('resnet18', basic, [2, 2, 2, 2]);
export const resnet34 = resnet('resnet34', basic, [3, 4, 6, 3]);
export const resnet50 = resnet('resnet50', bottleneck, [3, 4, 6, 3]);
