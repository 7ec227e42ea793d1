import { formatShape, type Shape, type Tensor } from '../graph.ts';
import { apply, defineOp } from '../op.ts';
import { reduceSum } from './reduction.ts';

/** Geometry of a two-dimensional convolution; pairs are [vertical, horizontal]. */
export interface ConvolutionAttributes {
  readonly stride: readonly [number, number];
  /** Zeros around the image: [top, left, bottom, right]. */
  readonly padding: readonly [number, number, number, number];
  readonly dilation: readonly [number, number];
  readonly groups: number;
}

function extent(input: number, kernel: number, stride: number, padding: number, dilation: number): number {
  return Math.floor((input + padding - dilation * (kernel - 1) - 1) / stride) + 1;
}

export const conv2dOp = defineOp<'conv2d', ConvolutionAttributes>({
  name: 'conv2d',
  infer: ([x, weight, bias], { stride, padding, dilation, groups }) => {
    const describe = () =>
      `conv2d: input ${formatShape(x.shape)}, weight ${formatShape(weight.shape)}, groups ${groups}`;
    if (x.shape.length !== 4 || weight.shape.length !== 4) throw new Error(`${describe()}: both must have four axes`);
    const [n, channels, height, width] = x.shape as [number, number, number, number];
    const [filters, perGroup, kernelHeight, kernelWidth] = weight.shape as [number, number, number, number];
    if (channels !== perGroup * groups || filters % groups !== 0) {
      throw new Error(`${describe()}: the channels do not match the groups`);
    }
    if (bias && formatShape(bias.shape) !== String(filters)) {
      throw new Error(`${describe()}: the bias is ${formatShape(bias.shape)}, not ${filters}`);
    }
    const outputHeight = extent(height, kernelHeight, stride[0], padding[0] + padding[2], dilation[0]);
    const outputWidth = extent(width, kernelWidth, stride[1], padding[1] + padding[3], dilation[1]);
    return [{ shape: [n, filters, outputHeight, outputWidth], dtype: 'float32' }];
  },
  gradient: ({ inputs: [x, weight, bias], attributes, outputGradients: [dy], wants }) => [
    wants(0) ? conv2dInputGradient(dy!, weight, x.shape, attributes) : undefined,
    wants(1) ? conv2dWeightGradient(dy!, x, weight.shape, attributes) : undefined,
    bias && wants(2) ? reduceSum(dy!, [0, 2, 3]) : undefined,
  ],
});

/** Options of `conv2d`; a single number applies to both directions. */
export interface ConvolutionOptions {
  stride?: number | readonly [number, number];
  /** Zeros on every side, or [top, left, bottom, right]. */
  padding?: number | readonly [number, number, number, number];
  dilation?: number | readonly [number, number];
  groups?: number;
  bias?: Tensor;
}

/**
 * Two-dimensional convolution (ONNX `Conv`): N×C×H×W with a weight F×(C/groups)×kh×kw gives N×F×H′×W′,
 * H′ = ⌊(H + top + bottom − dilation·(kh − 1) − 1) / stride⌋ + 1.
 */
export function conv2d(x: Tensor, weight: Tensor, options: ConvolutionOptions = {}): Tensor {
  const { stride = 1, padding = 0, dilation = 1, groups = 1, bias } = options;
  const attributes: ConvolutionAttributes = {
    stride: typeof stride === 'number' ? [stride, stride] : stride,
    padding: typeof padding === 'number' ? [padding, padding, padding, padding] : padding,
    dilation: typeof dilation === 'number' ? [dilation, dilation] : dilation,
    groups,
  };
  return apply(conv2dOp, bias ? [x, weight, bias] : [x, weight], attributes);
}

export interface ConvolutionGradientAttributes extends ConvolutionAttributes {
  /** Shape of the gradient: the shape of the input or of the weight. */
  readonly shape: Shape;
}

/** Inputs: dy, weight. Gradient of `conv2d` with respect to its input. */
export const conv2dInputGradientOp = defineOp<'conv2dInputGradient', ConvolutionGradientAttributes>({
  name: 'conv2dInputGradient',
  infer: (_, { shape }) => [{ shape, dtype: 'float32' }],
  gradient: 'none',
});

/** Inputs: dy, x. Gradient of `conv2d` with respect to its weight. */
export const conv2dWeightGradientOp = defineOp<'conv2dWeightGradient', ConvolutionGradientAttributes>({
  name: 'conv2dWeightGradient',
  infer: (_, { shape }) => [{ shape, dtype: 'float32' }],
  gradient: 'none',
});

/** The gradient of `conv2d` with respect to its input of the given shape. */
export function conv2dInputGradient(
  dy: Tensor,
  weight: Tensor,
  shape: Shape,
  attributes: ConvolutionAttributes,
): Tensor {
  return apply(conv2dInputGradientOp, [dy, weight], { ...attributes, shape });
}

/** The gradient of `conv2d` with respect to its weight of the given shape. */
export function conv2dWeightGradient(dy: Tensor, x: Tensor, shape: Shape, attributes: ConvolutionAttributes): Tensor {
  return apply(conv2dWeightGradientOp, [dy, x], { ...attributes, shape });
}
