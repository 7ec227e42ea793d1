import { describe, expect, it } from 'vitest';
import { createReferenceEngine } from '../../engine/reference/reference-engine.ts';
import type { Graph, Tensor } from '../../graph/graph.ts';
import { activation } from '../../graph/ops/activation.ts';
import { defaultPreprocessing } from '../../image/preprocessing.ts';
import type { LossOptions } from '../../losses/combined.ts';
import type { Model } from '../../models/model.ts';
import { convolution } from '../../nn/layers.ts';
import { Scope } from '../../nn/scope.ts';
import { averageState } from '../../optim/moving-average.ts';
import { Random } from '../../random/random.ts';
import { entriesOfStep, StepRunner } from './step-runner.ts';
import { buildTrainingStep, type StepEntry } from './training-step.ts';

const size = 12;
const classes = 4;

/** Without batch normalisation a batch is no more than its images. */
const network: Model = {
  name: 'plain',
  title: 'plain',
  settings: {},
  classes,
  multiple: 2,
  trainingPreprocessing: defaultPreprocessing,
  build(image, { seed = 0, auxiliary = false }) {
    const scope = new Scope(image.graph, { training: true, seed });
    const stem = activation(
      convolution(scope.at('stem'), image, { filters: 6, kernel: 3, stride: 2, bias: true }),
      'silu',
    );
    const head = (name: string, x: Tensor) =>
      convolution(scope.at(name), x, { filters: classes, kernel: 1, bias: true });
    return { logits: head('head', stem), ...(auxiliary && { auxiliary: [head('auxiliary', stem)] }) };
  },
};

function buildStep(batchSize: number, accumulate: number, loss: LossOptions & { auxiliary?: number }) {
  return buildTrainingStep({
    model: network,
    batchSize,
    accumulate,
    size,
    labelSize: size,
    seed: 2,
    average: true,
    clipNorm: 0.5,
    loss,
    optimizer: { kind: 'adamw', beta1: 0.9, beta2: 0.999, epsilon: 1e-3, weightDecay: 0.01 },
  });
}

/** Twelve images. The later ones have ever more ignored pixels, the last of all nothing else. */
function batchOf(step: number) {
  const random = new Random(7, 'batch', step);
  const count = 12;
  const labels = Int32Array.from({ length: count * size * size }, (_, pixel) => {
    const image = Math.floor(pixel / (size * size));
    const ignored = image === count - 1 || random.chance(image / count);
    return ignored ? 255 : random.integer(classes - (image % 2));
  });
  return { images: Float32Array.from({ length: count * 3 * size * size }, () => random.normal()), labels };
}

async function train(batchSize: number, loss: LossOptions & { auxiliary?: number }) {
  const step = buildStep(batchSize, 12 / batchSize, loss);
  const program = await createReferenceEngine().compileEntries(step.entries as Record<StepEntry, Graph>);
  const runner = new StepRunner(program, step, loss.classWeights);
  const sums: Map<string, number>[] = [];
  for (let index = 0; index < 3; index++) {
    await runner.run(batchOf(index), { step: index, seed: 0, learningRate: 0.05, averageDecay: 0.7 });
    sums.push(await runner.takeSums());
  }
  const states = await runner.readStates();
  await runner.dispose();
  return { step, sums, states };
}

describe('StepRunner', () => {
  it.each<[string, LossOptions & { auxiliary?: number }]>([
    ['cross-entropy and Dice', { crossEntropy: 1, dice: 1 }],
    ['class weights and smoothing', { crossEntropy: 1, dice: 0, classWeights: [0.5, 1, 3, 2], labelSmoothing: 0.1 }],
    ['Lovász and auxiliary heads', { crossEntropy: 0.5, dice: 0.5, lovasz: 1, auxiliary: 0.3 }],
  ])('comes with k batches of n to what one of k·n gives: %s', async (_, loss) => {
    const whole = await train(12, loss);
    for (const batchSize of [6, 4, 1]) {
      const cut = await train(batchSize, loss);
      expect(entriesOfStep(cut.step)).toEqual([
        ...Array.from({ length: 12 / batchSize }, () => 'accumulate'),
        'update',
      ]);
      cut.sums.forEach((sums, index) => {
        expect([...sums.keys()]).toEqual([...whole.sums[index].keys()]);
        for (const [name, value] of whole.sums[index]) expect(sums.get(name), name).toBeCloseTo(value, 5);
      });
      // The same names: a checkpoint fits either way of computing.
      expect([...cut.states.keys()].sort()).toEqual([...whole.states.keys()].sort());
      for (const [name, value] of whole.states) {
        const difference = cut.states.get(name)!.map((own, i) => Math.abs(own - value[i]));
        expect(Math.max(...difference), name).toBeLessThan(2e-6);
      }
    }
    expect(entriesOfStep(whole.step)).toEqual(['step']);
  });

  it('keeps nothing of the gradients between steps', async () => {
    const { step, states } = await train(4, { crossEntropy: 1, dice: 1 });
    expect([...states.keys()].filter((name) => name.startsWith('gradient'))).toEqual([]);
    expect(step.states.has(averageState)).toBe(true);
    expect([...states.values()].every((value) => value.every(Number.isFinite))).toBe(true);
  });
});
