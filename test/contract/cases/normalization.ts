import { relu } from '../../../src/graph/ops/activation.ts';
import { conv2d } from '../../../src/graph/ops/convolution.ts';
import { add } from '../../../src/graph/ops/elementwise.ts';
import { batchNormInference, batchNormTraining } from '../../../src/graph/ops/normalization.ts';
import { type CaseInput, fixed, normal, type OpCase, uniform } from '../op-case.ts';

function training(name: string, x: CaseInput, options: { epsilon?: number; tolerance?: number } = {}): OpCase {
  const channels = x.shape[1];
  return {
    name: `batchNormTraining ${name}`,
    inputs: { x, gamma: normal([channels], 1, 0.5), beta: normal([channels]) },
    build: ({ x, gamma, beta }) => ({ ...batchNormTraining(x, gamma, beta, options.epsilon) }),
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
      .map((value, i) => (Math.floor(i / 20) % 3 === 1 ? 0.75 : value)),
};

const trainingCases = [
  training('of a batch', normal([3, 4, 5, 6])),
  training('of one image', normal([1, 3, 4, 5], 2, 3)),
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
  build: ({ x, gamma, beta, mean, variance }) => batchNormInference(x, gamma, beta, mean, variance),
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
    const once = relu(batchNormTraining(conv2d(x, weight, { padding: 1 }), gamma, beta).y);
    return relu(add(x, batchNormTraining(conv2d(once, weight, { padding: 1 }), gamma, beta).y));
  },
  // A rounding error that moves one value over the kink of a ReLU would show; the seed has none that near.
};

export const normalizationCases: readonly OpCase[] = [...trainingCases, inference, block];
