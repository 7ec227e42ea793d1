import { sizeOf } from '../../../src/graph/graph.ts';
import { type LovaszJaccard, lovaszJaccard } from '../../../src/graph/ops/lovasz.ts';
import { softmax } from '../../../src/graph/ops/softmax.ts';
import { allLabels, type CaseInput, given, labels, normal, type OpCase, uniform } from '../op-case.ts';

/** Shares of 1 in random order, such that neither they nor what they lack of 1 come near each other: no step of a difference changes an order. */
function spacedShares(shape: readonly number[]): CaseInput {
  return {
    ...given(shape, [0]),
    draw: (random) => {
      const count = sizeOf(shape);
      const values = Float32Array.from({ length: count }, (_, index) => (index + 0.3) / count);
      random.shuffle(values);
      return values;
    },
  };
}

interface LovaszOptions {
  classes?: number;
  image?: readonly [number, number];
  probabilities?: (shape: readonly number[]) => CaseInput;
  truth?: CaseInput;
  ignored?: readonly number[];
  outputs?: readonly (keyof LovaszJaccard)[];
}

function lovasz(name: string, options: LovaszOptions = {}): OpCase {
  const { classes = 5, image = [4, 5], probabilities = spacedShares, ignored } = options;
  const { outputs = ['loss', 'slope', 'actual'] } = options;
  return {
    name: `lovaszJaccard ${name}`,
    inputs: {
      probabilities: probabilities([2, classes, ...image]),
      labels: options.truth ?? labels([2, ...image], classes, ignored),
    },
    build: (tensors) => {
      const built = lovaszJaccard(tensors.probabilities, tensors.labels);
      return Object.fromEntries(outputs.map((output) => [output, built[output]]));
    },
    withoutGradient: ['slope', 'actual'],
  };
}

const anyShares = (shape: readonly number[]) => uniform(shape, 0, 1);
const equalShares = (shape: readonly number[]) => given(shape, [0.25, 0.75, 0.5, 0.75, 0.25, 0.5, 0.5]);
const certain = (shape: readonly number[]) => given(shape, [0, 1, 1, 0, 0]);

/** What the labels or the order alone decide on has no gradient. */
const withoutLoss = ['slope', 'actual', 'y'];

export const lovaszCases: readonly OpCase[] = [
  lovasz('plain'),
  lovasz('of one class', { classes: 1 }),
  lovasz('of two classes', { classes: 2, image: [7, 3] }),
  lovasz('of 19 classes', { classes: 19 }),
  lovasz('of single pixels', { image: [1, 1] }),
  lovasz('of classes that are absent', { truth: allLabels([2, 4, 5], 3) }),
  lovasz('with label 255 ignored', { ignored: [255] }),
  lovasz('with any label outside of the classes ignored', { ignored: [255, -1, 5, -100, 2 ** 31 - 1] }),
  lovasz('with every label ignored', { truth: allLabels([2, 4, 5], 255) }),
  { ...lovasz('of equal errors', { probabilities: equalShares, ignored: [255] }), atKink: true },
  { ...lovasz('of probabilities 0 and 1', { probabilities: certain, ignored: [255] }), atKink: true },
  // Errors of single precision that are equal as 1 − p are not as p.
  {
    ...lovasz('of probabilities near 0', { probabilities: (shape) => uniform(shape, 0, 1e-6), image: [16, 16] }),
    atKink: true,
  },
  {
    ...lovasz('of many pixels', { classes: 3, image: [96, 80], probabilities: anyShares, ignored: [255] }),
    wide: true,
  },
  lovasz('with the loss alone', { outputs: ['loss'], ignored: [255] }),
  { ...lovasz('with the slope alone', { outputs: ['slope'], ignored: [255] }), withoutGradient: withoutLoss },
  { ...lovasz('with actual alone', { outputs: ['actual'], ignored: [255] }), withoutGradient: withoutLoss },
  {
    name: 'lovaszJaccard of a softmax',
    inputs: { logits: normal([2, 4, 3, 4], 0, 2), labels: labels([2, 3, 4], 4, [255]) },
    build: (tensors) => lovaszJaccard(softmax(tensors.logits), tensors.labels).loss,
  },
];
