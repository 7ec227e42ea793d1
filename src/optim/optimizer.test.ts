import { describe, expect, it } from 'vitest';
import { createReferenceEngine } from '../engine/reference/reference-engine.ts';
import { Graph, type Tensor } from '../graph/graph.ts';
import { flatten } from './flat-vector.ts';
import { averageState, trackMovingAverage, unpackAverage } from './moving-average.ts';
import { type AdamOptions, type SgdOptions, updateParameters } from './optimizer.ts';

/** A matrix that decays and a bias that does not. */
const initial = { matrix: [1, -2, 3, 0.5], bias: [0.25, -1] };
const gradientOf = (step: number) => [0.3, -0.1 * step, 0.2, 1, -0.5, 0.05 * step];
const rateOf = (step: number) => 0.1 / step;

interface Options {
  readonly optimizer: SgdOptions | AdamOptions;
  readonly clipNorm?: number;
  readonly averageDecay?: number;
  /** Factor of the learning rate of the matrix. */
  readonly matrixFactor?: number;
}

async function train(steps: number, { optimizer, clipNorm = 0, averageDecay, matrixFactor }: Options) {
  const graph = new Graph();
  const rate = graph.input('rate', []);
  const matrix = graph.state('matrix', [2, 2], () => Float32Array.from(initial.matrix), {
    trainable: true,
    decay: true,
  });
  const bias = graph.state('bias', [2], () => Float32Array.from(initial.bias), { trainable: true, decay: false });
  const gradients = [graph.input('matrixGradient', [2, 2]), graph.input('biasGradient', [2])];
  const { gradientNorm } = updateParameters([matrix, bias], flatten(gradients), rate, {
    optimizer,
    clipNorm,
    ...(matrixFactor !== undefined && {
      rateFactor: (parameter: Tensor) => (parameter === matrix ? matrixFactor : 1),
    }),
  });
  if (averageDecay !== undefined) trackMovingAverage([bias, matrix], graph.input('decay', []));
  graph.output('gradientNorm', gradientNorm);
  const program = await createReferenceEngine().compile(graph);
  const norms: number[] = [];
  for (let step = 1; step <= steps; step++) {
    const gradient = gradientOf(step);
    const outputs = await program.run({
      rate: Float32Array.of(rateOf(step)),
      matrixGradient: Float32Array.from(gradient.slice(0, 4)),
      biasGradient: Float32Array.from(gradient.slice(4)),
      ...(averageDecay !== undefined && { decay: Float32Array.of(averageDecay) }),
    });
    norms.push(outputs.gradientNorm[0]);
  }
  const states = await program.readStates();
  return {
    weights: [...states.get('matrix')!, ...states.get('bias')!],
    norms,
    states,
    networkStates: [bias, matrix],
  };
}

function expectWeights(actual: readonly number[], expected: readonly number[]): void {
  expect(actual).toHaveLength(expected.length);
  actual.forEach((value, index) => {
    expect(value).toBeCloseTo(expected[index], 5);
  });
}

const start = [...initial.matrix, ...initial.bias];
const decays = [1, 1, 1, 1, 0, 0];

/** SGD by hand, weight by weight (the formulas of torch.optim.SGD). */
function sgdByHand(steps: number, { momentum, nesterov, weightDecay }: SgdOptions, matrixFactor = 1): number[] {
  return start.map((first, index) => {
    let [weight, velocity] = [first, 0];
    for (let step = 1; step <= steps; step++) {
      const g = gradientOf(step)[index] + weightDecay * decays[index] * weight;
      velocity = momentum * velocity + g;
      weight -= rateOf(step) * (decays[index] ? matrixFactor : 1) * (nesterov ? g + momentum * velocity : velocity);
    }
    return weight;
  });
}

/**
 * Adam by hand (the formulas of torch.optim.Adam) and AdamW (Loshchilov and Hutter 2019, algorithm 2, with decay times the
 * learning rate as PyTorch has it).
 */
function adamByHand(
  steps: number,
  { kind, beta1, beta2, epsilon, weightDecay }: AdamOptions,
  matrixFactor = 1,
): number[] {
  return start.map((first, index) => {
    let [weight, m, v] = [first, 0, 0];
    for (let step = 1; step <= steps; step++) {
      const penalty = kind === 'adam' ? weightDecay * decays[index] * weight : 0;
      const g = gradientOf(step)[index] + penalty;
      const rate = rateOf(step) * (decays[index] ? matrixFactor : 1);
      m = beta1 * m + (1 - beta1) * g;
      v = beta2 * v + (1 - beta2) * g * g;
      if (kind === 'adamw') weight -= rate * weightDecay * decays[index] * weight;
      weight -= (rate * (m / (1 - beta1 ** step))) / (Math.sqrt(v / (1 - beta2 ** step)) + epsilon);
    }
    return weight;
  });
}

