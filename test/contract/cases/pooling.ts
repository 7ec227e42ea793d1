import type { Shape } from '../../../src/graph/graph.ts';
import {
  adaptiveAvgPool,
  avgPool,
  globalAvgPool,
  maxPool,
  type PoolingOptions,
} from '../../../src/graph/ops/pooling.ts';
import { type ResizeMode, resize } from '../../../src/graph/ops/resize.ts';
import { given, normal, type OpCase } from '../op-case.ts';

const windows: readonly (readonly [name: string, x: Shape, options: PoolingOptions])[] = [
  ['2', [2, 3, 6, 8], { kernel: 2 }],
  ['2 on odd sizes', [3, 2, 7, 5], { kernel: 2 }],
  ['3, stride 2, padding 1', [2, 3, 8, 7], { kernel: 3, stride: 2, padding: 1 }],
  ['3, stride 2, padding 1, one channel', [1, 1, 9, 6], { kernel: 3, stride: 2, padding: 1 }],
  ['3, stride 1, overlapping', [1, 3, 6, 5], { kernel: 3, stride: 1 }],
  ['3, stride 1, padding 1', [2, 2, 4, 6], { kernel: 3, stride: 1, padding: 1 }],
  ['5, stride 2, padding 2', [2, 2, 9, 10], { kernel: 5, stride: 2, padding: 2 }],
  ['2, stride 3, with gaps', [1, 2, 8, 9], { kernel: 2, stride: 3 }],
  ['2, stride 2, padding 1', [1, 2, 5, 6], { kernel: 2, stride: 2, padding: 1 }],
  ['3, stride 3, padding 1, rows left over', [1, 2, 9, 8], { kernel: 3, stride: 3, padding: 1 }],
  ['as large as the image', [2, 3, 4, 4], { kernel: 4 }],
  ['2, padding 1 on one pixel', [2, 2, 1, 1], { kernel: 2, stride: 1, padding: 1 }],
  ['1, stride 2', [1, 2, 5, 5], { kernel: 1, stride: 2 }],
];

const pooling = windows.flatMap(([name, shape, options]): OpCase[] => [
  { name: `maxPool ${name}`, inputs: { x: normal(shape) }, build: ({ x }) => maxPool(x, options) },
  { name: `avgPool ${name}`, inputs: { x: normal(shape) }, build: ({ x }) => avgPool(x, options) },
]);

const ties: OpCase[] = [
  {
    name: 'maxPool of equal values: the gradient goes to the first',
    inputs: { x: given([2, 2, 6, 6], [1]) },
    build: ({ x }) => maxPool(x, { kernel: 3, stride: 2, padding: 1 }),
    atKink: true,
  },
  {
    name: 'maxPool of few values, with ties',
    inputs: { x: given([1, 3, 7, 6], [0, 1, 2, 2, 1, 0, 2]) },
    build: ({ x }) => maxPool(x, { kernel: 2, stride: 1 }),
    atKink: true,
  },
  {
    name: 'maxPool of negative values with padding, which must not count as zeros',
    inputs: { x: normal([1, 2, 5, 6], -100) },
    build: ({ x }) => maxPool(x, { kernel: 3, stride: 2, padding: 1 }),
  },
];

const grids: readonly (readonly [height: number, width: number, x: Shape])[] = [
  [1, 1, [2, 3, 7, 5]],
  [2, 2, [2, 3, 7, 5]],
  [3, 3, [2, 3, 7, 5]],
  [6, 6, [1, 2, 7, 5]],
  [2, 3, [2, 1, 8, 9]],
  [1, 4, [1, 2, 6, 6]],
  [4, 4, [3, 2, 8, 8]],
  [5, 5, [1, 2, 2, 3]],
  [6, 6, [2, 3, 4, 4]],
  [6, 6, [1, 2, 1, 1]],
];

const adaptive = grids.map(
  ([height, width, shape]): OpCase => ({
    name: `adaptiveAvgPool ${shape.slice(2).join('×')} to ${height}×${width}`,
    inputs: { x: normal(shape) },
    build: ({ x }) => adaptiveAvgPool(x, height, width),
  }),
);

const globalPool: OpCase = {
  name: 'globalAvgPool',
  inputs: { x: normal([3, 4, 5, 7]) },
  build: ({ x }) => globalAvgPool(x),
};

const sizes: readonly (readonly [name: string, x: Shape, height: number, width: number])[] = [
  ['to twice the size', [2, 3, 4, 5], 8, 10],
  ['to four times the size', [1, 2, 3, 4], 12, 16],
  ['to half the size', [2, 2, 8, 6], 4, 3],
  ['up to no whole multiple', [2, 3, 5, 7], 8, 11],
  ['down to no whole fraction', [1, 2, 9, 10], 4, 7],
  ['up in one direction, down in the other', [1, 3, 4, 9], 7, 5],
  ['of one pixel', [2, 3, 1, 1], 4, 5],
  ['to one pixel', [2, 3, 5, 4], 1, 1],
  ['to one row', [1, 2, 5, 4], 1, 9],
  ['of one row', [1, 2, 1, 6], 3, 9],
  ['of one direction only', [1, 2, 5, 6], 5, 12],
  ['far up', [1, 1, 2, 3], 31, 17],
  ['far down', [1, 1, 31, 17], 2, 3],
  ['to a wide row', [1, 2, 2, 71], 3, 300],
  ['to a wide row of no whole multiple', [1, 1, 2, 260], 2, 523],
];

const resizing = sizes.flatMap(([name, shape, height, width]) =>
  (['nearest', 'bilinear', 'bilinear-align-corners'] as const).map(
    (mode: ResizeMode): OpCase => ({
      name: `resize ${mode} ${name}`,
      inputs: { x: normal(shape) },
      build: ({ x }) => resize(x, height, width, mode),
    }),
  ),
);

export const poolingCases: readonly OpCase[] = [...pooling, ...ties, ...adaptive, globalPool, ...resizing];
