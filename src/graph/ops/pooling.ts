import { formatShape, type Shape, type Tensor } from '../graph.ts';
import { apply, defineOp } from '../op.ts';
import { reduceMean } from './reduction.ts';

/** Geometry of a pooling window; pairs are [vertical, horizontal], the padding is the same on opposite sides. */
export interface PoolingAttributes {
  readonly kernel: readonly [number, number];
  readonly stride: readonly [number, number];
  readonly padding: readonly [number, number];
}

function inferPooling(name: string, shape: Shape, { kernel, stride, padding }: PoolingAttributes) {
  if (shape.length !== 4) throw new Error(`${name}: ${formatShape(shape)} is not N×C×H×W`);
  if (padding.some((value, side) => value * 2 > kernel[side])) {
    throw new Error(`${name}: padding ${padding.join('×')} is more than half the kernel ${kernel.join('×')}`);
  }
  const [n, channels, ...image] = shape as [number, number, number, number];
  const pooled = image.map((size, side) => Math.floor((size + 2 * padding[side] - kernel[side]) / stride[side]) + 1);
  return [{ shape: [n, channels, ...pooled], dtype: 'float32' as const }];
}

export const maxPoolOp = defineOp<'maxPool', PoolingAttributes>({
  name: 'maxPool',
  infer: ([x], attributes) => inferPooling('maxPool', x.shape, attributes),
  gradient: ({ inputs: [x], outputs: [y], attributes, outputGradients: [dy] }) => [
    apply(maxPoolGradientOp, [dy!, x, y], attributes),
  ],
});

/** Inputs: dy, x, y. The gradient goes to the first maximum of each window, in row order. */
export const maxPoolGradientOp = defineOp<'maxPoolGradient', PoolingAttributes>({
  name: 'maxPoolGradient',
  infer: ([, x]) => [{ shape: x.shape, dtype: 'float32' }],
  gradient: 'none',
});

export const avgPoolOp = defineOp<'avgPool', PoolingAttributes>({
  name: 'avgPool',
  infer: ([x], attributes) => inferPooling('avgPool', x.shape, attributes),
  gradient: ({ inputs: [x], attributes, outputGradients: [dy] }) => [
    apply(avgPoolGradientOp, [dy!], { ...attributes, shape: x.shape }),
  ],
});

export interface PoolingGradientAttributes extends PoolingAttributes {
  /** Shape of the input of the pooling. */
  readonly shape: Shape;
}

export const avgPoolGradientOp = defineOp<'avgPoolGradient', PoolingGradientAttributes>({
  name: 'avgPoolGradient',
  infer: (_, { shape }) => [{ shape, dtype: 'float32' }],
  gradient: 'none',
});

/** Options of the pooling ops; the stride defaults to the kernel size. */
export interface PoolingOptions {
  kernel: number;
  stride?: number;
  padding?: number;
}

function poolingAttributes({ kernel, stride = kernel, padding = 0 }: PoolingOptions): PoolingAttributes {
  return { kernel: [kernel, kernel], stride: [stride, stride], padding: [padding, padding] };
}

/** The largest value of each window (ONNX `MaxPool`); padding does not count. */
export function maxPool(x: Tensor, options: PoolingOptions): Tensor {
  return apply(maxPoolOp, [x], poolingAttributes(options));
}

/** The mean of each window (ONNX `AveragePool`, count_include_pad=0); padding does not count. */
export function avgPool(x: Tensor, options: PoolingOptions): Tensor {
  return apply(avgPoolOp, [x], poolingAttributes(options));
}

/** The mean over the whole image: N×C×H×W gives N×C×1×1 (ONNX `GlobalAveragePool`). */
export function globalAvgPool(x: Tensor): Tensor {
  return reduceMean(x, [2, 3], true);
}

export interface AdaptiveAvgPoolAttributes {
  readonly size: readonly [number, number];
}

export const adaptiveAvgPoolOp = defineOp<'adaptiveAvgPool', AdaptiveAvgPoolAttributes>({
  name: 'adaptiveAvgPool',
  infer: ([x], { size }) => {
    if (x.shape.length !== 4) throw new Error(`adaptiveAvgPool: ${formatShape(x.shape)} is not N×C×H×W`);
    return [{ shape: [x.shape[0], x.shape[1], ...size], dtype: 'float32' }];
  },
  gradient: ({ inputs: [x], attributes, outputGradients: [dy] }) => [
    apply(adaptiveAvgPoolGradientOp, [dy!], { ...attributes, shape: x.shape }),
  ],
});

export interface AdaptiveAvgPoolGradientAttributes extends AdaptiveAvgPoolAttributes {
  /** Shape of the input of the pooling. */
  readonly shape: Shape;
}

export const adaptiveAvgPoolGradientOp = defineOp<'adaptiveAvgPoolGradient', AdaptiveAvgPoolGradientAttributes>({
  name: 'adaptiveAvgPoolGradient',
  infer: (_, { shape }) => [{ shape, dtype: 'float32' }],
  gradient: 'none',
});

/**
 * Means over a grid of any size (PyTorch `adaptive_avg_pool2d`): cell i of n covers ⌊i·H/n⌋ to ⌈(i+1)·H/n⌉ exclusive,
 * so neighbouring cells overlap if H is not a multiple of n.
 */
export function adaptiveAvgPool(x: Tensor, height: number, width = height): Tensor {
  return height === 1 && width === 1 ? globalAvgPool(x) : apply(adaptiveAvgPoolOp, [x], { size: [height, width] });
}

/** Half-open ranges of input positions, one for each cell of an adaptive pooling. */
export function adaptiveRanges(input: number, output: number): [number, number][] {
  return Array.from({ length: output }, (_, index) => [
    Math.floor((index * input) / output),
    Math.ceil(((index + 1) * input) / output),
  ]);
}
