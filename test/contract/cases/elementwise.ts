import type { Shape, Tensor } from '../../../src/graph/graph.ts';
import { type ActivationKind, activation, activationKinds } from '../../../src/graph/ops/activation.ts';
import { add, div, exp, greater, log, maximum, minimum, mul, sqrt, sub } from '../../../src/graph/ops/elementwise.ts';
import { dropout } from '../../../src/graph/ops/random.ts';
import { scale } from '../../../src/graph/ops/reduction.ts';
import { awayFrom, type CaseInput, given, normal, type OpCase, uniform } from '../op-case.ts';

type Binary = (a: Tensor, b: Tensor) => Tensor;

const shapes: readonly (readonly [name: string, a: Shape, b: Shape])[] = [
  ['of equal shapes', [2, 3, 4, 5], [2, 3, 4, 5]],
  ['with a scalar', [2, 3, 4], []],
  ['of a scalar', [], [3, 4]],
  ['of two scalars', [], []],
  ['with one number as 1×1×1×1', [2, 3, 4, 5], [1, 1, 1, 1]],
  ['with N×C×1×1, as squeeze-and-excite', [2, 3, 4, 5], [2, 3, 1, 1]],
  ['with 1×C×1×1', [2, 3, 4, 5], [1, 3, 1, 1]],
  ['of N×C×1×1', [2, 3, 1, 1], [2, 3, 4, 5]],
  ['with a vector over the last axis', [2, 3, 4, 5], [5]],
  ['with N×1×H×W', [2, 3, 4, 5], [2, 1, 4, 5]],
  ['both ways', [2, 1, 4, 1], [3, 1, 5]],
  ['of a column and a row', [4, 1], [1, 6]],
];

/** Values away from zero, of both signs. */
function divisor(shape: Shape): CaseInput {
  return awayFrom([0], shape, -3, 3, 0.3);
}

const binaries: readonly (readonly [name: string, op: Binary, right: (shape: Shape) => CaseInput])[] = [
  ['add', add, normal],
  ['sub', sub, normal],
  ['mul', mul, normal],
  ['div', div, divisor],
  ['minimum', minimum, normal],
  ['maximum', maximum, normal],
];

const binaryCases = binaries.flatMap(([name, op, right]) =>
  shapes.map(
    ([description, a, b]): OpCase => ({
      name: `${name} ${description}`,
      inputs: { a: normal(a), b: right(b) },
      build: (tensors) => op(tensors.a, tensors.b),
    }),
  ),
);

const comparisons = shapes.map(
  ([description, a, b]): OpCase => ({
    name: `greater ${description}`,
    inputs: { a: normal(a), b: normal(b) },
    build: (tensors) => greater(tensors.a, tensors.b),
    withoutGradient: ['y'],
  }),
);

const equal = { a: given([2, 6], [1, 2, 3, -1, 0]), b: given([2, 6], [1, 3, 2, -1]) };

const ties: OpCase[] = [
  { name: 'greater of equal values is 0', inputs: equal, build: ({ a, b }) => greater(a, b), withoutGradient: ['y'] },
  { name: 'minimum of equal values', inputs: equal, build: ({ a, b }) => minimum(a, b), atKink: true },
  { name: 'maximum of equal values', inputs: equal, build: ({ a, b }) => maximum(a, b), atKink: true },
];

const repeated: OpCase[] = [
  { name: 'mul of a tensor with itself', inputs: { x: normal([3, 4]) }, build: ({ x }) => mul(x, x) },
  { name: 'add of a tensor to itself', inputs: { x: normal([3, 4]) }, build: ({ x }) => add(x, x) },
  { name: 'sub of a tensor from itself', inputs: { x: normal([3, 4]) }, build: ({ x }) => sub(x, x) },
];

const unary: OpCase[] = [
  { name: 'exp', inputs: { x: normal([2, 3, 4]) }, build: ({ x }) => exp(x) },
  { name: 'exp of a scalar', inputs: { x: normal([]) }, build: ({ x }) => exp(x) },
  { name: 'exp far below zero', inputs: { x: uniform([4, 5], -80, -60) }, build: ({ x }) => exp(x) },
  { name: 'log', inputs: { x: uniform([2, 3, 4], 0.1, 5) }, build: ({ x }) => log(x) },
  {
    name: 'log of small and large values',
    inputs: { x: given([6], [1e-4, 1e-2, 1, 1e2, 1e4]) },
    build: ({ x }) => log(x),
  },
  { name: 'sqrt', inputs: { x: uniform([2, 3, 4], 0.1, 5) }, build: ({ x }) => sqrt(x) },
  { name: 'scale', inputs: { x: normal([2, 3, 4]) }, build: ({ x }) => scale(x, -1.75) },
  { name: 'scale by zero', inputs: { x: normal([2, 3]) }, build: ({ x }) => scale(x, 0) },
];

const kinks: Record<ActivationKind, readonly number[]> = {
  relu: [0],
  relu6: [0, 6],
  sigmoid: [],
  silu: [],
  hardSigmoid: [-3, 3],
  hardSwish: [-3, 3],
};

const activations = activationKinds.flatMap((kind): OpCase[] => [
  {
    name: `activation ${kind}`,
    inputs: { x: awayFrom(kinks[kind], [2, 3, 5, 7], -8, 10) },
    build: ({ x }) => activation(x, kind),
  },
  {
    name: `activation ${kind} close to its kinks`,
    inputs: {
      x: given(
        [2, 20],
        [0, ...kinks[kind]].flatMap((kink) => [kink - 1e-3, kink + 1e-3, kink - 0.5, kink + 0.5]),
      ),
    },
    build: ({ x }) => activation(x, kind),
  },
  {
    name: `activation ${kind} far out`,
    inputs: { x: given([2, 4], [-1000, -90, -20, 20, 90, 1000]) },
    build: ({ x }) => activation(x, kind),
  },
  { name: `activation ${kind} of a scalar`, inputs: { x: given([], [1.25]) }, build: ({ x }) => activation(x, kind) },
  {
    name: `activation ${kind} twice`,
    inputs: { x: awayFrom(kinks[kind], [3, 5], 0.1, 2) },
    build: ({ x }) => activation(activation(x, kind), kind),
  },
]);

const flat: OpCase[] = [
  {
    name: 'activation relu at zero and just beside it',
    inputs: { x: given([8], [0, -0, 1e-6, -1e-6, 1e-20, -1e-20]) },
    build: ({ x }) => activation(x, 'relu'),
    atKink: true,
  },
  {
    name: 'activation relu6 at its ends',
    inputs: { x: given([6], [0, 6, 5.9999, 6.0001, 1e-6]) },
    build: ({ x }) => activation(x, 'relu6'),
    atKink: true,
  },
];

const dropouts: OpCase[] = [
  { name: 'dropout', inputs: { x: normal([2, 3, 4, 5]) }, build: ({ x }) => dropout(x, 'mask', 0.25) },
  {
    name: 'dropout of channels',
    inputs: { x: normal([3, 8, 4, 5]) },
    build: ({ x }) => dropout(x, 'mask', 0.5, 'channel'),
  },
];

export const elementwiseCases: readonly OpCase[] = [
  ...binaryCases,
  ...comparisons,
  ...ties,
  ...repeated,
  ...unary,
  ...activations,
  ...flat,
  ...dropouts,
];
