import type { Shape } from '../../graph/graph.ts';
import {
  type AdaptiveAvgPoolAttributes,
  type AdaptiveAvgPoolGradientAttributes,
  adaptiveRanges,
  type PoolingAttributes,
  type PoolingGradientAttributes,
} from '../../graph/ops/pooling.ts';
import { type ResizeAttributes, type ResizeGradientAttributes, resizeTaps } from '../../graph/ops/resize.ts';
import { inputShape, type KernelCall, type KernelTable, type NumericArray, outputShape } from './kernel.ts';

/** Half-open range of input positions. */
type Range = readonly [number, number];

/** The positions inside the image that each window covers along one axis. */
function windowRanges(input: number, output: number, side: 0 | 1, attributes: PoolingAttributes): Range[] {
  const { kernel, stride, padding } = attributes;
  return Array.from({ length: output }, (_, index) => {
    const start = index * stride[side] - padding[side];
    return [Math.max(0, start), Math.min(input, start + kernel[side])];
  });
}

/** Visits every window of every plane: index of the output, offset of the input plane, and the window's rows and columns. */
function forEachWindow(
  input: Shape,
  rows: readonly Range[],
  columns: readonly Range[],
  visit: (index: number, plane: number, rows: Range, columns: Range) => void,
): void {
  const [n, channels, height, width] = input as [number, number, number, number];
  let index = 0;
  for (let plane = 0; plane < n * channels; plane++) {
    for (const row of rows) for (const column of columns) visit(index++, plane * height * width, row, column);
  }
}

function forEachPoolingWindow(
  input: Shape,
  output: Shape,
  attributes: PoolingAttributes,
  visit: (index: number, plane: number, rows: Range, columns: Range) => void,
): void {
  const rows = windowRanges(input[2], output[2], 0, attributes);
  const columns = windowRanges(input[3], output[3], 1, attributes);
  forEachWindow(input, rows, columns, visit);
}

function maxPool(call: KernelCall<PoolingAttributes>): void {
  const [x] = call.inputs;
  const [y] = call.outputs;
  const input = inputShape(call, 0);
  const width = input[3];
  forEachPoolingWindow(input, outputShape(call), call.attributes, (index, plane, [top, bottom], [left, right]) => {
    let largest = x[plane + top * width + left];
    for (let iy = top; iy < bottom; iy++) {
      for (let ix = left; ix < right; ix++) largest = Math.max(largest, x[plane + iy * width + ix]);
    }
    y[index] = largest;
  });
}

function maxPoolGradient(call: KernelCall<PoolingAttributes>): void {
  const [dy, x, y] = call.inputs;
  const input = inputShape(call, 1);
  const width = input[3];
  const dx = new Float64Array(x.length);
  forEachPoolingWindow(input, inputShape(call, 0), call.attributes, (index, plane, [top, bottom], [left, right]) => {
    for (let iy = top; iy < bottom; iy++) {
      for (let ix = left; ix < right; ix++) {
        const position = plane + iy * width + ix;
        if (x[position] !== y[index]) continue;
        dx[position] += dy[index];
        return;
      }
    }
  });
  call.outputs[0].set(dx);
}

function meanOf(x: NumericArray, width: number, y: NumericArray) {
  return (index: number, plane: number, [top, bottom]: Range, [left, right]: Range) => {
    let sum = 0;
    for (let iy = top; iy < bottom; iy++) {
      for (let ix = left; ix < right; ix++) sum += x[plane + iy * width + ix];
    }
    y[index] = sum / ((bottom - top) * (right - left));
  };
}

function spreadMean(dy: NumericArray, width: number, dx: Float64Array) {
  return (index: number, plane: number, [top, bottom]: Range, [left, right]: Range) => {
    const share = dy[index] / ((bottom - top) * (right - left));
    for (let iy = top; iy < bottom; iy++) {
      for (let ix = left; ix < right; ix++) dx[plane + iy * width + ix] += share;
    }
  };
}

function avgPool(call: KernelCall<PoolingAttributes>): void {
  const input = inputShape(call, 0);
  const visit = meanOf(call.inputs[0], input[3], call.outputs[0]);
  forEachPoolingWindow(input, outputShape(call), call.attributes, visit);
}

function avgPoolGradient(call: KernelCall<PoolingGradientAttributes>): void {
  const attributes = call.attributes;
  const dx = new Float64Array(call.outputs[0].length);
  const visit = spreadMean(call.inputs[0], attributes.shape[3], dx);
  forEachPoolingWindow(attributes.shape, inputShape(call, 0), attributes, visit);
  call.outputs[0].set(dx);
}

function adaptiveAvgPool(call: KernelCall<AdaptiveAvgPoolAttributes>): void {
  const input = inputShape(call, 0);
  const { size } = call.attributes;
  const visit = meanOf(call.inputs[0], input[3], call.outputs[0]);
  forEachWindow(input, adaptiveRanges(input[2], size[0]), adaptiveRanges(input[3], size[1]), visit);
}

function adaptiveAvgPoolGradient(call: KernelCall<AdaptiveAvgPoolGradientAttributes>): void {
  const { shape, size } = call.attributes;
  const dx = new Float64Array(call.outputs[0].length);
  const visit = spreadMean(call.inputs[0], shape[3], dx);
  forEachWindow(shape, adaptiveRanges(shape[2], size[0]), adaptiveRanges(shape[3], size[1]), visit);
  call.outputs[0].set(dx);
}

/** Visits the four input positions of every output pixel with their shares, which sum to 1. */
function forEachResizeTap(
  input: Shape,
  { mode, size }: ResizeAttributes,
  visit: (index: number, position: number, share: number) => void,
): void {
  const [n, channels, height, width] = input as [number, number, number, number];
  const rows = resizeTaps(height, size[0], mode);
  const columns = resizeTaps(width, size[1], mode);
  let index = 0;
  for (let plane = 0; plane < n * channels; plane++) {
    for (const row of rows) {
      const upper = (plane * height + row.low) * width;
      const lower = (plane * height + row.high) * width;
      for (const column of columns) {
        visit(index, upper + column.low, (1 - row.fraction) * (1 - column.fraction));
        if (column.fraction > 0) visit(index, upper + column.high, (1 - row.fraction) * column.fraction);
        if (row.fraction > 0) visit(index, lower + column.low, row.fraction * (1 - column.fraction));
        if (row.fraction * column.fraction > 0) visit(index, lower + column.high, row.fraction * column.fraction);
        index++;
      }
    }
  }
}

function resize(call: KernelCall<ResizeAttributes>): void {
  const [x] = call.inputs;
  const y = new Float64Array(call.outputs[0].length);
  forEachResizeTap(inputShape(call, 0), call.attributes, (index, position, share) => {
    y[index] += share * x[position];
  });
  call.outputs[0].set(y);
}

function resizeGradient(call: KernelCall<ResizeGradientAttributes>): void {
  const [dy] = call.inputs;
  const attributes = call.attributes;
  const dx = new Float64Array(call.outputs[0].length);
  forEachResizeTap(attributes.shape, attributes, (index, position, share) => {
    dx[position] += share * dy[index];
  });
  call.outputs[0].set(dx);
}

export const poolingKernels = {
  maxPool,
  maxPoolGradient,
  avgPool,
  avgPoolGradient,
  adaptiveAvgPool,
  adaptiveAvgPoolGradient,
  resize,
  resizeGradient,
} satisfies Partial<KernelTable>;
