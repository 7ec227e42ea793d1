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
    wants(0) ? inputGradient(dy!, weight, x.shape, attributes) : undefined,
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

export interface TransposedConvolutionAttributes extends ConvolutionAttributes {
  /** Rows and columns added at the bottom and right of the result. */
  readonly outputPadding: readonly [number, number];
}

/** Height and width of the result of a transposed convolution without `outputPadding`. */
function transposedSize(
  x: Shape,
  weight: Shape,
  { stride, padding, dilation }: ConvolutionAttributes,
): [number, number] {
  const extents = [0, 1].map((side) => {
    const reach = dilation[side] * (weight[2 + side] - 1) + 1;
    return (x[2 + side] - 1) * stride[side] + reach - padding[side] - padding[2 + side];
  });
  return extents as [number, number];
}

/**
 * Inputs: x, weight[, bias]. The transposed convolution, which is also the gradient of `conv2d` with respect to its input: x
 * has the shape of the output of a convolution with this geometry, the result the shape of its input.
 */
export const convTranspose2dOp: OpDefinition<'convTranspose2d', TransposedConvolutionAttributes> = defineOp({
  name: 'convTranspose2d',
  infer: ([x, weight, bias], attributes) => {
    const { groups, outputPadding, stride } = attributes;
    const describe = () =>
      `convTranspose2d: input ${formatShape(x.shape)}, weight ${formatShape(weight.shape)}, groups ${groups}`;
    if (x.shape.length !== 4 || weight.shape.length !== 4) throw new Error(`${describe()}: both must have four axes`);
    const [n, channels] = x.shape as [number, number];
    if (channels !== weight.shape[0] || channels % groups !== 0) {
      throw new Error(`${describe()}: the channels do not match the groups`);
    }
    const filters = weight.shape[1] * groups;
    if (bias && formatShape(bias.shape) !== String(filters)) {
      throw new Error(`${describe()}: the bias is ${formatShape(bias.shape)}, not ${filters}`);
    }
    if (outputPadding.some((added, side) => added < 0 || added >= stride[side])) {
      throw new Error(
        `${describe()}: outputPadding ${outputPadding.join('×')} must be below the stride ${stride.join('×')}`,
      );
    }
    const [height, width] = transposedSize(x.shape, weight.shape, attributes);
    return [{ shape: [n, filters, height + outputPadding[0], width + outputPadding[1]], dtype: 'float32' }];
  },
  gradient: ({ inputs: [x, weight, bias], attributes, outputGradients: [dy], wants }) => {
    const { outputPadding: _, ...geometry } = attributes;
    return [
      wants(0) ? apply(conv2dOp, [dy!, weight], geometry) : undefined,
      // x is the gradient, and dy the input, of the convolution that is transposed.
      wants(1) ? apply(conv2dWeightGradientOp, [x, dy!], { ...geometry, shape: weight.shape }) : undefined,
      bias && wants(2) ? reduceSum(dy!, [0, 2, 3]) : undefined,
    ];
  },
});

/** The gradient of `conv2d` with respect to its input of the given shape. */
function inputGradient(dy: Tensor, weight: Tensor, shape: Shape, attributes: ConvolutionAttributes): Tensor {
  const [height, width] = transposedSize(dy.shape, weight.shape, attributes);
  // Rows and columns that the stride did not reach.
  const outputPadding = [shape[2] - height, shape[3] - width] as const;
  return apply(convTranspose2dOp, [dy, weight], { ...attributes, outputPadding });
}

export interface WeightGradientAttributes extends ConvolutionAttributes {
  /** Shape of the weight. */
  readonly shape: Shape;
}

/** Inputs: dy, x. Gradient of `conv2d` with respect to its weight. */
export const conv2dWeightGradientOp = defineOp<'conv2dWeightGradient', WeightGradientAttributes>({
  name: 'conv2dWeightGradient',
  infer: (_, { shape }) => [{ shape, dtype: 'float32' }],
  gradient: 'none',
});

/** Options of `convTranspose2d`; stride, padding and dilation are those of the convolution that it transposes. */
export interface TransposedConvolutionOptions extends ConvolutionOptions {
  /** Rows and columns added at the bottom and right of the result, fewer than the stride; default 0. */
  outputPadding?: number | readonly [number, number];
}

/**
 * Two-dimensional transposed convolution (ONNX `ConvTranspose`; PyTorch `conv_transpose2d`): N×C×H×W with a weight
 * C×(F/groups)×kh×kw gives N×F×H′×W′, H′ = (H − 1)·stride − top − bottom + dilation·(kh − 1) + outputPadding + 1.
 *
 * @example convTranspose2d(x, weight, { stride: 2, padding: 1 }) // doubles the size, for a 4×4 kernel
 */
export function convTranspose2d(x: Tensor, weight: Tensor, options: TransposedConvolutionOptions = {}): Tensor {
  const { bias, outputPadding: added = 0 } = options;
  const attributes: TransposedConvolutionAttributes = {
    ...attributesOf(options),
    outputPadding: typeof added === 'number' ? [added, added] : added,
  };
  return apply(convTranspose2dOp, bias ? [x, weight, bias] : [x, weight], attributes);
}
