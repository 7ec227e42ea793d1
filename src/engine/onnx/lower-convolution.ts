import type {
  ConvolutionAttributes,
  TransposedConvolutionAttributes,
  WeightGradientAttributes,
} from '../../graph/ops/convolution.ts';
import type { Four, LoweringCall, LoweringTable, OnnxBuilder } from './lowering.ts';
import { shiftedWeightGradient } from './shifted-weight-gradient.ts';

function convAttributes({ stride, padding, dilation, groups }: ConvolutionAttributes, kernel: readonly number[]) {
  return { strides: stride, pads: padding, dilations: dilation, group: groups, kernel_shape: kernel };
}

/**
 * The weight turned by 180° with input and output channels exchanged (F×C/g×kh×kw to C×F/g×kh×kw): with it a
 * transposed convolution of stride 1 is itself a convolution, which ONNX Runtime computes faster than ConvTranspose.
 */
function turnedWeight(
  builder: OnnxBuilder,
  weight: string,
  [filters, perGroup, height, width]: Four,
  groups: number,
): string {
  let value = weight;
  if (height > 1 || width > 1) value = builder.slice(value, [-1, -1], [-(2 ** 31), -(2 ** 31)], [2, 3], [-1, -1]);
  if (perGroup === 1 && filters === groups) return value;
  const perGroupFilters = filters / groups;
  const split = builder.reshape(value, [groups, perGroupFilters, perGroup, height, width]);
  const turned = builder.emit('Transpose', [split], { perm: [0, 2, 1, 3, 4] });
  return builder.reshape(turned, [groups * perGroup, perGroupFilters, height, width]);
}

function lowerTransposed(call: LoweringCall<TransposedConvolutionAttributes>): string {
  const { builder, attributes, values, inputs } = call;
  const { stride, padding, dilation, groups, outputPadding } = attributes;
  const { shape } = call.output;
  const [, weight] = inputs;
  const bias = values.slice(2);
  const kernel = weight.shape.slice(2);
  const reach = kernel.map((size, side) => dilation[side] * (size - 1));
  const outer = [0, 1, 2, 3].map((side) => reach[side % 2] - padding[side]);
  if (stride[0] === 1 && stride[1] === 1 && outer.every((amount) => amount >= 0)) {
    const turned = turnedWeight(builder, values[1], weight.shape as unknown as Four, groups);
    return builder.emit('Conv', [values[0], turned, ...bias], {
      ...convAttributes({ stride: [1, 1], padding: outer as unknown as Four, dilation, groups }, kernel),
    });
  }
  const transposed = { ...convAttributes(attributes, kernel), output_padding: outputPadding };
  const [filters, perGroup] = weight.shape as unknown as Four;
  if (builder.options.contrib || groups === 1 || perGroup > 1 || filters === groups) {
    return builder.emit('ConvTranspose', values, transposed);
  }
  // WebGPU's ConvTranspose (ONNX Runtime 1.30) reads wrong weights where each of several groups makes one channel of
  // many: there every group makes a second channel, of zeros, which is cut off.
  const doubled = builder.pad(values[1], [0, 0, 0, 0], [0, 1, 0, 0]);
  const both = builder.emit('ConvTranspose', [values[0], doubled], transposed);
  const pixels = shape[2] * shape[3];
  const cut = builder.slice(builder.reshape(both, [shape[0], groups, 2, pixels]), [0], [1], [2]);
  const y = builder.reshape(cut, shape);
  return bias.length === 0 ? y : builder.emit('Add', [y, builder.reshape(bias[0], [shape[1], 1, 1])]);
}

/**
 * A depthwise weight gradient as one grouped convolution of the input with dy as its kernel, one group per image and
 * channel. Stride and dilation are exchanged.
 */
