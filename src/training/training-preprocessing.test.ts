import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { parseConfig } from '../config/parse-config.ts';
import { openDataset } from '../data/dataset/dataset.ts';
import { defaultPreprocessing, type PreprocessingRules } from '../image/preprocessing.ts';
import { decodeWeights } from '../models/weights-file.ts';
import { writeSyntheticDataset } from '../synthetic/dataset.ts';
import { planTraining, type TrainingResolution } from './plan.ts';
import { readEnvironment } from './record/environment.ts';
import { runFolder } from './record/run-folder.ts';
import { loadTrainingImages, openResolutionBatches } from './resolution-batches.ts';
import { train } from './trainer.ts';

const imageNet = vi.hoisted(
  (): PreprocessingRules => ({
    resize: 'stretch-area-bilinear',
    mean: [0.485, 0.456, 0.406],
    std: [0.229, 0.224, 0.225],
  }),
);

// An architecture that comes with the statistics of ImageNet.
vi.mock('../models/architectures/mobile-unet.ts', async (importOriginal) => {
  const { mobileUnet } = await importOriginal<typeof import('../models/architectures/mobile-unet.ts')>();
  return { mobileUnet: { ...mobileUnet, trainingPreprocessing: imageNet } };
});

const config = parseConfig('', 'other', [
  ...['model.name=mobile-unet', 'train.size=64', 'train.resolutions=[{until: 0.5, size: 32}]', 'train.seed=4'],
  ...['train.batchSize=2', 'train.epochs=1', 'validation.every=1', 'validation.limit=2'],
  ...['data.cacheSize=64', 'data.workers=0', 'engine.threads=1'],
]);
let folder: string;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'faceparse-'));
  for (const [split, count] of [['train', 4] as const, ['val', 2] as const]) {
    await writeSyntheticDataset({ folder: join(folder, 'data'), count, size: 64, seed: 3, split });
  }
});
afterAll(() => rm(folder, { recursive: true, force: true }));

describe('the preprocessing that an architecture asks for', { timeout: 60_000 }, () => {
  it('is what the batches of every resolution are normalised by', async () => {
    const dataset = await openDataset(join(folder, 'data', 'train'), { requireMasks: true });
    const decoded = await loadTrainingImages(dataset, config, { onProgress: () => undefined });
    const imagesOf = async (resolution: TrainingResolution) => {
      const loader = openResolutionBatches(decoded, config, resolution, 0);
      const { images } = await loader.next();
      await loader.close();
      return images;
    };
    const { resolutions } = planTraining(config);
    expect(resolutions.map(({ preprocessing }) => preprocessing)).toEqual([
      { ...imageNet, size: 32 },
      { ...imageNet, size: 64 },
    ]);
    for (const resolution of resolutions) {
      const { size } = resolution.preprocessing;
      const images = await imagesOf(resolution);
      const centred = await imagesOf({ ...resolution, preprocessing: { ...defaultPreprocessing, size } });
      const { mean, std } = defaultPreprocessing;
      images.forEach((value, at) => {
        const channel = Math.floor(at / size ** 2) % 3;
        const shown = centred[at] * std[channel] + mean[channel];
        expect(value).toBeCloseTo((shown - imageNet.mean[channel]) / imageNet.std[channel], 4);
      });
    }
  });

  it('is what the weights say, beside where they come from, as the environment does', async () => {
    const run = runFolder(join(folder, 'run'));
    await train({ config, data: join(folder, 'data'), run: join(folder, 'run') });
    for (const file of [run.bestWeights, run.lastWeights]) {
      const { preprocessing, origin } = decodeWeights(await readFile(file), file);
      expect(preprocessing).toEqual({ ...imageNet, size: 64 });
      expect(origin).toEqual({ kind: 'random', seed: 4 });
    }
    expect((await readEnvironment(run.environment)).initialWeights).toBe('random, seed 4');
  });
});
