import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { temporaryFolder } from '../../test/dataset-fixture.ts';
import { randomWeights } from '../../test/random-weights.ts';
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

  it('refuses weights that do not match the training', async () => {
    await expect(readEntry(await writeRun(1_794_939))).rejects.toThrow(
      /cannot be submitted: .* belong to another run\.$/,
    );
  });
});
