import type { Tensor } from '../../../src/graph/graph.ts';
import { activation, relu, sigmoid } from '../../../src/graph/ops/activation.ts';
import { conv2d } from '../../../src/graph/ops/convolution.ts';
import { add, exp, mul, sub } from '../../../src/graph/ops/elementwise.ts';
import { batchNormTraining } from '../../../src/graph/ops/normalization.ts';
import { adaptiveAvgPool, avgPool, maxPool } from '../../../src/graph/ops/pooling.ts';
import { broadcastTo, reduceMean, reduceSum } from '../../../src/graph/ops/reduction.ts';
import { resize } from '../../../src/graph/ops/resize.ts';
import { concat, pad, reshape, slice, split, transpose } from '../../../src/graph/ops/shape.ts';
import { softmax } from '../../../src/graph/ops/softmax.ts';
import { type CaseInput, normal, type OpCase } from '../op-case.ts';

/**
 * Ops on maps as networks have them: tens of channels that fill blocks of 8 and 16 or do not, computed by convolutions and read by
 * convolutions, so that an engine with layouts of its own uses them.
 */
type Build = (tensors: Record<string, Tensor>, convolve: (x: Tensor, weight: string) => Tensor) => Tensor;

interface Wide {
  readonly name: string;
  /** Of the image, and of the weights by name, which are all 3×3. */
  readonly size?: readonly [number, number];
  readonly weights: Readonly<Record<string, readonly [filters: number, channels: number]>>;
  readonly more?: Readonly<Record<string, CaseInput>>;
  readonly tolerance?: number;
  readonly build: Build;
}

function wide({ name, size = [9, 8], weights, more = {}, tolerance = 4e-5, build }: Wide): OpCase {
  const channels = Object.values(weights)[0][1];
  return {
    name: `wide maps: ${name}`,
    wide: true,
    tolerance,
    inputs: {
      x: normal([2, channels, ...size]),
      ...Object.fromEntries(
        Object.entries(weights).map(([key, [filters, inputs]]) => [key, normal([filters, inputs, 3, 3])]),
      ),
      ...more,
    },
    build: (tensors) => build(tensors, (x, weight) => conv2d(x, tensors[weight], { padding: 1 })),
  };
}

/** Between two convolutions, with channels that fill blocks (32) and that do not (20). */
function between(
  name: string,
  op: (x: Tensor, tensors: Record<string, Tensor>) => Tensor,
  more?: (channels: number) => Record<string, CaseInput>,
) {
  return [32, 20].map((channels) =>
    wide({
      name: `${name}, ${channels} channels`,
      weights: { first: [channels, 3], last: [4, channels] },
      ...(more && { more: more(channels) }),
      build: (tensors, convolve) => convolve(op(convolve(tensors.x, 'first'), tensors), 'last'),
    }),
  );
}

