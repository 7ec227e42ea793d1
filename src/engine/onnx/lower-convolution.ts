import { type ConvolutionAttributes, conv2dInputGradientOp, conv2dOp, conv2dWeightGradientOp } from '../../graph/ops/convolution.ts';
import type { ConvolutionGradientAttributes } from '../../graph/ops/convolution.ts';
import type { LoweringCall, LoweringRules, OnnxBuilder } from './lowering.ts';

type Four = readonly [number, number, number, number];

function convAttributes({ stride, padding, dilation, groups }: ConvolutionAttributes, kernel: readonly number[]) {
  return { strides: stride, pads: padding, dilations: dilation, group: groups, kernel_shape: kernel };
}

/**
 * The weight turned by 180° with input and output channels exchanged (F×C/g×kh×kw to C×F/g×kh×kw): with it the input
 * gradient of a convolution of stride 1 is itself a convolution, which ONNX Runtime computes faster than ConvTranspose.
 */
function turnedWeight(builder: OnnxBuilder, weight: string, [filters, perGroup, height, width]: Four, groups: number): string {
  let value = weight;
  if (height > 1 || width > 1) value = builder.slice(value, [-1, -1], [-(2 ** 31), -(2 ** 31)], [2, 3], [-1, -1]);
  if (perGroup === 1 && filters === groups) return value;
  const perGroupFilters = filters / groups;
  const split = builder.reshape(value, [groups, perGroupFilters, perGroup, height, width]);
  const turned = builder.emit('Transpose', [split], { perm: [0, 2, 1, 3, 4] });
  return builder.reshape(turned, [groups * perGroup, perGroupFilters, height, width]);
}

function lowerInputGradient(call: LoweringCall<ConvolutionGradientAttributes>): string {
  const { builder, attributes, values, inputs } = call;
  const { stride, padding, dilation, groups, shape } = attributes;
  const [dy, weight] = inputs;
  const kernel = weight!.shape.slice(2);
  const reach = kernel.map((size, side) => dilation[side]! * (size - 1));
  const outer = [0, 1, 2, 3].map((side) => reach[side % 2]! - padding[side]!);
  if (stride[0] === 1 && stride[1] === 1 && outer.every((amount) => amount >= 0)) {
    const turned = turnedWeight(builder, values[1]!, weight!.shape as unknown as Four, groups);
    return builder.emit('Conv', [values[0]!, turned], {
      ...convAttributes({ stride: [1, 1], padding: outer as unknown as Four, dilation, groups }, kernel),
    });
  }
  // What the stride left over at the bottom and right edge.
  const rest = [0, 1].map((side) => {
    const used = (dy!.shape[2 + side]! - 1) * stride[side]! + reach[side]! + 1;
    return shape[2 + side]! + padding[side]! + padding[side + 2]! - used;
  });
  return builder.emit('ConvTranspose', [values[0]!, values[1]!], {
    ...convAttributes(attributes, kernel),
    output_padding: rest,
  });
}

/**
 * A depthwise weight gradient as one grouped convolution of the input with dy as its kernel, one group a picture and
 * channel: stride and dilation trade places.
 */
function depthwiseWeightGradient(call: LoweringCall<ConvolutionGradientAttributes>): string {
  const { builder, attributes, values, inputs } = call;
  const { stride, padding, dilation, shape } = attributes;
  const [dy, x] = inputs;
  const [n, channels, height, width] = x!.shape as unknown as Four;
  const [, , dyHeight, dyWidth] = dy!.shape as unknown as Four;
  const groups = n * channels;
  const correlated = builder.emit(
    'Conv',
    [builder.reshape(values[1]!, [1, groups, height, width]), builder.reshape(values[0]!, [groups, 1, dyHeight, dyWidth])],
    convAttributes({ stride: dilation, padding, dilation: stride, groups }, [dyHeight, dyWidth]),
  );
  const extents = [0, 1].map((side) => {
    const padded = x!.shape[2 + side]! + padding[side]! + padding[side + 2]!;
    return Math.floor((padded - stride[side]! * (dy!.shape[2 + side]! - 1) - 1) / dilation[side]!) + 1;
  });
  // Pixels that the stride left over make the result larger than the kernel.
  const [kernelHeight, kernelWidth] = shape.slice(2) as [number, number];
  const cut =
    extents[0] === kernelHeight && extents[1] === kernelWidth
      ? correlated
      : builder.slice(correlated, [0, 0], [kernelHeight, kernelWidth], [2, 3]);
  return builder.reshape(builder.reduceSum(builder.reshape(cut, [n, channels, kernelHeight, kernelWidth]), [0], false), shape);
}

/** One matrix product a kernel position: dy times the input as that position sees it. Serves every geometry. */
function slicedWeightGradient(call: LoweringCall<ConvolutionGradientAttributes>): string {
  const { builder, attributes, values, inputs } = call;
  const { stride, padding, dilation, groups, shape } = attributes;
  const [dy, x] = inputs;
  const [filters, perGroup, kernelHeight, kernelWidth] = shape as unknown as Four;
  const [n, , dyHeight, dyWidth] = dy!.shape as unknown as Four;
  const pixels = dyHeight * dyWidth;
  const padded = builder.pad(values[1]!, [0, 0, padding[0], padding[1]], [0, 0, padding[2], padding[3]]);
  const height = x!.shape[2]! + padding[0] + padding[2];
  const width = x!.shape[3]! + padding[1] + padding[3];
  const rows = builder.reshape(values[0]!, [n, groups, filters / groups, pixels]);
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
  const joined = parts.length === 1 ? parts[0]! : builder.emit('Concat', parts, { axis: 2 });
  return builder.reshape(joined, shape);
}

