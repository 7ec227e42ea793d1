import { createHash } from 'node:crypto';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { parseConfig } from '../config/parse-config.ts';
import { defaultPreprocessing } from '../image/preprocessing.ts';
import { decodeWeights } from '../models/weights-file.ts';
import { writeSyntheticDataset } from '../synthetic/dataset.ts';
import { readMetrics, runFolder } from './run-folder.ts';
import { type TrainingProgress, train } from './trainer.ts';

/** 4 steps an epoch, 8 in all: 4 at 32², 4 at 64²; a validation is due just where the size changes. */
const config = parseConfig('', 'same', [
  ...['model.name=compact', 'loss.auxiliary=0.3', 'train.size=64', 'train.resolutions=[{until: 0.5, size: 32}]'],
  ...['train.batchSize=2', 'train.epochs=2', 'validation.every=1', 'validation.limit=2'],
  ...['data.cacheSize=64', 'data.workers=0', 'engine.threads=1'],
]);
let folder: string;

function trainInto(
  parent: string,
  options: { resume?: boolean; stopAt?: (progress: TrainingProgress) => boolean } = {},
) {
  const { resume = false, stopAt } = options;
  const controller = new AbortController();
  const onProgress = (progress: TrainingProgress) => {
    if (stopAt?.(progress)) controller.abort();
  };
  const run = join(folder, parent, 'same');
  return train({ config, data: join(folder, 'data'), run, resume, signal: controller.signal, onProgress });
}

async function outcome(parent: string) {
  const run = runFolder(join(folder, parent, 'same'));
  const validations = (await readMetrics(run.metrics)).filter(({ valF }) => valF !== undefined);
  // Comparing megabytes element by element takes a minute.
  const hash = async (file: string) =>
    createHash('sha256')
      .update(await readFile(file))
      .digest('hex');
  return {
    last: await hash(run.lastWeights),
    best: await hash(run.bestWeights),
    scores: validations.map(({ step, valF }) => [step, valF]),
  };
}

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'faceparse-'));
  for (const [split, count] of [['train', 8] as const, ['val', 2] as const]) {
    await writeSyntheticDataset({ folder: join(folder, 'data'), count, size: 64, seed: 3, split });
  }
  await trainInto('whole');
}, 60_000);
afterAll(() => rm(folder, { recursive: true, force: true }));

describe('a run with resolutions of size', { timeout: 120_000 }, () => {
  it.each<[string, (progress: TrainingProgress) => boolean]>([
    ['in the first resolution', ({ phase, step }) => phase === 'train' && step === 2],
    ['in the validation at the end of the first resolution', ({ phase, step }) => phase === 'validate' && step === 4],
    ['in the second resolution', ({ phase, step }) => phase === 'train' && step === 6],
  ])('that is stopped %s and resumed comes to the same', async (when, stopAt) => {
    const parent = `stopped ${when}`;
    const stopped = await trainInto(parent, { stopAt });
    expect(stopped.interrupted).toBe(true);
    expect(stopped.steps).toBeLessThan(8);
    await trainInto(parent, { resume: true });
    expect(await outcome(parent)).toEqual(await outcome('whole'));
  });

  it('keeps weights at the size at which they were scored, without auxiliary heads', async () => {
    const { scores } = await outcome('whole');
    expect(scores.map(([step]) => step)).toEqual([4, 8]);
    const file = runFolder(join(folder, 'whole', 'same')).lastWeights;
    const weights = decodeWeights(await readFile(file), file);
    expect(weights.preprocessing).toEqual({ ...defaultPreprocessing, size: 64 });
    expect(weights.origin).toEqual({ kind: 'random', seed: 0 });
    expect([...weights.states.keys()].filter((name) => name.startsWith('auxiliary'))).toEqual([]);
  });
});