const geometries: readonly OpCase[] = [
  { name: '3×3 of 32 channels', x: [2, 32, 12, 12], weight: [32, 32, 3, 3], options: { padding: 1 } },
  { name: '3×3 of 40 channels, odd size', x: [1, 40, 13, 11], weight: [48, 40, 3, 3], options: { padding: 1 } },
  { name: '3×3 of 33 channels, padding 0', x: [2, 33, 10, 9], weight: [34, 33, 3, 3], options: {} },
  { name: '3×3 of 5 channels, stride 2', x: [2, 5, 16, 15], weight: [24, 5, 3, 3], options: { padding: 1, stride: 2 } },
  {
    name: '3×3 of 20 channels, dilation 2',
    x: [2, 20, 9, 9],
    weight: [24, 20, 3, 3],
    options: { padding: 2, dilation: 2 },
  },
  { name: '1×1 of 24 channels', x: [2, 24, 7, 5], weight: [40, 24, 1, 1], options: {} },
  {
    name: 'depthwise 5×5 of 24 channels',
    x: [2, 24, 9, 10],
    weight: [24, 1, 5, 5],
    options: { padding: 2, groups: 24 },
  },
  {
    name: 'depthwise 5×5 of 40 channels, stride 2',
    x: [2, 40, 9, 10],
    weight: [40, 1, 5, 5],
    options: { padding: 2, groups: 40, stride: 2 },
  },
  {
    name: 'depthwise 5×5 of 40 channels, stride 2, asymmetric padding',
    x: [2, 40, 8, 10],
    weight: [40, 1, 5, 5],
    options: { padding: [1, 1, 2, 2] as const, groups: 40, stride: 2 },
  },
  {
    name: '3×3 of 3 channels, stride 2, asymmetric padding',
    x: [2, 3, 16, 14],
    weight: [32, 3, 3, 3],
    options: { padding: [0, 0, 1, 1] as const, stride: 2 },
  },
  {
    name: 'depthwise 7×7 of 16 channels, dilation 2',
    x: [1, 16, 14, 15],
    weight: [16, 1, 7, 7],
    options: { padding: 6, groups: 16, dilation: 2 },
  },
  {
    name: 'depthwise 3×3 of 40 channels, dilation 6, on a small map',
    x: [2, 40, 9, 8],
    weight: [40, 1, 3, 3],
    options: { padding: 6, groups: 40, dilation: 6 },
  },
  {
    name: 'depthwise 3×5 of 24 channels, dilation [2, 3], stride [2, 1], asymmetric padding',
    x: [2, 24, 13, 75],
    weight: [24, 1, 3, 5],
    options: { padding: [1, 3, 2, 5] as const, groups: 24, dilation: [2, 3] as const, stride: [2, 1] as const },
  },
  {
    name: '3×3 of 32 channels, dilation 2, interleaved',
    x: [2, 32, 16, 18],
    weight: [40, 32, 3, 3],
    options: { padding: 2, dilation: 2 },
  },
  {
    name: '3×3 of 34 channels, dilation [1, 3], interleaved',
    x: [1, 34, 9, 24],
    weight: [33, 34, 3, 3],
    options: { padding: [1, 3, 1, 3] as const, dilation: [1, 3] as const },
  },
  {
    name: 'depthwise 3×3 of 40 channels',
    x: [3, 40, 8, 7],
    weight: [40, 1, 3, 3],
    options: { padding: 1, groups: 40 },
  },
].map(({ name, x, weight, options }) => ({
  name: `wide maps: convolution ${name}`,
  wide: true,
  inputs: { x: normal(x), weight: normal(weight) },
  build: (tensors: Record<string, Tensor>) => conv2d(tensors.x, tensors.weight, options),
}));

function normalized(x: Tensor, tensors: Record<string, Tensor>, key = ''): Tensor {
  return batchNormTraining(x, tensors[`gamma${key}`], tensors[`beta${key}`]).y;
}

const vectors = (channels: number, keys: readonly string[] = ['']) =>
  Object.fromEntries(
    keys.flatMap((key) => [
      [`gamma${key}`, normal([channels])],
      [`beta${key}`, normal([channels])],
    ]),
  );

/** Convolution, bias, residual and activation, which engines may compute at once. */
const epilogues: readonly OpCase[] = [
  { name: 'depthwise, dilation 3', channels: 40, groups: 40, dilation: 3, activation: 'silu' as const },
  { name: 'depthwise, dilation 3', channels: 24, groups: 24, dilation: 3, activation: 'sigmoid' as const },
  { name: 'dilation 2', channels: 32, groups: 1, dilation: 2, activation: 'relu' as const },
].map(({ name, channels, groups, dilation, activation: kind }) => ({
  name: `wide maps: convolution with ${name}, bias, residual and ${kind} of ${channels} channels`,
  wide: true,
  inputs: {
    x: normal([2, channels, 16, 16]),
    weight: normal([channels, channels / groups, 3, 3]),
    bias: normal([channels]),
    residual: normal([2, channels, 16, 16]),
  },
  build: ({ x, weight, bias, residual }) =>
    activation(add(conv2d(x, weight, { bias, groups, dilation, padding: dilation }), residual), kind),
}));

