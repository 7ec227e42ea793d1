import { describe, expect, it } from 'vitest';
import { createReferenceEngine } from '../engine/reference/reference-engine.ts';
import { Graph } from '../graph/graph.ts';
import { flatten } from './flat-vector.ts';
import { averageState, trackMovingAverage, unpackAverage } from './moving-average.ts';
import { type AdamWOptions, type SgdOptions, updateParameters } from './optimizer.ts';

/** A matrix that decays and a bias that does not. */
const initial = { matrix: [1, -2, 3, 0.5], bias: [0.25, -1] };
const gradientOf = (step: number) => [0.3, -0.1 * step, 0.2, 1, -0.5, 0.05 * step];
const rateOf = (step: number) => 0.1 / step;

interface Options {
  readonly optimizer: SgdOptions | AdamWOptions;
  readonly clipNorm?: number;
  readonly averageDecay?: number;
}

async function train(steps: number, { optimizer, clipNorm = 0, averageDecay }: Options) {
  const graph = new Graph();
  const rate = graph.input('rate', []);
  const matrix = graph.state('matrix', [2, 2], () => Float32Array.from(initial.matrix), {
    trainable: true,
    decay: true,
  });
  const bias = graph.state('bias', [2], () => Float32Array.from(initial.bias), { trainable: true, decay: false });
  const gradients = [graph.input('matrixGradient', [2, 2]), graph.input('biasGradient', [2])];
  const { gradientNorm } = updateParameters([matrix, bias], flatten(gradients), rate, { optimizer, clipNorm });
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
function sgdByHand(steps: number, { momentum, nesterov, weightDecay }: SgdOptions): number[] {
  return start.map((first, index) => {
    let [weight, velocity] = [first, 0];
    for (let step = 1; step <= steps; step++) {
      const g = gradientOf(step)[index] + weightDecay * decays[index] * weight;
      velocity = momentum * velocity + g;
      weight -= rateOf(step) * (nesterov ? g + momentum * velocity : velocity);
    }
    return weight;
  });
}

/** AdamW by hand (Loshchilov and Hutter 2019, algorithm 2, with decay times the learning rate as PyTorch has it). */
function adamWByHand(steps: number, { beta1, beta2, epsilon, weightDecay }: AdamWOptions): number[] {
  return start.map((first, index) => {
    let [weight, m, v] = [first, 0, 0];
    for (let step = 1; step <= steps; step++) {
      const g = gradientOf(step)[index];
      const rate = rateOf(step);
      m = beta1 * m + (1 - beta1) * g;
      v = beta2 * v + (1 - beta2) * g * g;
      weight -= rate * weightDecay * decays[index] * weight;
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
const adamW = (changes: Partial<AdamWOptions> = {}): AdamWOptions => ({
  kind: 'adamw',
  beta1: 0.9,
  beta2: 0.99,
  epsilon: 1e-8,
  weightDecay: 0,
  ...changes,
});

describe('updateParameters', () => {
  it.each([
    sgd(),
    sgd({ momentum: 0.9 }),
    sgd({ momentum: 0.9, nesterov: true }),
    sgd({ momentum: 0.5, nesterov: true, weightDecay: 0.3 }),
  ])('SGD is the loop by hand: %o', async (optimizer) => {
    expectWeights((await train(4, { optimizer })).weights, sgdByHand(4, optimizer));
  });

  it.each([adamW(), adamW({ weightDecay: 0.3 }), adamW({ beta1: 0, beta2: 0.5, epsilon: 0.1 })])(
    'AdamW is the loop by hand: %o',
    async (optimizer) => {
      expectWeights((await train(5, { optimizer })).weights, adamWByHand(5, optimizer));
    },
  );

  it('decays matrices, and neither biases nor normalisation', async () => {
    for (const make of [sgd, adamW]) {
      const [plain, decayed] = [
        await train(3, { optimizer: make() }),
        await train(3, { optimizer: make({ weightDecay: 0.5 }) }),
      ];
      expect(decayed.weights.slice(4)).toEqual(plain.weights.slice(4));
      decayed.weights.slice(0, 4).forEach((value, index) => {
        expect(Math.abs(value - plain.weights[index])).toBeGreaterThan(1e-3);
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