const sgd = (changes: Partial<SgdOptions> = {}): SgdOptions => ({
  kind: 'sgd',
  momentum: 0,
  nesterov: false,
  weightDecay: 0,
  ...changes,
});
const adam = (changes: Partial<AdamOptions> = {}): AdamOptions => ({
  kind: 'adam',
  beta1: 0.9,
  beta2: 0.99,
  epsilon: 1e-8,
  weightDecay: 0,
  ...changes,
});
const adamW = (changes: Partial<AdamOptions> = {}): AdamOptions => adam({ kind: 'adamw', ...changes });

describe('updateParameters', () => {
  it.each([
    sgd(),
    sgd({ momentum: 0.9 }),
    sgd({ momentum: 0.9, nesterov: true }),
    sgd({ momentum: 0.5, nesterov: true, weightDecay: 0.3 }),
  ])('SGD is the loop by hand: %o', async (optimizer) => {
    expectWeights((await train(4, { optimizer })).weights, sgdByHand(4, optimizer));
  });

  it.each([
    adamW(),
    adamW({ weightDecay: 0.3 }),
    adamW({ beta1: 0, beta2: 0.5, epsilon: 0.1 }),
    adam(),
    adam({ weightDecay: 0.3 }),
  ])('Adam and AdamW are the loop by hand: %o', async (optimizer) => {
    expectWeights((await train(5, { optimizer })).weights, adamByHand(5, optimizer));
  });

  // torch.optim.Adam and AdamW of PyTorch 2.15 with betas=(0.9, 0.99) and a parameter group each:
  // [{'params': [matrix], 'weight_decay': 0.3}, {'params': [bias], 'weight_decay': 0}], and these gradients and rates.
  it.each([
    ['adam', [0.772068, -1.77119, 2.771864, 0.271855, 0.478333, -1.223215]],
    ['adamw', [0.710397, -1.648615, 2.576734, 0.243813, 0.478333, -1.223215]],
  ] as const)('%s gives the weights of PyTorch', async (kind, expected) => {
    const optimizer = adam({ kind, weightDecay: 0.3 });
    expectWeights((await train(5, { optimizer })).weights, expected);
  });

  it.each([sgd({ momentum: 0.9, weightDecay: 0.3 }), adam({ weightDecay: 0.3 }), adamW({ weightDecay: 0.3 })])(
    'multiplies the learning rate and the decoupled decay of a parameter by its factor: %o',
    async (optimizer) => {
      const byHand = optimizer.kind === 'sgd' ? sgdByHand(3, optimizer, 0.1) : adamByHand(3, optimizer, 0.1);
      expectWeights((await train(3, { optimizer, matrixFactor: 0.1 })).weights, byHand);
      // A factor of 1 is the same computation, bit by bit.
      const { weights } = await train(3, { optimizer, matrixFactor: 1 });
      expect(weights).toEqual((await train(3, { optimizer })).weights);
    },
  );

  it('decays matrices, and neither biases nor normalisation', async () => {
    for (const make of [sgd, adam, adamW]) {
      const [plain, decayed] = [
        await train(3, { optimizer: make() }),
        await train(3, { optimizer: make({ weightDecay: 0.5 }) }),
      ];
      expect(decayed.weights.slice(4)).toEqual(plain.weights.slice(4));
      decayed.weights.slice(0, 4).forEach((value, index) => {
        expect(Math.abs(value - plain.weights[index])).toBeGreaterThan(5e-5);
      });
    }
  });

  it('tells the norm before clipping, and clips only what is longer', async () => {
    const norm = Math.hypot(...gradientOf(1));
    const free = await train(1, { optimizer: sgd() });
    expect(free.norms[0]).toBeCloseTo(norm, 5);
    const loose = await train(1, { optimizer: sgd(), clipNorm: 2 * norm });
    expect(loose.weights).toEqual(free.weights);
    const tight = await train(1, { optimizer: sgd(), clipNorm: norm / 4 });
    expect(tight.norms[0]).toBeCloseTo(norm, 5);
    expectWeights(
      tight.weights,
      start.map((weight, index) => weight - rateOf(1) * (gradientOf(1)[index] / 4)),
    );
  });
});

describe('trackMovingAverage', () => {
  it('averages the new values, and unpacks in the order of the states', async () => {
    const decay = 0.75;
    const { states, networkStates } = await train(3, { optimizer: sgd(), averageDecay: decay });
    const expected = [...start];
    for (let step = 1; step <= 3; step++) {
      const weights = sgdByHand(step, sgd());
      expected.forEach((value, index) => {
        expected[index] = decay * value + (1 - decay) * weights[index];
      });
    }
    const average = unpackAverage(networkStates, states.get(averageState)!);
    expect([...average.keys()]).toEqual(['bias', 'matrix']);
    expectWeights([...average.get('matrix')!, ...average.get('bias')!], expected);
  });

  it('starts at the initial values', async () => {
    const { states, networkStates } = await train(0, { optimizer: sgd(), averageDecay: 0.5 });
    const average = unpackAverage(networkStates, states.get(averageState)!);
    expect([...average.get('bias')!]).toEqual(initial.bias);
    expect([...average.get('matrix')!]).toEqual(initial.matrix);
  });
});
