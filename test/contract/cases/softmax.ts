import { crossEntropyPixels, logSoftmax, oneHot, softmax } from '../../../src/graph/ops/softmax.ts';
import { type SoftmaxSums, softmaxSums } from '../../../src/graph/ops/softmax-sums.ts';
import { allLabels, type CaseInput, fixed, given, labels, normal, type OpCase, uniform } from '../op-case.ts';

const softmaxes = (
  [
    ['softmax', softmax],
    ['logSoftmax', logSoftmax],
  ] as const
).flatMap(([name, op]): OpCase[] => [
  { name: `${name} over channels`, inputs: { x: normal([2, 5, 3, 4], 0, 2) }, build: ({ x }) => op(x) },
  { name: `${name} over the first axis`, inputs: { x: normal([4, 3]) }, build: ({ x }) => op(x, 0) },
  { name: `${name} over the last axis`, inputs: { x: normal([2, 3, 7]) }, build: ({ x }) => op(x, 2) },
  { name: `${name} over one axis alone`, inputs: { x: normal([6]) }, build: ({ x }) => op(x, 0) },
  { name: `${name} over one class`, inputs: { x: normal([2, 1, 3, 3]) }, build: ({ x }) => op(x) },
  { name: `${name} of logits up to ±80`, inputs: { x: uniform([2, 6, 4, 5], -80, 80) }, build: ({ x }) => op(x) },
  { name: `${name} of equal logits`, inputs: { x: given([1, 4, 2, 3], [80]) }, build: ({ x }) => op(x) },
  {
    name: `${name} of logits around 1000`,
    inputs: { x: given([2, 3, 2, 2], [1000, 998, 1003, -1000, 999]) },
    build: ({ x }) => op(x),
  },
]);

const hot: OpCase[] = [
  {
    name: 'oneHot, ignored labels give zeros',
    inputs: { labels: labels([2, 4, 5], 6, [255, -1, 6]) },
    build: (tensors) => oneHot(tensors.labels, 6),
    withoutGradient: ['y'],
  },
  {
    name: 'oneHot of one class',
    inputs: { labels: labels([1, 3, 3], 1, [255]) },
    build: (tensors) => oneHot(tensors.labels, 1),
    withoutGradient: ['y'],
  },
];

interface CrossEntropyOptions {
  classes?: number;
  ignored?: readonly number[];
  weights?: CaseInput;
  smoothing?: number;
  spread?: number;
}

function crossEntropy(name: string, options: CrossEntropyOptions = {}): OpCase {
  const { classes = 5, ignored, weights = given([classes], [1]), smoothing, spread = 2 } = options;
  return {
    name: `crossEntropy ${name}`,
    inputs: {
      logits: uniform([2, classes, 4, 5], -spread, spread),
      labels: labels([2, 4, 5], classes, ignored),
      weights: fixed(weights),
    },
    build: (tensors) => ({ ...crossEntropyPixels(tensors.logits, tensors.labels, tensors.weights, smoothing) }),
    withoutGradient: ['weight'],
  };
}

const crossEntropies = [
  crossEntropy('plain'),
  crossEntropy('of two classes', { classes: 2 }),
  crossEntropy('of 19 classes', { classes: 19 }),
  crossEntropy('with label 255 ignored', { ignored: [255] }),
  crossEntropy('with label −1 ignored', { ignored: [-1] }),
  crossEntropy('with any label outside of the classes ignored', { ignored: [255, -1, 5, -100, 2 ** 31 - 1] }),
  crossEntropy('with weights', { weights: uniform([5], 0.2, 3) }),
  crossEntropy('with a weight of zero', { weights: given([5], [1, 0, 2]) }),
  crossEntropy('with smoothing', { smoothing: 0.1 }),
  crossEntropy('with smoothing, weights and ignored labels', {
    smoothing: 0.2,
    weights: uniform([5], 0.2, 3),
    ignored: [255, -1],
  }),
  crossEntropy('of logits up to ±80', { spread: 80 }),
  crossEntropy('of logits up to ±80 with smoothing', { spread: 80, smoothing: 0.1 }),
];

const allIgnored: OpCase = {
  name: 'crossEntropy with every label ignored',
  inputs: {
    logits: normal([1, 3, 2, 2]),
    labels: allLabels([1, 2, 2], 255),
    weights: fixed(given([3], [1])),
  },
  build: (tensors) => ({ ...crossEntropyPixels(tensors.logits, tensors.labels, tensors.weights) }),
  withoutGradient: ['weight'],
};

interface SumsOptions {
  classes?: number;
  image?: readonly [number, number];
  truth?: CaseInput;
  ignored?: readonly number[];
  spread?: number;
  outputs?: readonly (keyof SoftmaxSums)[];
}

function sums(name: string, options: SumsOptions = {}): OpCase {
  const { classes = 5, image = [4, 5], ignored, spread = 2, outputs = ['overlap', 'predicted', 'actual'] } = options;
  return {
    name: `softmaxSums ${name}`,
    inputs: {
      logits: uniform([2, classes, ...image], -spread, spread),
      labels: options.truth ?? labels([2, ...image], classes, ignored),
    },
    build: (tensors) => {
      const built = softmaxSums(tensors.logits, tensors.labels);
      return Object.fromEntries(outputs.map((output) => [output, built[output]]));
    },
    withoutGradient: ['actual'],
  };
}

const softmaxSumCases = [
  sums('plain'),
  // The gradient is zero: what is left of 1 − 1 is rounding.
  { ...sums('of one class', { classes: 1 }), tolerance: 1e-3 },
  sums('of two classes', { classes: 2, image: [7, 3] }),
  sums('of 19 classes', { classes: 19 }),
  sums('of single pixels', { image: [1, 1] }),
  sums('of classes that are absent', { truth: allLabels([2, 4, 5], 3) }),
  sums('with label 255 ignored', { ignored: [255] }),
  sums('with any label outside of the classes ignored', { ignored: [255, -1, 5, -100, 2 ** 31 - 1] }),
  sums('with every label ignored', { truth: allLabels([2, 4, 5], 255) }),
  sums('of logits up to ±80', { spread: 80 }),
  sums('of many pixels', { classes: 3, image: [96, 80], ignored: [255] }),
  sums('with overlap alone', { outputs: ['overlap'], ignored: [255] }),
  sums('with predicted alone', { outputs: ['predicted'], ignored: [255] }),
  sums('with predicted and actual', { outputs: ['predicted', 'actual'], ignored: [255] }),
];

/** What counts pixels alone has no gradient. */
const actualAlone: OpCase = {
  ...sums('with actual alone', { outputs: ['actual'], ignored: [255] }),
  withoutGradient: ['actual', 'y'],
};

export const softmaxCases: readonly OpCase[] = [
  ...softmaxes,
  ...hot,
  ...crossEntropies,
  allIgnored,
  ...softmaxSumCases,
  actualAlone,
];
