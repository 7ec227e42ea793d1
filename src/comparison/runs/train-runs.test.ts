import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, it, vi } from 'vitest';
import { temporaryFolder } from '../../../test/dataset-fixture.ts';
import { parseConfig } from '../../config/parse-config.ts';
import { DecodedImages } from '../../data/decoded/decoded-images.ts';
import { writeSyntheticDataset } from '../../synthetic/dataset.ts';
import { train } from '../../training/trainer.ts';
import type { RunSpec } from './run-spec.ts';
import { trainRuns } from './train-runs.ts';

const decodes: string[] = [];
vi.mock('../../data/decoded/decode-dataset.ts', async (original) => {
  const module = await original<typeof import('../../data/decoded/decode-dataset.ts')>();
  const decodeDataset: typeof module.decodeDataset = (dataset, options) => {
    decodes.push(`${options.size} ${options.repair}`);
    return module.decodeDataset(dataset, options);
  };
  return { ...module, decodeDataset };
});

const config = (name: string, ...overrides: string[]) =>
  parseConfig('', '', [
    `name=${name}`,
    ...['model.name=mobile-unet', 'train.size=64', 'train.epochs=1', 'train.batchSize=4', 'validation.limit=2'],
    ...['data.cacheSize=64', 'data.workers=1', 'engine.threads=1', ...overrides],
  ]);

function run(name: string, ...overrides: string[]): RunSpec {
  return { name: `g/${name}`, config: config(name, ...overrides) };
}

it('decodes the images once for all runs that want them alike, with the weights that a run of its own has', async () => {
  const folder = await temporaryFolder();
  for (const split of ['train', 'val']) await writeSyntheticDataset({ folder, count: 8, size: 64, seed: 3, split });
  const out = join(folder, 'runs');
  const runs = [run('base'), run('lr', 'train.lr=1e-3'), run('raw', 'data.repair=false'), run('flip', 'train.seed=1')];
  const results = runs.map((run) => ({
    run,
    folder: join(out, run.name),
    state: 'missing' as const,
    validations: [],
    steps: 0,
    epochs: 0,
    seconds: 0,
  }));
  expect(await trainRuns({ results, out, data: folder })).toEqual({ interrupted: false, failures: [] });
  expect(decodes).toEqual(['64 true', '64 false']);
  const alone = join(folder, 'alone');
  await train({ config: config('lr', 'train.lr=1e-3'), data: folder, run: alone });
  expect(decodes).toHaveLength(3);
  const weights = (path: string) => readFile(join(path, 'weights', 'last.safetensors'));
  const [shared, own] = [await weights(join(out, 'g/lr')), await weights(alone)];
  // The name of the run folder, which the weights record, is the only difference; both have the same tensors.
  const tensors = (file: Buffer) => file.subarray(8 + Number(file.readBigUInt64LE(0)));
  expect(tensors(shared).equals(tensors(own))).toBe(true);
}, 180_000);

it('drops what was held longest where there is no room, and decodes changed files again', async () => {
  const folder = await temporaryFolder();
  await writeSyntheticDataset({ folder, count: 2, size: 32, seed: 3, split: 'train' });
  const { openDataset } = await import('../../data/dataset/dataset.ts');
  const { celebamask19 } = await import('../../labels/celebamask-19.ts');
  const dataset = await openDataset(join(folder, 'train'));
  const bytes = 2 * 32 * 32 * 4;
  const images = new DecodedImages(2 * bytes);
  const load = (repair: boolean, size = 32) => images.load(dataset, { size, labelSet: celebamask19, repair });
  const first = await load(true);
  await load(false);
  expect(await load(true)).toBe(first);
  decodes.length = 0;
  await load(true, 31);
  expect(await load(true)).toBe(first);
  await load(false);
  expect(decodes).toEqual(['31 true', '32 false']);
  images.clear();
  expect(await load(true)).not.toBe(first);
});