/**
 * All kernel positions in one matrix product. The smaller of x and dy is laid out once for every position, each copy
 * moved along by the distance which that position lies from the first, with zeros between; rows of both have the pitch
 * of the padded input, so that a move in two dimensions is a move along one. One large product is much faster than one
 * small one for each position. For stride 1 without groups.
 */
function shiftedWeightGradient(call: LoweringCall<ConvolutionGradientAttributes>): string {
  const { builder, attributes, values, inputs } = call;
  const { padding, dilation, shape } = attributes;
  const [dy, x] = inputs;
  const [filters, channels, kernelHeight, kernelWidth] = shape as unknown as Four;
  const [n, , dyHeight, dyWidth] = dy!.shape as unknown as Four;
  const pitch = x!.shape[3]! + padding[1] + padding[3];
  // One more row of zeros below lets the last copy run over the end of its picture.
  const extraRow = kernelWidth > 1 ? 1 : 0;
  const rows = x!.shape[2]! + padding[0] + padding[2] + extraRow;
  const padded = builder.pad(values[1]!, [0, 0, padding[0], padding[1]], [0, 0, padding[2] + extraRow, padding[3]]);
  const pitched = builder.pad(values[0]!, [0, 0, 0, 0], [0, 0, 0, pitch - dyWidth]);
  const xLength = rows * pitch;
  const dyLength = dyHeight * pitch;
  const offsets: number[] = [];
  for (let a = 0; a < kernelHeight; a++) {
    for (let b = 0; b < kernelWidth; b++) offsets.push(a * dilation[0] * pitch + b * dilation[1]);
  }
  const taps = offsets.length;
  /** Copies of `value` (n×c×length), each in a window of `window` elements, starting at the given places. */
  const copies = (value: string, count: number, length: number, window: number, places: readonly number[]) => {
    const pieces: string[] = [];
    let zeros = 0;
    const flush = () => {
      if (zeros > 0) pieces.push(builder.zeros([n, count, zeros]));
      zeros = 0;
    };
    for (const place of places) {
      zeros += place;
      flush();
      pieces.push(value);
      zeros = window - place - length;
    }
    flush();
    return builder.reshape(builder.emit('Concat', pieces, { axis: 2 }), [n, count * places.length, window]);
  };
  if (filters <= channels) {
    const flat = builder.reshape(pitched, [n, filters, dyLength]);
    const moved = copies(flat, filters, dyLength, xLength, offsets);
    const product = builder.matMul(moved, builder.reshape(padded, [n, channels, xLength]), false, true, 3, 3);
    const sum = builder.reshape(builder.reduceSum(product, [0], false), [filters, taps, channels]);
    return builder.reshape(builder.emit('Transpose', [sum], { perm: [0, 2, 1] }), shape);
  }
  // The input moves instead, the other way: copy t starts (last − offset t) after the first element of dy's window.
  const last = offsets.at(-1)!;
  const window = last + xLength;
  const flat = builder.reshape(padded, [n, channels, xLength]);
  const moved = copies(flat, channels, xLength, window, offsets.map((offset) => last - offset));
  const still = builder.pad(builder.reshape(pitched, [n, filters, dyLength]), [0, 0, last], [0, 0, window - last - dyLength]);
  const product = builder.matMul(still, moved, false, true, 3, 3);
  return builder.reshape(builder.reduceSum(product, [0], false), shape.length === 4 ? [filters, channels, kernelHeight, kernelWidth] : shape);
}

function lowerWeightGradient(call: LoweringCall<ConvolutionGradientAttributes>): string {
  const { attributes, inputs } = call;
  const { stride, groups, shape } = attributes;
  const [filters, perGroup, kernelHeight, kernelWidth] = shape as unknown as Four;
  if (groups > 1 && perGroup === 1 && filters === groups) return depthwiseWeightGradient(call);
  const large = kernelHeight * kernelWidth > 1;
  // The copies of a larger kernel would take more memory than the product saves time.
  if (large && kernelHeight * kernelWidth <= 9 && stride[0] === 1 && stride[1] === 1 && groups === 1 && inputs.length === 2) {
    return shiftedWeightGradient(call);
  }
  return slicedWeightGradient(call);
}

/** Rules for convolutions and their gradients. */
export function addConvolutionRules(rules: LoweringRules): void {
  rules.set(conv2dOp, ({ builder, values, attributes, inputs }) =>
    builder.emit('Conv', values, convAttributes(attributes, inputs[1]!.shape.slice(2))),
  );
  rules.set(conv2dInputGradientOp, lowerInputGradient);
  rules.set(conv2dWeightGradientOp, lowerWeightGradient);
}
