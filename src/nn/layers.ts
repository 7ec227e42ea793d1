import { sizeOf, type Tensor } from '../graph/graph.ts';
import { type ActivationKind, activation } from '../graph/ops/activation.ts';
import { conv2d, convTranspose2d } from '../graph/ops/convolution.ts';
import { add, mul } from '../graph/ops/elementwise.ts';
import { batchNormInference, batchNormTraining } from '../graph/ops/normalization.ts';
import { globalAvgPool } from '../graph/ops/pooling.ts';
import { scale } from '../graph/ops/reduction.ts';
import { constantInitializer, heNormal, heNormalTransposed, type Initializer, uniformFanIn } from './initializers.ts';
import { defineModule, type Scope } from './scope.ts';

export interface ConvolutionLayerOptions {
  readonly filters: number;
  readonly kernel: number;
  readonly stride?: number;
  /** Zeros around the image: [top, left, bottom, right]. Default: "same" at stride 1, dilation·(kernel − 1)/2 on every side. */
  readonly padding?: readonly [number, number, number, number];
  readonly dilation?: number;
  readonly groups?: number;
  readonly bias?: boolean;
  readonly initializer?: Initializer;
  /** Default: uniform within ±1/√fan-in, as in PyTorch. */
  readonly biasInitializer?: Initializer;
}

/** A convolution. */
export const convolution = defineModule(
  'Conv2d',
  'Convolution.',
  (scope, x: Tensor, options: ConvolutionLayerOptions): Tensor => {
    const { filters, kernel, stride = 1, dilation = 1, groups = 1, bias = false, initializer = heNormal } = options;
    const { padding = (dilation * (kernel - 1)) / 2 } = options;
    const shape = [filters, x.shape[1] / groups, kernel, kernel];
    const { biasInitializer = uniformFanIn(sizeOf(shape.slice(1))) } = options;
    const weight = scope.parameter('weight', shape, initializer, { decay: true });
    return conv2d(x, weight, {
      stride,
      dilation,
      groups,
      padding,
      ...(bias && { bias: scope.parameter('bias', [filters], biasInitializer, { decay: false }) }),
    });
  },
);

export interface TransposedConvolutionLayerOptions {
  readonly filters: number;
  readonly kernel: number;
  readonly stride?: number;
  /** Rows and columns cut off on every side of the result; default 0. */
  readonly padding?: number;
  /** Rows and columns added at the bottom and right of the result; default 0. */
  readonly outputPadding?: number;
  readonly groups?: number;
  readonly bias?: boolean;
  readonly initializer?: Initializer;
}

/**
 * A transposed convolution: N×C×H×W gives N×filters×H′×W′ with H′ = (H − 1)·stride − 2·padding + kernel + outputPadding. A
 * kernel of 4 with stride 2 and padding 1 doubles the size.
 */
export const transposedConvolution = defineModule(
  'ConvTranspose2d',
  'Transposed convolution.',
  (scope, x: Tensor, options: TransposedConvolutionLayerOptions): Tensor => {
    const { filters, kernel, stride = 1, padding = 0, outputPadding = 0, groups = 1, bias = false } = options;
    const { initializer = heNormalTransposed(stride, groups) } = options;
    const shape = [x.shape[1], filters / groups, kernel, kernel];
    const weight = scope.parameter('weight', shape, initializer, { decay: true });
    return convTranspose2d(x, weight, {
      stride,
      padding,
      outputPadding,
      groups,
      ...(bias && { bias: scope.parameter('bias', [filters], uniformFanIn(sizeOf(shape.slice(1))), { decay: false }) }),
    });
  },
);

export interface BatchNormOptions {
  /** Share of the new statistics in the running ones; default 0.1. */
  readonly momentum?: number;
  /** Added to the variance; default 1e-5. */
  readonly epsilon?: number;
}

/**
 * Batch normalisation (Ioffe and Szegedy 2015). In training, the running statistics move towards the batch statistics,
 * running ← (1 − momentum)·running + momentum·batch, with the unbiased variance, as in PyTorch.
 */
export const batchNorm = defineModule(
  'BatchNorm2d',
  'Batch normalisation.',
  (scope, x: Tensor, options: BatchNormOptions = {}): Tensor => {
    const { momentum = 0.1, epsilon = 1e-5 } = options;
    const shape = [x.shape[1]];
    const gamma = scope.parameter('weight', shape, constantInitializer(1), { decay: false });
    const beta = scope.parameter('bias', shape, constantInitializer(0), { decay: false });
    const runningMean = scope.buffer('running_mean', shape, constantInitializer(0));
    const runningVariance = scope.buffer('running_var', shape, constantInitializer(1));
    const { training, frozenBatchNorm } = scope.mode;
    if (!training || frozenBatchNorm?.(scope.path))
      return batchNormInference(x, gamma, beta, runningMean, runningVariance, epsilon);
    const { y, mean, variance } = batchNormTraining(x, gamma, beta, epsilon);
    const count = sizeOf(x.shape) / shape[0];
    const unbiased = count > 1 ? count / (count - 1) : 1;
    const { graph } = scope;
    const towards = (statistic: Tensor, share: number) => (running: Tensor) =>
      add(scale(running, 1 - momentum), scale(statistic, share));
    graph.update(runningMean, towards(mean, momentum));
    graph.update(runningVariance, towards(variance, momentum * unbiased));
    return y;
  },
);

