import type { Shape } from '../../../src/graph/graph.ts';
import { relu } from '../../../src/graph/ops/activation.ts';
import {
  type ConvolutionOptions,
  conv2d,
  convTranspose2d,
  type TransposedConvolutionOptions,
} from '../../../src/graph/ops/convolution.ts';
import { add } from '../../../src/graph/ops/elementwise.ts';
import { matMul } from '../../../src/graph/ops/matmul.ts';
import { normal, type OpCase } from '../op-case.ts';

type Row = readonly [name: string, x: Shape, weight: Shape, options?: Omit<ConvolutionOptions, 'bias'>];

const rows: readonly Row[] = [
  ['1×1', [2, 3, 5, 7], [4, 3, 1, 1]],
  ['1×1, one channel and filter', [1, 1, 4, 5], [1, 1, 1, 1]],
  ['1×1 on an image of one pixel', [3, 4, 1, 1], [5, 4, 1, 1]],
  ['1×1, padding 1', [2, 3, 4, 5], [2, 3, 1, 1], { padding: 1 }],
  ['1×1, stride 2', [2, 3, 6, 7], [4, 3, 1, 1], { stride: 2 }],
  ['1×1, stride 3', [2, 3, 8, 9], [4, 3, 1, 1], { stride: 3 }],
  ['3×3, no padding', [2, 3, 6, 5], [4, 3, 3, 3]],
  ['3×3, padding 1, more filters than channels', [3, 2, 6, 7], [5, 2, 3, 3], { padding: 1 }],
  ['3×3, padding 1, fewer filters than channels', [2, 6, 7, 5], [3, 6, 3, 3], { padding: 1 }],
  ['3×3, padding 1, one channel', [1, 1, 5, 5], [4, 1, 3, 3], { padding: 1 }],
  ['3×3, padding 1, one filter', [1, 4, 5, 5], [1, 4, 3, 3], { padding: 1 }],
  ['3×3 on 1×1 pixels, padding 1', [2, 3, 1, 1], [4, 3, 3, 3], { padding: 1 }],
  ['3×3 as large as the image', [2, 3, 3, 3], [4, 3, 3, 3]],
  ['3×3, padding 2', [1, 3, 4, 5], [4, 3, 3, 3], { padding: 2 }],
  ['3×3, padding 3, past the reach of the kernel', [1, 3, 4, 5], [4, 3, 3, 3], { padding: 3 }],
  ['3×3, stride 2, even size', [2, 3, 8, 6], [4, 3, 3, 3], { stride: 2, padding: 1 }],
  ['3×3, stride 2, odd size', [3, 3, 7, 9], [4, 3, 3, 3], { stride: 2, padding: 1 }],
  ['3×3, stride 2, no padding, a column left over', [1, 2, 7, 8], [3, 2, 3, 3], { stride: 2 }],
  ['3×3, stride 3, does not divide', [2, 3, 10, 11], [4, 3, 3, 3], { stride: 3, padding: 1 }],
  ['3×3, stride [2, 1]', [2, 3, 8, 5], [4, 3, 3, 3], { stride: [2, 1], padding: 1 }],
  ['2×2, stride 2', [2, 3, 6, 7], [4, 3, 2, 2], { stride: 2 }],
  ['4×4, padding 1', [1, 3, 7, 6], [2, 3, 4, 4], { padding: 1 }],
  ['5×5, padding 2', [2, 2, 7, 8], [3, 2, 5, 5], { padding: 2 }],
  ['5×5, stride 3, padding 2', [1, 2, 10, 9], [3, 2, 5, 5], { stride: 3, padding: 2 }],
  ['7×7, stride 2, padding 3', [2, 3, 13, 12], [4, 3, 7, 7], { stride: 2, padding: 3 }],
  ['1×5', [2, 3, 4, 8], [4, 3, 1, 5], { padding: [0, 2, 0, 2] }],
  ['5×1', [2, 3, 8, 4], [4, 3, 5, 1], { padding: [2, 0, 2, 0] }],
  ['3×5, padding 1', [1, 2, 6, 9], [3, 2, 3, 5], { padding: 1 }],
  ['padding on two sides', [2, 3, 5, 6], [4, 3, 3, 3], { padding: [0, 0, 2, 1] }],
  ['padding that differs on all sides', [1, 3, 6, 7], [2, 3, 3, 3], { padding: [0, 1, 2, 3] }],
  ['stride 2, asymmetric padding', [2, 3, 8, 8], [4, 3, 3, 3], { stride: 2, padding: [0, 0, 1, 1] }],
  ['dilation 2', [2, 3, 8, 7], [4, 3, 3, 3], { dilation: 2, padding: 2 }],
  ['dilation 2, fewer filters, no padding', [1, 4, 8, 9], [2, 4, 3, 3], { dilation: 2 }],
  ['dilation 4, larger than the image', [1, 3, 5, 6], [2, 3, 3, 3], { dilation: 4, padding: 4 }],
  ['dilation [1, 2]', [1, 3, 6, 8], [2, 3, 3, 3], { dilation: [1, 2], padding: [1, 2, 1, 2] }],
  ['dilation 2, stride 2', [2, 2, 9, 10], [3, 2, 3, 3], { dilation: 2, stride: 2, padding: 2 }],
  ['groups 2', [2, 4, 6, 5], [6, 2, 3, 3], { groups: 2, padding: 1 }],
  ['groups 3, 1×1', [2, 6, 4, 5], [3, 2, 1, 1], { groups: 3 }],
  ['groups 2, stride 2', [1, 4, 7, 8], [4, 2, 3, 3], { groups: 2, stride: 2, padding: 1 }],
  ['groups 2, dilation 2', [2, 4, 7, 6], [4, 2, 3, 3], { groups: 2, dilation: 2, padding: 2 }],
  ['depthwise', [3, 4, 6, 7], [4, 1, 3, 3], { groups: 4, padding: 1 }],
  ['depthwise, no padding', [1, 3, 6, 7], [3, 1, 3, 3], { groups: 3 }],
  ['depthwise 1×1', [2, 3, 4, 5], [3, 1, 1, 1], { groups: 3 }],
  ['depthwise 5×5', [2, 3, 8, 7], [3, 1, 5, 5], { groups: 3, padding: 2 }],
  ['depthwise, stride 2, even size', [2, 4, 8, 6], [4, 1, 3, 3], { groups: 4, stride: 2, padding: 1 }],
  ['depthwise, stride 2, odd size', [3, 4, 7, 9], [4, 1, 3, 3], { groups: 4, stride: 2, padding: 1 }],
  [
    'depthwise, stride 2, asymmetric padding',
    [1, 3, 8, 8],
    [3, 1, 3, 3],
    { groups: 3, stride: 2, padding: [0, 0, 1, 1] },
  ],
  ['depthwise, stride 3', [2, 3, 10, 11], [3, 1, 5, 5], { groups: 3, stride: 3, padding: 2 }],
  ['depthwise, dilation 2', [2, 3, 7, 8], [3, 1, 3, 3], { groups: 3, dilation: 2, padding: 2 }],
  ['depthwise, two filters a channel', [2, 3, 6, 5], [6, 1, 3, 3], { groups: 3, padding: 1 }],
  ['depthwise, two filters a channel, stride 2', [1, 3, 7, 8], [6, 1, 3, 3], { groups: 3, stride: 2, padding: 1 }],
  ['depthwise, one channel', [2, 1, 5, 6], [1, 1, 3, 3], { groups: 1, padding: 1 }],
  ['a long sum', [2, 48, 12, 12], [24, 48, 3, 3], { padding: 1 }],
];

