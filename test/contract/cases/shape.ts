import type { Shape, Tensor } from '../../../src/graph/graph.ts';
import { mul } from '../../../src/graph/ops/elementwise.ts';
import { broadcastTo, reduceMean, reduceSum, scale, sumTo } from '../../../src/graph/ops/reduction.ts';
import { concat, pad, reshape, slice, split, transpose } from '../../../src/graph/ops/shape.ts';
import { normal, type OpCase } from '../op-case.ts';

const axes = [0, 1, 2, 3];

function on(name: string, shape: Shape, build: (x: Tensor) => Tensor): OpCase {
  return { name, inputs: { x: normal(shape) }, build: ({ x }) => build(x) };
}

const reshapes = [
  on('reshape to one axis', [2, 3, 4], (x) => reshape(x, [24])),
  on('reshape to more axes', [6, 4], (x) => reshape(x, [2, 3, 1, 4])),
  on('reshape to a scalar', [1, 1], (x) => reshape(x, [])),
  on('reshape of a scalar', [], (x) => reshape(x, [1, 1, 1])),
  on('reshape to the same shape is the tensor itself', [2, 3], (x) => reshape(x, [2, 3])),
];

const permutations: readonly (readonly number[])[] = [
  [1, 0],
  [0, 2, 1],
  [2, 0, 1],
  [1, 2, 0],
  [2, 1, 0],
  [0, 2, 3, 1],
  [0, 3, 1, 2],
  [3, 2, 1, 0],
  [1, 0, 2, 3],
  [0, 2, 1, 3, 4],
];

const transposes = permutations.map((permutation) =>
  on(`transpose [${permutation}]`, [2, 3, 4, 5, 2].slice(0, permutation.length), (x) => transpose(x, permutation)),
);

const concats = axes.map((axis): OpCase => {
  const shape = (extent: number) => [2, 3, 4, 5].map((value, index) => (index === axis ? extent : value));
  return {
    name: `concat along axis ${axis}`,
    inputs: { a: normal(shape(2)), b: normal(shape(1)), c: normal(shape(4)) },
    build: ({ a, b, c }) => concat([a, b, c], axis),
  };
});

const concatTwice: OpCase = {
  name: 'concat of a tensor with itself',
  inputs: { a: normal([2, 3]), b: normal([2, 2]) },
  build: ({ a, b }) => concat([a, b, a], 1),
};

const splits = axes.map(
  (axis): OpCase => ({
    name: `split along axis ${axis}`,
    inputs: { x: normal([4, 4, 4, 4]) },
    build: ({ x }) => {
      const [first, second, third] = split(x, axis, [1, 2, 1]);
      return { first: first, second: second, third: third };
    },
  }),
);

const splitUnused: OpCase = {
  name: 'split of which one part is not used',
  inputs: { x: normal([2, 6, 3]) },
  build: ({ x }) => split(x, 1, [2, 3, 1])[1],
};

const slices = axes.flatMap((axis) => [
  on(`slice at the start of axis ${axis}`, [4, 3, 5, 4], (x) => slice(x, axis, 0, 2)),
  on(`slice in the middle of axis ${axis}`, [4, 3, 5, 4], (x) => slice(x, axis, 1, 2)),
  on(`slice at the end of axis ${axis}`, [4, 3, 5, 4], (x) => slice(x, axis, 1, x.shape[axis])),
]);

const pads = [
  ...axes.map((axis) =>
    on(`pad along axis ${axis}`, [2, 3, 4, 5], (x) =>
      pad(
        x,
        axes.map((other) => (other === axis ? 2 : 0)),
        axes.map((other) => (other === axis ? 1 : 0)),
      ),
    ),
  ),
  on('pad on all sides', [2, 3, 4], (x) => pad(x, [1, 0, 2], [0, 3, 1])),
  on('pad by nothing', [2, 3], (x) => pad(x, [0, 0], [0, 0])),
];

const reducedAxes: readonly (readonly number[])[] = [[0], [1], [3], [0, 1], [2, 3], [0, 2, 3], [1, 3], [0, 1, 2, 3]];

const reductions = (
  [
    ['reduceSum', reduceSum],
    ['reduceMean', reduceMean],
  ] as const
).flatMap(([name, op]) => [
  ...reducedAxes.flatMap((reduced) =>
    [false, true].map((keepDims) =>
      on(`${name} over [${reduced}]${keepDims ? ', axes kept' : ''}`, [2, 3, 4, 5], (x) => op(x, reduced, keepDims)),
    ),
  ),
  on(`${name} over everything`, [3, 4, 5], (x) => op(x)),
  on(`${name} of a scalar`, [], (x) => op(x)),
  on(`${name} of one element`, [1, 1], (x) => op(x)),
  on(`${name} over many elements`, [2, 3, 60, 70], (x) => op(x, [0, 2, 3])),
]);

const broadcasts: readonly (readonly [Shape, Shape])[] = [
  [[], [2, 3]],
  [[1], [4]],
  [[3], [2, 3]],
  [
    [2, 1],
    [2, 5],
  ],
  [
    [2, 3, 1, 1],
    [2, 3, 4, 5],
  ],
  [
    [1, 3, 1, 5],
    [2, 3, 4, 5],
  ],
  [
    [2, 3],
    [2, 3],
  ],
];

const broadcasting = broadcasts.flatMap(([from, to]) => {
  const name = `${from.join('×') || 'a scalar'} to ${to.join('×')}`;
  return [
    on(`broadcastTo from ${name}`, from, (x) => broadcastTo(x, to)),
    on(`sumTo back, from ${name}`, to, (x) => sumTo(x, from)),
  ];
});

const chains = [
  on('reshape, transpose and slice one after the other', [2, 6, 4], (x) =>
    slice(transpose(reshape(x, [2, 3, 2, 4]), [3, 1, 0, 2]), 1, 1, 3),
  ),
  on('a tensor that flows three ways', [2, 4, 3], (x) =>
    concat([scale(slice(x, 1, 0, 2), 2), mul(x, x), reduceSum(x, [1], true)], 1),
  ),
];

export const shapeCases: readonly OpCase[] = [
  ...reshapes,
  ...transposes,
  ...concats,
  concatTwice,
  ...splits,
  splitUnused,
  ...slices,
  ...pads,
  ...reductions,
  ...broadcasting,
  ...chains,
];