export const wideCases: readonly OpCase[] = [
  ...geometries,
  ...epilogues,
  ...between('normalised and rectified', (x, tensors) => relu(normalized(x, tensors)), vectors),
  ...between('normalised with a residual', (x, tensors) => relu(add(x, normalized(x, tensors))), vectors),
  ...between('a gate by channels', (x) => mul(x, sigmoid(reduceMean(x, [2, 3], true)))),
  ...between(
    'a factor by channels',
    (x, { factor }) => mul(x, factor),
    (channels) => ({ factor: normal([1, channels, 1, 1]) }),
  ),
  ...between(
    'a factor by pixels',
    (x, { factor }) => mul(x, factor),
    () => ({ factor: normal([2, 1, 9, 8]) }),
  ),
  ...between(
    'a factor by images',
    (x, { factor }) => mul(x, factor),
    () => ({ factor: normal([2, 1, 1, 1]) }),
  ),
  ...between(
    'a number added',
    (x, { number }) => add(x, number),
    () => ({ number: normal([]) }),
  ),
  ...between('exponentials', (x) => exp(mul(x, x.graph.scalar(0.1)))),
  ...between('largest of windows', (x) => maxPool(x, { kernel: 3, stride: 2, padding: 1 })),
  ...between('means of windows', (x) => avgPool(x, { kernel: 2 })),
  ...between('means over a grid', (x) => resize(adaptiveAvgPool(x, 4, 3), 9, 8)),
  ...between('enlarged', (x) => resize(x, 17, 15)),
  ...between('enlarged with aligned corners', (x) => resize(x, 17, 15, 'bilinear-align-corners')),
  ...between('means over more cells than pixels', (x) => resize(adaptiveAvgPool(x, 11, 12), 9, 8)),
  ...between('made smaller, nearest', (x) => resize(x, 4, 5, 'nearest')),
  ...between('mean over pixels, spread', (x) => broadcastTo(reduceMean(x, [2, 3], true), x.shape)),
  ...between('sum over images and pixels', (x) => sub(x, reshape(reduceMean(x, [0, 2, 3]), [1, x.shape[1], 1, 1]))),
  ...between('sum over channels', (x) => mul(x, reduceSum(x, [1], true)), undefined),
  ...between('softmax over channels', (x) => softmax(x, 1)),
  ...between('slices and zeros', (x) => pad(slice(x, 2, 1, 7), [0, 0, 1, 0], [0, 0, 2, 0])),
  ...between('transposed', (x) => transpose(x, [0, 1, 3, 2])),
  wide({
    name: 'a decoder: enlarged and joined with a skip',
    size: [16, 16],
    weights: { stem: [16, 3], down: [32, 16], last: [20, 48], end: [3, 20] },
    build: ({ x, down }, convolve) => {
      const skip = relu(convolve(x, 'stem'));
      const low = relu(conv2d(skip, down, { padding: 1, stride: 2 }));
      return convolve(relu(convolve(concat([resize(low, 16, 16), skip], 1), 'last')), 'end');
    },
  }),
  wide({
    name: 'a dilated convolution beside its input',
    size: [16, 16],
    weights: { stem: [32, 3], dilated: [32, 32], last: [4, 64] },
    build: ({ x, dilated }, convolve) => {
      const map = maxPool(convolve(x, 'stem'), { kernel: 3, stride: 1, padding: 1 });
      return convolve(concat([conv2d(map, dilated, { padding: 2, dilation: 2 }), map], 1), 'last');
    },
  }),
  wide({
    name: 'joined in three, the last with a rest, and cut again',
    weights: { a: [16, 3], b: [32, 3], c: [20, 3], one: [4, 48], two: [4, 20] },
    build: ({ x }, convolve) => {
      const joined = concat([relu(convolve(x, 'a')), relu(convolve(x, 'b')), convolve(x, 'c')], 1);
      const [first, second] = split(joined, 1, [48, 20]);
      return add(convolve(first, 'one'), convolve(second, 'two'));
    },
  }),
  wide({
    name: 'joined where blocks do not fit',
    weights: { a: [20, 3], b: [12, 3], last: [4, 32] },
    build: ({ x }, convolve) => convolve(concat([convolve(x, 'a'), convolve(x, 'b')], 1), 'last'),
  }),
  wide({
    name: 'a block with two normalisations, its input read three times',
    weights: { stem: [32, 3], first: [32, 32], second: [32, 32], side: [32, 32] },
    more: vectors(32, ['', '2']),
    tolerance: 1e-4,
    build: (tensors, convolve) => {
      const x = convolve(tensors.x, 'stem');
      const y = relu(normalized(convolve(x, 'first'), tensors));
      const z = relu(add(x, normalized(convolve(y, 'second'), tensors, '2')));
      return add(add(z, convolve(x, 'side')), y);
    },
  }),
];