const convolutions = rows.map(
  ([name, x, weight, options]): OpCase => ({
    name: `conv2d ${name}`,
    inputs: { x: normal(x), weight: normal(weight) },
    build: (tensors) => conv2d(tensors.x, tensors.weight, options),
  }),
);

const biased = ['3×3, padding 1, one channel', '1×1', 'groups 2', 'depthwise, stride 2, odd size', '1×1, stride 3'].map(
  (name): OpCase => {
    const [, x, weight, options] = rows.find((row) => row[0] === name)!;
    return {
      name: `conv2d ${name}, bias`,
      inputs: { x: normal(x), weight: normal(weight), bias: normal([weight[0]]) },
      build: (tensors) => conv2d(tensors.x, tensors.weight, { ...options, bias: tensors.bias }),
    };
  },
);

type TransposedRow = readonly [
  name: string,
  x: Shape,
  weight: Shape,
  options: Omit<TransposedConvolutionOptions, 'bias'>,
  bias?: boolean,
];

const transposedRows: readonly TransposedRow[] = [
  ['4×4, stride 2, padding 1', [2, 3, 4, 5], [3, 4, 4, 4], { stride: 2, padding: 1 }],
  ['4×4, stride 2, padding 1, bias', [2, 3, 4, 5], [3, 4, 4, 4], { stride: 2, padding: 1 }, true],
  ['2×2, stride 2', [1, 4, 5, 3], [4, 2, 2, 2], { stride: 2 }, true],
  ['3×3, stride 1, padding 1', [2, 3, 6, 5], [3, 4, 3, 3], { padding: 1 }, true],
  ['3×3, stride 2, odd size', [2, 3, 4, 5], [3, 4, 3, 3], { stride: 2, padding: 1 }],
  ['3×3, stride 2, even size', [2, 3, 4, 5], [3, 4, 3, 3], { stride: 2, padding: 1, outputPadding: 1 }, true],
  [
    '5×3, stride [3, 2], dilation 2',
    [1, 2, 3, 4],
    [2, 3, 5, 3],
    { stride: [3, 2], dilation: 2, outputPadding: [2, 1] },
  ],
  ['groups 2, stride 2', [2, 4, 3, 5], [4, 3, 4, 4], { stride: 2, padding: 1, groups: 2 }, true],
  ['depthwise, stride 2', [2, 3, 4, 4], [3, 1, 4, 4], { stride: 2, padding: 1, groups: 3 }, true],
  ['one channel a group of two', [1, 4, 4, 3], [4, 1, 3, 3], { stride: 2, padding: 1, groups: 2 }, true],
  ['of one pixel', [2, 3, 1, 1], [3, 2, 4, 4], { stride: 2, padding: 1 }],
];

