import { relu } from '../../../src/graph/ops/activation.ts';
import { conv2d } from '../../../src/graph/ops/convolution.ts';
import { add } from '../../../src/graph/ops/elementwise.ts';
import { batchNormInference, batchNormTraining } from '../../../src/graph/ops/normalization.ts';
import { crossEntropyPixels, logSoftmax, oneHot, softmax } from '../../../src/graph/ops/softmax.ts';
import { allLabels, type CaseInput, fixed, given, labels, normal, type OpCase, uniform } from '../op-case.ts';

function training(name: string, x: CaseInput, options: { epsilon?: number; tolerance?: number } = {}): OpCase {
  const channels = x.shape[1]!;
  return {
    name: `batchNormTraining ${name}`,
    inputs: { x, gamma: normal([channels], 1, 0.5), beta: normal([channels]) },
    build: ({ x, gamma, beta }) => ({ ...batchNormTraining(x!, gamma!, beta!, options.epsilon) }),
    withoutGradient: ['mean', 'variance'],
    ...(options.tolerance && { tolerance: options.tolerance }),
  };
}

/** Every channel has another spread; one of them has none. */
const withConstantChannel: CaseInput = {
  ...normal([2, 3, 4, 5]),
  draw: (random) =>
    normal([2, 3, 4, 5])
      .draw(random)
      .map((value, i) => (Math.floor(i / 20) % 3 === 1 ? 0.75 : value)) as Float32Array,
};

const trainingCases = [
  training('of a batch', normal([3, 4, 5, 6])),
  training('of one picture', normal([1, 3, 4, 5], 2, 3)),
  training('of one channel', normal([2, 1, 4, 4])),
  training('of three values a channel', normal([3, 3, 1, 1])),
  training('of a large epsilon', normal([2, 3, 4, 4]), { epsilon: 0.1 }),
  training('of small deviations', normal([2, 3, 4, 4], 0, 1e-3)),
  // A constant channel has slopes of 1/√epsilon ≈ 316; its mean is exact in single precision.
  training('of a constant channel', withConstantChannel, { tolerance: 1e-4 }),
  // Around 1000 one step of single precision is 6e-5, and the mean is rounded to one.
  training('of mean 1000 and deviation 1', normal([2, 3, 8, 8], 1000), { tolerance: 3e-4 }),
  training('of many values', normal([2, 2, 48, 48], 0.5)),
];

const inference: OpCase = {
  name: 'batchNormInference',
  inputs: {
    x: normal([2, 3, 4, 5], 1, 2),
    gamma: normal([3], 1, 0.5),
    beta: normal([3]),
    mean: fixed(normal([3], 1)),
    variance: fixed(uniform([3], 0.2, 4)),
  },
  build: ({ x, gamma, beta, mean, variance }) => batchNormInference(x!, gamma!, beta!, mean!, variance!),
};

const block: OpCase = {
  name: 'conv2d, batchNormTraining and relu, twice, with a sum',
  inputs: {
    x: normal([2, 3, 6, 7]),
    weight: normal([3, 3, 3, 3], 0, 0.3),
    gamma: uniform([3], 0.5, 1.5),
    beta: normal([3]),
  },
  build: ({ x, weight, gamma, beta }) => {
    const once = relu(batchNormTraining(conv2d(x!, weight!, { padding: 1 }), gamma!, beta!).y);
    return relu(add(x!, batchNormTraining(conv2d(once, weight!, { padding: 1 }), gamma!, beta!).y));
  },
  // A rounding error that moves one value over the kink of a ReLU would show; the seed has none that near.
};

const softmaxes = (
  [
    ['softmax', softmax],
    ['logSoftmax', logSoftmax],
  ] as const
).flatMap(([name, op]): OpCase[] => [
  { name: `${name} over channels`, inputs: { x: normal([2, 5, 3, 4], 0, 2) }, build: ({ x }) => op(x!) },
  { name: `${name} over the first axis`, inputs: { x: normal([4, 3]) }, build: ({ x }) => op(x!, 0) },
  { name: `${name} over the last axis`, inputs: { x: normal([2, 3, 7]) }, build: ({ x }) => op(x!, 2) },
  { name: `${name} over one axis alone`, inputs: { x: normal([6]) }, build: ({ x }) => op(x!, 0) },
  { name: `${name} over one class`, inputs: { x: normal([2, 1, 3, 3]) }, build: ({ x }) => op(x!) },
  { name: `${name} of logits up to ±80`, inputs: { x: uniform([2, 6, 4, 5], -80, 80) }, build: ({ x }) => op(x!) },
  { name: `${name} of equal logits`, inputs: { x: given([1, 4, 2, 3], [80]) }, build: ({ x }) => op(x!) },
  {
    name: `${name} of logits around 1000`,
    inputs: { x: given([2, 3, 2, 2], [1000, 998, 1003, -1000, 999]) },
    build: ({ x }) => op(x!),
  },
]);

const hot: OpCase[] = [
  {
    name: 'oneHot, ignored labels give zeros',
    inputs: { labels: labels([2, 4, 5], 6, [255, -1, 6]) },
    build: (tensors) => oneHot(tensors.labels!, 6),
    withoutGradient: ['y'],
  },
  {
    name: 'oneHot of one class',
    inputs: { labels: labels([1, 3, 3], 1, [255]) },
    build: (tensors) => oneHot(tensors.labels!, 1),
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
    build: (tensors) => ({ ...crossEntropyPixels(tensors.logits!, tensors.labels!, tensors.weights!, smoothing) }),
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
  build: (tensors) => ({ ...crossEntropyPixels(tensors.logits!, tensors.labels!, tensors.weights!) }),
  withoutGradient: ['weight'],
};

export const normalizationCases: readonly OpCase[] = [
  ...trainingCases,
  inference,
  block,
  ...softmaxes,
  ...hot,
  ...crossEntropies,
  allIgnored,
];