function depthwiseWeightGradient(call: LoweringCall<WeightGradientAttributes>): string {
  const { builder, attributes, values, inputs } = call;
  const { stride, padding, dilation, shape } = attributes;
  const [dy, x] = inputs;
  const [n, channels, height, width] = x.shape as unknown as Four;
  const [, , dyHeight, dyWidth] = dy.shape as unknown as Four;
  const groups = n * channels;
  const correlated = builder.emit(
    'Conv',
    [
      builder.reshape(values[1], [1, groups, height, width]),
      builder.reshape(values[0], [groups, 1, dyHeight, dyWidth]),
    ],
    convAttributes({ stride: dilation, padding, dilation: stride, groups }, [dyHeight, dyWidth]),
  );
  const extents = [0, 1].map((side) => {
    const padded = x.shape[2 + side] + padding[side] + padding[side + 2];
    return Math.floor((padded - stride[side] * (dy.shape[2 + side] - 1) - 1) / dilation[side]) + 1;
  });
  // Pixels skipped by the stride make the result larger than the kernel.
  const [kernelHeight, kernelWidth] = shape.slice(2) as [number, number];
  const cut =
    extents[0] === kernelHeight && extents[1] === kernelWidth
      ? correlated
      : builder.slice(correlated, [0, 0], [kernelHeight, kernelWidth], [2, 3]);
  const perImage = builder.reshape(cut, [n, channels, kernelHeight, kernelWidth]);
  return builder.reshape(builder.reduceSum(perImage, [0], false), shape);
}

/** One matrix product per kernel position: dy times the input seen by that position. Works for every geometry. */
function slicedWeightGradient(call: LoweringCall<WeightGradientAttributes>): string {
  const { builder, attributes, values, inputs } = call;
  const { stride, padding, dilation, groups, shape } = attributes;
  const [dy, x] = inputs;
  const [filters, perGroup, kernelHeight, kernelWidth] = shape as unknown as Four;
  const [n, , dyHeight, dyWidth] = dy.shape as unknown as Four;
  const pixels = dyHeight * dyWidth;
  const padded = builder.pad(values[1], [0, 0, padding[0], padding[1]], [0, 0, padding[2], padding[3]]);
  const height = x.shape[2] + padding[0] + padding[2];
  const width = x.shape[3] + padding[1] + padding[3];
  const rows = builder.reshape(values[0], [n, groups, filters / groups, pixels]);
  const parts: string[] = [];
  for (let a = 0; a < kernelHeight; a++) {
    for (let b = 0; b < kernelWidth; b++) {
      const top = a * dilation[0];
      const left = b * dilation[1];
      const bottom = top + (dyHeight - 1) * stride[0] + 1;
      const right = left + (dyWidth - 1) * stride[1] + 1;
      const whole = stride[0] === 1 && stride[1] === 1 && bottom - top === height && right - left === width;
      const seen = whole ? padded : builder.slice(padded, [top, left], [bottom, right], [2, 3], stride);
      const columns = builder.reshape(seen, [n, groups, perGroup, pixels]);
      const product = builder.reduceSum(builder.matMul(rows, columns, false, true, 4, 4), [0], false);
      parts.push(builder.reshape(product, [filters, perGroup, 1]));
    }
  }
  const joined = parts.length === 1 ? parts[0] : builder.emit('Concat', parts, { axis: 2 });
  return builder.reshape(joined, shape);
}

function lowerWeightGradient(call: LoweringCall<WeightGradientAttributes>): string {
  const { attributes, inputs } = call;
  const { groups, shape, stride } = attributes;
  const [filters, perGroup, kernelHeight, kernelWidth] = shape as unknown as Four;
  const taps = kernelHeight * kernelWidth;
  if (groups > 1 && perGroup === 1 && filters === groups) {
    // Measured: the copies are worth it for 3×3 on large images, where the grouped convolution uses only one thread.
    const pixels = inputs[0].shape[2] * inputs[0].shape[3];
    const copiesPay = taps > 1 && taps <= 9 && stride[0] === 1 && stride[1] === 1 && pixels >= 256;
    return copiesPay ? shiftedWeightGradient(call, true) : depthwiseWeightGradient(call);
  }
  // The copies that a very large kernel needs would take more memory than the products save time.
  if (taps > 1 && taps <= 25 && groups === 1) return shiftedWeightGradient(call, false);
  return slicedWeightGradient(call);
}

/** Rules for convolutions and their gradients. */
export const convolutionRules = {
  conv2d: ({ builder, values, attributes, inputs }) =>
    builder.emit('Conv', values, convAttributes(attributes, inputs[1].shape.slice(2))),
  convTranspose2d: lowerTransposed,
  conv2dWeightGradient: lowerWeightGradient,
} satisfies Partial<LoweringTable>;
