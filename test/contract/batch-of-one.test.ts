import { describe, expect, it } from 'vitest';
import { type Graph, type InputAttributes, sizeOf } from '../../src/graph/graph.ts';
import { Random } from '../../src/random/random.ts';
import { buildTrainingStep } from '../../src/training/step/training-step.ts';
import { loadEngines } from './engines.ts';
import { smallestModel } from './smallest-model.ts';

const size = 16;
const classes = 5;

function buildStep(name: string): Graph {
  return buildTrainingStep({
    model: smallestModel(name),
    batchSize: 1,
    size,
    labelSize: size,
    seed: 1,
    average: false,
    clipNorm: 0,
    loss: { crossEntropy: 1, dice: 1 },
    optimizer: { kind: 'adamw', beta1: 0.9, beta2: 0.999, epsilon: 1e-8, weightDecay: 0 },
  }).entries.step!;
}

/** The same image and labels for every step; every dropout keeps all. */
function inputsOf(graph: Graph): Record<string, Float32Array | Int32Array> {
  const random = new Random(1, 'batch of one');
  return Object.fromEntries(
    [...graph.inputs].map(([name, { shape, dtype, node }]) => {
      const length = sizeOf(shape);
      if (dtype === 'int32') return [name, Int32Array.from({ length }, () => random.integer(classes))];
      if (name === 'learningRate') return [name, Float32Array.of(1e-4)];
      if ((node.attributes as InputAttributes).random) return [name, new Float32Array(length).fill(1)];
      return [name, Float32Array.from({ length }, () => random.normal())];
    }),
  );
}

// The mean over the image has one value for each channel then, over which PyTorch refuses to normalise.
const networks = ['pspnet', 'deeplabv3plus', 'deeplabv3plus-efficientnet-b0-lite'];
const graphs = networks.map((name) => [name, buildStep(name)] as const);

/** The two fast ones; the others compute the same graphs, more slowly. */
const engines = (await loadEngines()).filter(({ name, device }) => name !== 'reference' && device !== 'wasm');

describe.each(engines)('$name on $device', (engine) => {
  it.each(graphs)('trains %s on a single image', async (_, graph) => {
    const program = await engine.compile(graph);
    const inputs = inputsOf(graph);
    const losses: number[] = [];
    for (let step = 0; step < 3; step++) {
      const { loss, gradientNorm } = await program.run(inputs);
      expect(gradientNorm[0]).toBeLessThan(Number.POSITIVE_INFINITY);
      losses.push(loss[0]);
    }
    const states = await program.readStates();
    for (const [state, values] of states) expect(values.every(Number.isFinite), state).toBe(true);
    expect(losses[1]).toBeLessThan(losses[0]);
    expect(losses[2]).toBeLessThan(losses[1]);
    await program.dispose();
  });
});
