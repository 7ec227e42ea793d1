import { describe, expect, it } from 'vitest';
import { Graph, stateAttributes } from '../../src/graph/graph.ts';
import { inferenceGraph } from '../../src/models/model.ts';
import { createModel, getArchitecture, listModels } from '../../src/models/registry.ts';
import { Random } from '../../src/random/random.ts';
import { buildTrainingStep } from '../../src/training/step/training-step.ts';
import { tinyOptions } from '../tiny-encoder.ts';
import { loadEngines } from './engines.ts';

const engines = await loadEngines();
const engine = engines.find(({ name }) => name === 'native') ?? engines[0];

const networks = listModels().flatMap((name) => {
  const architecture = getArchitecture(name);
  const model = createModel(name, tinyOptions(architecture));
  const size = architecture.multiple;
  const image = new Graph().input('image', [2, 3, size, size]);
  const { auxiliary = [] } = model.build(image, { training: true, auxiliary: true });
  return auxiliary.length > 0 ? [{ name, model, size }] : [];
});

it('are part of BiSeNet, ICNet and the networks for the challenge', () => {
  const names = networks.map(({ name }) => name);
  expect(names).toEqual(expect.arrayContaining(['bisenet', 'bisenet-spatial', 'compact', 'icnet']));
});

describe.each(networks)('the auxiliary heads of $name', ({ model, size }) => {
  it('are trained with the network', async () => {
    const { entries, networkStates } = buildTrainingStep({
      model,
      batchSize: 2,
      size,
      labelSize: size,
      loss: { crossEntropy: 1, dice: 0, auxiliary: 0.4 },
      optimizer: { kind: 'adamw', beta1: 0.9, beta2: 0.999, epsilon: 1e-8, weightDecay: 0 },
      clipNorm: 0,
      average: false,
      seed: 0,
    });
    const inference = inferenceGraph(model, { batch: 1, height: size, width: size });
    const heads = networkStates
      .map((state) => stateAttributes(state))
      .filter(({ name, trainable }) => trainable && !inference.states.has(name));
    expect(heads.length).toBeGreaterThanOrEqual(2);
    const program = await engine.compile(entries.step!);
    const random = new Random(7);
    const inputs = {
      image: Float32Array.from({ length: 6 * size * size }, () => random.normal()),
      // Left and right halves: something to learn.
      labels: Int32Array.from({ length: 2 * size * size }, (_, index) => (index % size < size / 2 ? 1 : 3)),
      learningRate: Float32Array.of(1e-2),
    };
    const losses: number[] = [];
    for (let step = 0; step < 4; step++) losses.push((await program.run(inputs)).loss[0]);
    // After three steps.
    expect(losses[3]).toBeLessThan(losses[0]);
    const trained = await program.readStates(heads.map(({ name }) => name));
    for (const { name, initial } of heads) expect(trained.get(name), name).not.toEqual(initial());
    await program.dispose();
  });
});