const transposed = transposedRows.map(
  ([name, x, weight, options, bias = false]): OpCase => ({
    name: `convTranspose2d ${name}`,
    inputs: {
      x: normal(x),
      weight: normal(weight),
      ...(bias && { bias: normal([weight[1] * (options.groups ?? 1)]) }),
    },
    build: (tensors) => convTranspose2d(tensors.x, tensors.weight, { ...options, ...(bias && { bias: tensors.bias }) }),
  }),
);

const transposedStep: OpCase = {
  name: 'convTranspose2d, bias, ReLU, sum',
  inputs: { x: normal([2, 4, 3, 4]), weight: normal([4, 3, 4, 4]), bias: normal([3]), skip: normal([2, 3, 6, 8]) },
  build: ({ x, weight, bias, skip }) => add(skip, relu(convTranspose2d(x, weight, { stride: 2, padding: 1, bias }))),
};

const shared: OpCase = {
  name: 'conv2d, one weight used twice',
  inputs: { x: normal([2, 3, 5, 6]), weight: normal([3, 3, 3, 3]) },
  build: ({ x, weight }) => {
    const first = conv2d(x, weight, { padding: 1 });
    return add(x, conv2d(first, weight, { padding: 2, dilation: 2 }));
  },
};

const matrixShapes: readonly (readonly [name: string, batchA: Shape, batchB: Shape])[] = [
  ['of matrices', [], []],
  ['of batches', [2, 3], [2, 3]],
  ['of a batch and one matrix', [3], []],
  ['of a batch of batches and one matrix', [2, 2], []],
];

const products = matrixShapes.flatMap(([name, batchA, batchB]) =>
  [false, true].flatMap((transposeA) =>
    [false, true].map(
      (transposeB): OpCase => ({
        name: `matMul ${name}${transposeA ? ', left transposed' : ''}${transposeB ? ', right transposed' : ''}`,
        inputs: {
          a: normal([...batchA, ...(transposeA ? [5, 4] : [4, 5])]),
          b: normal([...batchB, ...(transposeB ? [3, 5] : [5, 3])]),
        },
        build: ({ a, b }) => matMul(a, b, transposeA, transposeB),
      }),
    ),
  ),
);

const singleRow: OpCase = {
  name: 'matMul of one row and one column',
  inputs: { a: normal([1, 6]), b: normal([6, 1]) },
  build: ({ a, b }) => matMul(a, b),
};

export const convolutionCases: readonly OpCase[] = [
  ...convolutions,
  ...biased,
  ...transposed,
  transposedStep,
  shared,
  ...products,
  singleRow,
];
