import { formatShape, type Shape, type Tensor } from '../graph.ts';
import { apply, defineOp, type OpDefinition } from '../op.ts';
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

export const conv2dOp: OpDefinition<'conv2d', ConvolutionAttributes> = defineOp({
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
    wants(0) ? apply(convTranspose2dOp, [dy!, weight], { ...attributes, shape: x.shape }) : undefined,
    wants(1) ? apply(conv2dWeightGradientOp, [dy!, x], { ...attributes, shape: weight.shape }) : undefined,
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
  const { bias } = options;
  return apply(conv2dOp, bias ? [x, weight, bias] : [x, weight], attributesOf(options));
}

function attributesOf({
  stride = 1,
  padding = 0,
  dilation = 1,
  groups = 1,
}: ConvolutionOptions): ConvolutionAttributes {
  return {
    stride: typeof stride === 'number' ? [stride, stride] : stride,
    padding: typeof padding === 'number' ? [padding, padding, padding, padding] : padding,
    dilation: typeof dilation === 'number' ? [dilation, dilation] : dilation,
    groups,
  };
}

/** Attributes of an op that goes from the output of a convolution back to its input or weight. */
export interface ConvolutionGradientAttributes extends ConvolutionAttributes {
  /** Shape of the result: the shape of the input or of the weight. */
  readonly shape: Shape;
}

/**
 * Inputs: x, weight[, bias]. The transposed convolution, which is also the gradient of `conv2d` with respect to its input: x
 * has the shape of the output of a convolution with these attributes, the result has the shape of its input.
 */
export const convTranspose2dOp: OpDefinition<'convTranspose2d', ConvolutionGradientAttributes> = defineOp({
  name: 'convTranspose2d',
  infer: ([x, weight, bias], { shape, ...attributes }) => {
    const describe = () =>
      `convTranspose2d: input ${formatShape(x.shape)}, weight ${formatShape(weight.shape)}, output ${formatShape(shape)}`;
    const [convolved] = conv2dOp.infer([{ shape, dtype: 'float32' }, weight], attributes);
    if (formatShape(convolved.shape) !== formatShape(x.shape)) {
      throw new Error(`${describe()}: a convolution of the output would give ${formatShape(convolved.shape)}`);
    }
    if (bias && formatShape(bias.shape) !== String(shape[1])) {
      throw new Error(`${describe()}: the bias is ${formatShape(bias.shape)}, not ${shape[1]}`);
    }
    return [{ shape, dtype: 'float32' }];
  },
  gradient: ({ inputs: [x, weight, bias], attributes: { shape: _, ...attributes }, outputGradients: [dy], wants }) => [
    wants(0) ? apply(conv2dOp, [dy!, weight], attributes) : undefined,
    // The roles of the input and of the output's gradient are exchanged, as in the convolution that it transposes.
    wants(1) ? apply(conv2dWeightGradientOp, [x, dy!], { ...attributes, shape: weight.shape }) : undefined,
    bias && wants(2) ? reduceSum(dy!, [0, 2, 3]) : undefined,
  ],
});

/** Inputs: dy, x. Gradient of `conv2d` with respect to its weight. */
export const conv2dWeightGradientOp = defineOp<'conv2dWeightGradient', ConvolutionGradientAttributes>({
  name: 'conv2dWeightGradient',
  infer: (_, { shape }) => [{ shape, dtype: 'float32' }],
  gradient: 'none',
});

/** Options of `convTranspose2d`; stride, padding and dilation are those of the convolution that it transposes. */
export interface TransposedConvolutionOptions extends ConvolutionOptions {
  /** Rows and columns added at the bottom and right of the result, fewer than the stride or the dilation; default 0. */
  outputPadding?: number | readonly [number, number];
}

/**
 * Two-dimensional transposed convolution (ONNX `ConvTranspose`; PyTorch `conv_transpose2d`): N×C×H×W with a weight
 * C×(F/groups)×kh×kw gives N×F×H′×W′, H′ = (H − 1)·stride − top − bottom + dilation·(kh − 1) + outputPadding + 1.
 *
 * @example convTranspose2d(x, weight, { stride: 2, padding: 1 }) // doubles the size, for a 4×4 kernel
 */
export function convTranspose2d(x: Tensor, weight: Tensor, options: TransposedConvolutionOptions = {}): Tensor {
  if (x.shape.length !== 4 || weight.shape.length !== 4) {
    const shapes = `input ${formatShape(x.shape)}, weight ${formatShape(weight.shape)}`;
    throw new Error(`convTranspose2d: ${shapes}: both must have four axes`);
  }
  const { bias, outputPadding = 0 } = options;
  const attributes = attributesOf(options);
  const { stride, padding, dilation, groups } = attributes;
  const added = typeof outputPadding === 'number' ? [outputPadding, outputPadding] : outputPadding;
  const sides = [0, 1].map(
    (side) =>
      (x.shape[2 + side] - 1) * stride[side] -
      padding[side] -
      padding[2 + side] +
      dilation[side] * (weight.shape[2 + side] - 1) +
      added[side] +
      1,
  );
  const shape = [x.shape[0], weight.shape[1] * groups, ...sides];
  return apply(convTranspose2dOp, bias ? [x, weight, bias] : [x, weight], { ...attributes, shape });
}