export interface ConvBnOptions extends Omit<ConvolutionLayerOptions, 'bias'>, BatchNormOptions {
  /** Activation after the normalisation; default relu. */
  readonly activation?: ActivationKind | 'none';
}

/** Convolution (module `0`) and batch normalisation (module `1`), then an activation unless it is `none`. */
export const convBn = defineModule(
  'ConvBn',
  'Convolution, batch normalisation, activation.',
  (scope, x: Tensor, options: ConvBnOptions): Tensor => {
    const { activation: kind = 'relu' } = options;
    const y = batchNorm(scope.at(1), convolution(scope.at(0), x, options), options);
    return kind === 'none' ? y : activation(y, kind);
  },
);

/** Builds one module of a sequence. */
export type SequenceStep = (scope: Scope, x: Tensor) => Tensor;

/** Modules in sequence, numbered from 0, as in PyTorch's Sequential. */
export const sequence = defineModule(
  'Sequential',
  'Modules one after the other.',
  (scope, x: Tensor, steps: readonly SequenceStep[]): Tensor =>
    steps.reduce((y, step, index) => step(scope.at(index), y), x),
);

export interface ExcitationOptions {
  /** Channels between the two convolutions. */
  readonly squeezed: number;
  /** Activation between the two convolutions; default relu. */
  readonly activation?: ActivationKind;
  /** Activation of the gate; default hardSigmoid. */
  readonly gate?: ActivationKind;
  readonly initializer?: Initializer;
  readonly biasInitializer?: Initializer;
}

/**
 * Squeeze-and-excitation (Hu et al. 2018) inside another module: channels weighted by a gate computed from their means.
 *
 * @param reduce scope of the 1×1 convolution to fewer channels
 * @param expand scope of the 1×1 convolution back
 */
export function excitation(reduce: Scope, expand: Scope, x: Tensor, options: ExcitationOptions): Tensor {
  const { squeezed, activation: inner = 'relu', gate = 'hardSigmoid', ...initializers } = options;
  const shared = { kernel: 1, bias: true, ...initializers };
  const reduced = activation(convolution(reduce, globalAvgPool(x), { filters: squeezed, ...shared }), inner);
  return mul(x, activation(convolution(expand, reduced, { filters: x.shape[1], ...shared }), gate));
}

/** Squeeze-and-excitation with the modules `reduce` and `expand`, a ReLU and a hard sigmoid. */
export const squeezeExcite = defineModule(
  'SqueezeExcite',
  'Weighs whole channels by a gate that is computed from their means.',
  (scope, x: Tensor, squeezed: number): Tensor => excitation(scope.at('reduce'), scope.at('expand'), x, { squeezed }),
);

/** Two 3×3 convolutions with a residual sum, then ReLU (He et al. 2016, basic block). */
export const basicBlock = defineModule(
  'BasicBlock',
  'Two convolutions, joined with what came in (ResNet).',
  (scope, x: Tensor): Tensor => {
    const filters = x.shape[1];
    const y = convBn(scope.at('first'), x, { filters, kernel: 3 });
    return activation(add(x, convBn(scope.at('second'), y, { filters, kernel: 3, activation: 'none' })), 'relu');
  },
);

export interface InvertedResidualOptions {
  /** Inner channels as a multiple of the outer ones. */
  readonly expansion?: number;
  readonly kernel?: number;
  /** Squeeze-and-excitation on the inner channels, reduced to a quarter of the outer ones. */
  readonly squeeze?: boolean;
}

/**
 * 1×1 to expansion·c channels, depthwise k×k, 1×1 back to c; residual sum, then ReLU
 * (Sandler et al. 2018, with an activation after the sum).
 */
export const invertedResidual = defineModule(
  'InvertedResidual',
  '1x1 to more channels, depthwise, 1x1 back (MobileNetV2), joined with what came in.',
  (scope, x: Tensor, options: InvertedResidualOptions = {}): Tensor => {
    const { expansion = 4, kernel = 3, squeeze = false } = options;
    const channels = x.shape[1];
    const inside = expansion * channels;
    let y = convBn(scope.at('expand'), x, { filters: inside, kernel: 1 });
    y = convBn(scope.at('depthwise'), y, { filters: inside, kernel, groups: inside });
    if (squeeze) y = squeezeExcite(scope.at('squeeze'), y, Math.round(channels / 4));
    y = convBn(scope.at('project'), y, { filters: channels, kernel: 1, activation: 'none' });
    return activation(add(x, y), 'relu');
  },
);
