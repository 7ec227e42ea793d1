import { describe, expect, it } from 'vitest';
import { Graph } from '../../src/graph/graph.ts';
import { resize } from '../../src/graph/ops/resize.ts';
import { createModel } from '../../src/models/registry.ts';
import type { OptimizerOptions } from '../../src/optim/optimizer.ts';
import { buildTrainingStep } from '../../src/training/step/training-step.ts';
import { expectClose } from '../contract/compare.ts';
import { loadEngines } from '../contract/engines.ts';
import { setInitialStates } from '../initial-states.ts';
import { checksum, images, initialState, labels, readUnetGolden, unseenImage, unseenSize } from './unet-values.ts';

const golden = readUnetGolden();
const model = createModel('mobile-unet', { classes: golden.classes });
const engines = await loadEngines();

/** How the runs of make.py are made. */
const runs: Record<'sgd' | 'adamw', { rate: number; optimizer: OptimizerOptions }> = {
  sgd: { rate: 0.05, optimizer: { kind: 'sgd', momentum: 0.9, nesterov: false, weightDecay: 0 } },
  adamw: { rate: 1e-3, optimizer: { kind: 'adamw', beta1: 0.9, beta2: 0.999, epsilon: 1e-8, weightDecay: 0.01 } },
};

function expectChecksum(actual: readonly number[], expected: readonly number[], tolerance: number, what: string): void {
  // Both sums are as exact as the sum of absolute values is.
  expectClose(actual, expected, tolerance, what);
}

describe('the values that both sides make from whole numbers', () => {
  it.each([
    ['images', images(golden)],
    ['labels', labels(golden)],
    ['unseen', unseenImage(golden)],
  ] as const)('%s are the same', (name, values) => {
    expectChecksum(checksum(values), golden.checksums[name], 1e-12, name);
  });

  it('initial weights are the same', () => {
    for (const [name, values] of initialState(golden)) {
      expectChecksum(checksum(values), golden.initial[name].checksum, 1e-12, name);
    }
  });
});

describe.each(engines)('the U-Net of PyTorch on the engine $name', (engine) => {
  // Single precision alone moves the losses of PyTorch by 5e-7 and its logits by 3e-5; see make.py for why not more.
  it.each(['sgd', 'adamw'] as const)('trains as there with %s', async (name) => {
    const run = golden.runs[name];
    const { optimizer, rate } = runs[name];
    const { batch, size } = golden;
    const { entries, networkStates } = buildTrainingStep({
      model,
      batchSize: batch,
      size,
      labelSize: size,
      loss: { crossEntropy: 1, dice: 0 },
      optimizer,
      clipNorm: 0,
      average: false,
      seed: 0,
    });
    const initial = initialState(golden);
    expect(networkStates.map(({ node }) => (node.attributes as { name: string }).name).sort()).toEqual(
      [...initial.keys()].sort(),
    );
    setInitialStates(entries.step!, initial);
    const program = await engine.compile(entries.step!);
    const inputs = { image: images(golden), labels: labels(golden), learningRate: Float32Array.of(rate) };
    // The reference takes a second a step; it is held to the first ones only.
    const steps = engine.name === 'reference' ? 3 : run.losses.length;
    const losses: number[] = [];
    for (let step = 0; step < steps; step++) losses.push((await program.run(inputs)).loss[0]);
    expectClose(losses, run.losses.slice(0, steps), 5e-6, 'losses');
    const trained = await program.readStates([...initial.keys()]);
    await program.dispose();
    if (steps < run.losses.length) return;
    for (const [weight, values] of trained) expectChecksum(checksum(values), run.final[weight], 1e-4, weight);

    const forward = new Graph();
    const [height, width] = unseenSize;
    const { logits } = model.build(forward.input('image', [1, 3, height, width]), { training: false });
    forward.output('logits', resize(logits, height, width));
    setInitialStates(forward, trained);
    const inference = await engine.compile(forward);
    const scores = (await inference.run({ image: unseenImage(golden) })).logits;
    expectClose(sampleBlocks(scores, run.logits.shape), run.logits.data as Float32Array, 5e-5, 'logits');
    await inference.dispose();
  });
});

/** The pixel at (4, 4) of every 8×8 block of every class. */
function sampleBlocks(scores: Float32Array, shape: readonly number[]): number[] {
  const [classes, rows, columns] = shape as [number, number, number];
  const sampled: number[] = [];
  for (let c = 0; c < classes; c++) {
    for (let row = 0; row < rows; row++) {
      for (let column = 0; column < columns; column++) {
        sampled.push(scores[(c * unseenSize[0] + row * 8 + 4) * unseenSize[1] + column * 8 + 4]);
      }
    }
  }
  return sampled;
}
