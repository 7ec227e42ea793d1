import { describe, expect, it } from 'vitest';
import { encoderNetwork } from '../../../test/encoder-network-fixture.ts';
import type { Engine } from '../../engine/engine.ts';
import { createReferenceEngine } from '../../engine/reference/reference-engine.ts';
import { selectEngine } from '../../engine/select-engine.ts';
import { stateAttributes } from '../../graph/graph.ts';
import { createModel, registerModel } from '../../models/registry.ts';
import { averageState, unpackAverage } from '../../optim/moving-average.ts';
import { Random } from '../../random/random.ts';
import { StepRunner } from './step-runner.ts';
import type { FineTuningOptions } from './trained-parameters.ts';
import { buildTrainingStep } from './training-step.ts';

registerModel(encoderNetwork);
const size = 8;
const preferred = await selectEngine({ name: 'auto', device: 'cpu', threads: 1 });

function buildStep(options: FineTuningOptions, { accumulate = 1, network = 'encoder-network', side = size } = {}) {
  return buildTrainingStep({
    model: createModel(network, { classes: 3 }),
    batchSize: 4 / accumulate,
    accumulate,
    size: side,
    labelSize: side,
    seed: 2,
    average: true,
    clipNorm: 0.5,
    loss: { crossEntropy: 1, dice: 0, diceSmooth: 1, lovasz: 0, labelSmoothing: 0 },
    optimizer: { kind: 'adamw', beta1: 0.9, beta2: 0.999, epsilon: 1e-3, weightDecay: 0.1 },
    ...options,
  });
}

async function train(engine: Engine, options: FineTuningOptions, steps = 4, accumulate = 1) {
  const step = buildStep(options, { accumulate });
  const program = await engine.compileEntries(step.entries as Required<typeof step.entries>);
  const runner = new StepRunner(program, step);
  const before = await runner.readStates();
  for (let index = 0; index < steps; index++) {
    const random = new Random(7, 'batch', index);
    const images = Float32Array.from({ length: 4 * 3 * size * size }, () => random.normal());
    const labels = Int32Array.from({ length: 4 * size * size }, () => random.integer(3));
    await runner.run({ images, labels }, { step: index, seed: 2, learningRate: 0.05, averageDecay: 0.9 });
  }
  const after = await runner.readStates();
  await runner.dispose();
  const names = step.networkStates.map((state) => stateAttributes(state).name);
  const isSame = (name: string) => before.get(name)?.every((value, index) => value === after.get(name)?.[index]);
  const average = unpackAverage(step.networkStates, after.get(averageState)!);
  return { after, average, names, changed: names.filter((name) => !isSame(name)) };
}

const isStatistic = (name: string) => /running_(mean|var)$/.test(name);
const none = { encoder: false, batchNorm: 'none' } as const;

describe.each([
  ['reference', createReferenceEngine()],
  ['the preferred engine', preferred],
] as const)('fine-tuning on %s', (_, engine) => {
  it('changes every state without it', async () => {
    const { changed, names } = await train(engine, { freeze: none });
    expect(changed).toEqual(names);
  });

  it.each([1, 2])(
    'keeps the parameters of a frozen encoder, but not its statistics (%d batches)',
    async (accumulate) => {
      const { changed, names } = await train(engine, { freeze: { ...none, encoder: true } }, 4, accumulate);
      expect(changed).toEqual(names.filter((name) => !name.startsWith('encoder.') || isStatistic(name)));
      expect(changed.filter((name) => name.startsWith('encoder.'))).toHaveLength(4);
    },
  );

  it('keeps the batch normalisation of the encoder, or all of it', async () => {
    const isNorm = (name: string) => isStatistic(name) || /\.1\.(weight|bias)$/.test(name);
    const some = await train(engine, { freeze: { encoder: false, batchNorm: 'encoder' } });
    expect(some.changed).toEqual(some.names.filter((name) => !name.startsWith('encoder.') || !isNorm(name)));
    const all = await train(engine, { freeze: { encoder: false, batchNorm: 'all' } });
    expect(all.changed).toEqual(all.names.filter((name) => !isNorm(name)));
    expect(all.changed).toHaveLength(5);
  });

  it.each([1, 2])(
    'gives an average of frozen states that is these states, bit by bit (%d batches)',
    async (accumulate) => {
      const freeze = { encoder: true, batchNorm: 'encoder' } as const;
      const { after, average, names, changed } = await train(engine, { freeze }, 4, accumulate);
      expect(changed).toEqual(names.filter((name) => !name.startsWith('encoder.')));
      for (const name of names) {
        if (changed.includes(name)) expect(average.get(name), name).not.toEqual(after.get(name));
        else expect(average.get(name), name).toEqual(after.get(name));
      }
    },
  );

  it('changes the encoder less with a factor of its learning rate', async () => {
    const [{ after: full }, { after: slow }, { after: start }] = [
      await train(engine, {}, 1),
      await train(engine, { encoderLrFactor: 0.1 }, 1),
      await train(engine, {}, 0),
    ];
    // In the first step only the learning rate differs.
    for (const [name, factor] of [
      ['encoder.stem.0.weight', 0.1],
      ['decoder.0.weight', 1],
    ] as const) {
      full.get(name)!.forEach((value, index) => {
        const from = start.get(name)![index];
        expect(slow.get(name)![index] - from).toBeCloseTo(factor * (value - from), 6);
      });
    }
  });
});

describe('trainedParameters', () => {
  it('leaves the optimiser without states for frozen parameters, and the backward pass without their gradients', () => {
    const whole = buildStep({ freeze: none });
    const frozen = buildStep({ freeze: { encoder: true, batchNorm: 'encoder' } });
    const [length, shorter] = [whole, frozen].map(({ states }) => states.get('optimizer.first')!.shape[0]);
    // Kernels and normalisation of the two layers of the encoder.
    expect(length - shorter).toBe(6 * 27 + 12 + 8 * 54 + 16);
    const backward = (step: typeof whole) =>
      step.entries.step!.nodes.filter(({ op }) => /conv2d.+|convTranspose2d|batchNormGradient/i.test(op)).length;
    expect(backward(whole)).toBe(3 + 4 + 3);
    expect(backward(frozen)).toBeLessThan(backward(whole) - 4);
  });

  it.each<[FineTuningOptions, string, string]>([
    [
      { freeze: { ...none, encoder: true } },
      'compact',
      'train.freeze.encoder=true requires a network with an encoder, but compact has none (its parameters would be named encoder.…); set train.freeze.encoder=false, or choose a network with an encoder, such as model.name=unet',
    ],
    [
      { freeze: { ...none, batchNorm: 'encoder' } },
      'compact',
      'train.freeze.batchNorm=encoder requires a network with an encoder, but compact has none (its parameters would be named encoder.…); set train.freeze.batchNorm=none or all, or choose a network with an encoder, such as model.name=unet',
    ],
    [
      { encoderLrFactor: 0.1 },
      'compact',
      'train.encoderLrFactor=0.1 requires a network with an encoder, but compact has none (its parameters would be named encoder.…); set train.encoderLrFactor=1, or choose a network with an encoder, such as model.name=unet',
    ],
    [
      { encoderLrFactor: 0.1, freeze: { ...none, encoder: true } },
      'encoder-network',
      'train.encoderLrFactor=0.1 has no effect with train.freeze.encoder=true: the encoder is not trained; set one of them only',
    ],
  ])('refuses %j for %s', (options, network, message) => {
    expect(() => buildStep(options, { network, side: 32 })).toThrow(message);
  });
});
