import type { Tensor } from '../../graph/graph.ts';
import { activation } from '../../graph/ops/activation.ts';
import { add } from '../../graph/ops/elementwise.ts';
import { maxPool } from '../../graph/ops/pooling.ts';
import { constantInitializer, heNormalFanOut } from '../../nn/initializers.ts';
import {
  type BatchNormOptions,
  batchNorm,
  type ConvolutionLayerOptions,
  convolution,
  type SequenceStep,
  sequence,
} from '../../nn/layers.ts';
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

/** What differs between implementations of ResNet. */
interface Conventions {
  /** The convolution of a bottleneck that has the stride: the 1×1 of the paper, or the 3×3 ("ResNet v1.5"). */
  readonly stridedConvolution: 1 | 2;
  /** Whether convolutions have biases although a normalisation follows. */
  readonly bias: boolean;
  readonly norm: BatchNormOptions;
}

const torchvision: Conventions = { stridedConvolution: 2, bias: false, norm: {} };
const keras: Conventions = { stridedConvolution: 1, bias: true, norm: { epsilon: 1.001e-5, momentum: 0.01 } };

/** Of the convolutions; a bias before a normalisation starts at 0. */
const initializers = { initializer: heNormalFanOut(), biasInitializer: constantInitializer(0) };

interface BlockOptions extends Pick<LevelGeometry, 'stride' | 'dilation'> {
  /** Width of the 3×3 convolutions. */
  readonly width: number;
  /** Rate of stochastic depth. */
  readonly drop: number;
  readonly conventions: Conventions;
}

/** `conv{n}` and `bn{n}` of a block. */
function numbered(
  scope: Scope,
  n: number,
  x: Tensor,
  { bias, norm }: Conventions,
  options: Omit<ConvolutionLayerOptions, 'initializer'>,
): Tensor {
  const y = convolution(scope.at(`conv${n}`), x, { ...options, bias, ...initializers });
  return batchNorm(scope.at(`bn${n}`), y, norm);
}

/** The shortcut of a block: the identity, or a 1×1 convolution where the shape changes. */
function shortcut(scope: Scope, x: Tensor, filters: number, { stride, conventions }: BlockOptions): Tensor {
  const { bias, norm } = conventions;
  if (stride === 1 && x.shape[1] === filters) return x;
  return sequence(scope.at('downsample'), x, [
    (at, y) => convolution(at, y, { filters, kernel: 1, stride, bias, ...initializers }),
    (at, y) => batchNorm(at, y, norm),
  ]);
}

const basic = defineModule(
  'BasicBlock',
  'Two 3x3 convolutions and a shortcut (ResNet).',
  (scope, x: Tensor, options: BlockOptions): Tensor => {
    const { width, stride, dilation, drop, conventions } = options;
    const wide = { filters: width, kernel: 3, dilation };
    const inner = activation(numbered(scope, 1, x, conventions, { ...wide, stride }), 'relu');
    const branch = numbered(scope, 2, inner, conventions, wide);
    return activation(add(stochasticDepth(scope, branch, drop), shortcut(scope, x, width, options)), 'relu');
  },
);

const bottleneck = defineModule(
  'Bottleneck',
  '1x1 to fewer channels, 3x3, 1x1 back, and a shortcut (ResNet).',
  (scope, x: Tensor, options: BlockOptions): Tensor => {
    const { width, stride, dilation, drop, conventions } = options;
    const strideOf = (n: number) => (n === conventions.stridedConvolution ? stride : 1);
    const layer = (n: 1 | 2, y: Tensor, kernel: number) =>
      activation(
        numbered(scope, n, y, conventions, {
          filters: width,
          kernel,
          stride: strideOf(n),
          dilation: kernel > 1 ? dilation : 1,
        }),
        'relu',
      );
    const branch = numbered(scope, 3, layer(2, layer(1, x, 1), 3), conventions, { filters: 4 * width, kernel: 1 });
    return activation(add(stochasticDepth(scope, branch, drop), shortcut(scope, x, 4 * width, options)), 'relu');
  },
);

/** Widths of the 3×3 convolutions at strides 4, 8, 16 and 32. */
const widths = [64, 128, 256, 512];

/**
 * A ResNet (He et al. 2016) without its head, with the names of torchvision. Features at stride 2 come before the max pooling.
 *
 * @param blocks number of blocks at strides 4, 8, 16 and 32
 */
function resnet(
  name: string,
  block: typeof basic,
  blocks: readonly number[],
  conventions: Conventions = torchvision,
): Encoder {
  const total = blocks.reduce((sum, count) => sum + count, 0);
  return {
    name,
    summary: `ResNet-${name.slice(name.lastIndexOf('t') + 1)} (He et al. 2016)`,
    preprocessing: imagenetPreprocessing,
    stochasticDepth: 0,
    build(scope, image, options: EncoderOptions = {}) {
      const [stem, ...levels] = levelGeometry(options);
      let x = activation(numbered(scope, 1, image, conventions, { filters: 64, kernel: 7, stride: 2 }), 'relu');
      const features: Feature[] = [{ tensor: x, stride: stem.featureStride }];
      let before = 0;
      levels.forEach(({ stride, dilation, featureStride }, level) => {
        // The max pooling has the stride of the first level.
        if (level === 0) x = maxPool(x, { kernel: 3, stride: 2, padding: 1 });
        const steps = Array.from({ length: blocks[level] }, (_, index): SequenceStep => {
          const drop = depthRate(options, before + index, total);
          const first = index === 0 && level > 0 ? stride : 1;
          return (at, y) => block(at, y, { width: widths[level], stride: first, dilation, drop, conventions });
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

/**
 * ResNet-50 of Keras: biases in all convolutions, the stride in the first 1×1 convolution of a block. Because of the biases it is
 * no variant of `resnet50`, and not in the registry.
 */
export const kerasResnet50 = resnet('keras-resnet50', bottleneck, [3, 4, 6, 3], keras);
