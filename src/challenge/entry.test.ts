import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { temporaryFolder } from '../../test/dataset-fixture.ts';
import { randomWeights } from '../../test/random-weights.ts';
import { pytorchCheckpoint } from '../export/pytorch/pytorch.ts';
import { encodePyTorchCheckpoint } from '../formats/pytorch/pytorch-checkpoint.ts';
import { encodeWeights } from '../models/weights-file.ts';
import { readEntry } from './entry.ts';
import { challengeRules } from './rules.ts';

/** A run folder with the weights of `compact`, whose environment.json has these parameters. */
async function writeRun(parameters: number): Promise<string> {
  const run = await temporaryFolder();
  const { weights, graph } = randomWeights({ model: 'compact', size: 64 });
  await mkdir(join(run, 'weights'));
  await writeFile(join(run, 'weights', 'best.safetensors'), encodeWeights(weights, graph));
  const trainingData = { folder: 'train', pairs: 1000, stemsSha256: challengeRules.trainingStemsSha256 };
  const environment = { parameters, trainingData, initialWeights: 'random, seed 0' };
  await writeFile(join(run, 'environment.json'), JSON.stringify(environment));
  return run;
}

describe('readEntry', () => {
  // What a training of compact records without and with loss.auxiliary.
  it.each([1_790_931, 1_794_940])(
    'counts the submitted parameters of a run trained with %d parameters',
    async (trained) => {
      const { parameters, notes } = await readEntry(await writeRun(trained));
      expect({ parameters, notes }).toEqual({ parameters: 1_790_931, notes: [] });
    },
  );

  it('notes that a run is unfinished', async () => {
    const run = await writeRun(1_790_931);
    await writeFile(join(run, 'config.yaml'), 'train: {epochs: 8}\n');
    await writeFile(join(run, 'metrics.csv'), 'step,epoch,seconds\n12,0.8,9\n');
    expect((await readEntry(run)).notes).toEqual([expect.stringMatching(/is unfinished: it stopped at step 12 /)]);
  });

  it('leads from a file to a run', async () => {
    const folder = await temporaryFolder();
    const { weights, graph } = randomWeights({ model: 'compact', size: 64 });
    const tensor = { dtype: 'float32' as const, shape: [1], data: new Float32Array(1) };
    const told = async (name: string, bytes: Uint8Array) => {
      await writeFile(join(folder, name), bytes);
      const error: Error = await readEntry(join(folder, name)).then(
        () => expect.fail('was accepted'),
        (cause) => cause,
      );
      return error.message.split('trained on. ')[1];
    };
    const forbidden = 'The challenge forbids weights that were trained elsewhere, also after `faceparse import`.';
    expect(await told('smp.pth', encodePyTorchCheckpoint({ state_dict: new Map([['a.weight', tensor]]) }))).toBe(
      `${forbidden} Train a network with \`faceparse train flagship --data DATA\`, and pass the folder of that run.`,
    );
    expect(await told('ckpt.pth', pytorchCheckpoint(weights))).toBe(
      'Pass the run from which faceparse exported the file.',
    );
    expect(await told('a.safetensors', encodeWeights(weights, graph))).toBe(`Pass the run folder. ${forbidden}`);
  });

  it('refuses weights that do not match the training', async () => {
    await expect(readEntry(await writeRun(1_794_939))).rejects.toThrow(
      /cannot be submitted: .* belong to another run\.$/,
    );
  });
});
