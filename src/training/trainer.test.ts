import { createHash } from 'node:crypto';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { parseConfig } from '../config/parse-config.ts';
import { openDataset } from '../data/dataset/dataset.ts';
import { selectEngine } from '../engine/select-engine.ts';
import { evaluateParser } from '../evaluation/evaluate-parser.ts';
import { decodeSafetensors, encodeSafetensors } from '../formats/safetensors.ts';
import { defaultPreprocessing } from '../image/preprocessing.ts';
import { decodeWeights } from '../models/weights-file.ts';
import { FaceParser } from '../parser/face-parser.ts';
import { writeSyntheticDataset } from '../synthetic/dataset.ts';
import { readMetrics, runFolder } from './record/run-folder.ts';
import type { TrainingProgress } from './train-options.ts';
import { train } from './trainer.ts';

const settings = [
  ...['model.name=compact', 'loss.auxiliary=0.3', 'train.size=64', 'train.resolutions=[{until: 0.5, size: 32}]'],
  ...['train.batchSize=2', 'train.epochs=2', 'validation.every=1', 'validation.limit=2'],
  ...['data.cacheSize=64', 'data.workers=0', 'engine.threads=1'],
];
/** 4 steps an epoch, 8 in all: 4 at 32², 4 at 64²; a validation is due just where the size changes. */
const configOf = (overrides: string[]) => parseConfig('', 'same', [...settings, ...overrides]);
let folder: string;

function trainInto(
  parent: string,
  options: {
    resume?: boolean;
    until?: number;
    overrides?: string[];
    stopAt?: (progress: TrainingProgress) => boolean;
  } = {},
) {
  const { resume = false, until, overrides = [], stopAt } = options;
  const controller = new AbortController();
  const onProgress = (progress: TrainingProgress) => {
    if (stopAt?.(progress)) controller.abort();
  };
  const run = join(folder, parent, 'same');
  return train({
    config: configOf(overrides),
    data: join(folder, 'data'),
    run,
    resume,
    ...(until !== undefined && { until }),
    signal: controller.signal,
    onProgress,
  });
}

/** The lines of metrics.csv without the columns that depend on the speed of the machine. */
async function steadyMetrics(parent: string) {
  const lines = await readMetrics(runFolder(join(folder, parent, 'same')).metrics);
  return lines.map((line) => ({ ...line, seconds: 0, imagesPerSecond: 0 }));
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
    scores: validations.map(({ step, valF, valLoss, trainF }) => [step, valF, valLoss, trainF]),
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

  it('that pauses at its first validation after some epochs has the metrics of the whole run up to there, and goes on', async () => {
    const whole = await steadyMetrics('whole');
    const paused = await trainInto('paused', { until: 0.4 });
    expect(paused).toMatchObject({ steps: 4, paused: true, interrupted: false });
    expect(paused).not.toHaveProperty('best');
    const soFar = await steadyMetrics('paused');
    expect(soFar.at(-1)).toMatchObject({ step: 4, valF: expect.any(Number) });
    expect(soFar).toEqual(whole.slice(0, soFar.length));
    // Again, it is there already.
    expect(await trainInto('paused', { resume: true, until: 1 })).toMatchObject({ steps: 4, paused: true });
    expect(await trainInto('paused', { resume: true, until: 2 })).toMatchObject({ steps: 8, paused: false });
    expect(await outcome('paused')).toEqual(await outcome('whole'));
    expect(await steadyMetrics('paused')).toEqual(whole);
  });

  it('has a line with the loss at the end of a run that is shorter than an interval of validations or lines', async () => {
    const overrides = ['train.epochs=1', 'validation.every=10'];
    await trainInto('short', { overrides });
    const lines = await readMetrics(runFolder(join(folder, 'short', 'same')).metrics);
    expect(lines.map(({ step, loss, valF }) => [step, typeof loss, typeof valF])).toEqual([
      [4, 'number', 'undefined'],
      [4, 'undefined', 'number'],
    ]);
    await trainInto('short, stopped', { overrides, stopAt: ({ phase, step }) => phase === 'train' && step === 4 });
    await trainInto('short, stopped', { overrides, resume: true });
    const resumed = await readMetrics(runFolder(join(folder, 'short, stopped', 'same')).metrics);
    expect(resumed.map(({ step, loss, valF }) => [step, loss, valF])).toEqual(
      lines.map(({ step, loss, valF }) => [step, loss, valF]),
    );
  });

  it('records the validation loss and F on training images at every validation', async () => {
    const { scores } = await outcome('whole');
    for (const [, , valLoss, trainF] of scores) {
      expect(valLoss).toBeGreaterThan(0.5);
      expect(valLoss).toBeLessThan(6);
      expect(trainF).toBeGreaterThan(0);
    }
    // The last value is what scoring these images anew gives; a mask of the training set may be repaired.
    const dataset = await openDataset(join(folder, 'data', 'train'));
    const engine = await selectEngine(configOf([]).engine);
    const file = runFolder(join(folder, 'whole', 'same')).lastWeights;
    const parser = await FaceParser.create(decodeWeights(await readFile(file), file), engine);
    const items = [dataset.items[0], dataset.items[4]];
    const { fPerImage } = await evaluateParser(parser, { ...dataset, items }, { repair: true });
    await parser.dispose();
    expect(scores.at(-1)![3]).toBeCloseTo(fPerImage, 6);
  });

  it('scores no training images where trainImages is 0, and has no column for them', async () => {
    const reports: TrainingProgress[] = [];
    await trainInto('unseen', {
      overrides: ['validation.trainImages=0', 'train.epochs=1'],
      stopAt: (progress) => {
        reports.push(progress);
        return false;
      },
    });
    const { scores } = await outcome('unseen');
    expect(scores.map(([, , valLoss, trainF]) => [typeof valLoss, trainF])).toEqual([['number', undefined]]);
    const text = await readFile(runFolder(join(folder, 'unseen', 'same')).metrics, 'utf8');
    expect(text).not.toContain('trainF');
    const [scored] = reports.filter(({ valF }) => valF !== undefined);
    expect(scored).not.toHaveProperty('trainF');
    expect(scored.valLoss).toBeCloseTo(scores[0][2]!, 5);
  });

  it('logs the loss at the auxiliary heads, also if it resumes from a checkpoint that lacks its sum', async () => {
    const stopAt = ({ phase, step }: TrainingProgress) => phase === 'train' && step === 2;
    await trainInto('older', { stopAt });
    const older = runFolder(join(folder, 'older', 'same'));
    const { metadata, tensors } = decodeSafetensors(await readFile(older.checkpoint));
    const kept = [...tensors].filter(([name]) => name !== 'sums.auxiliary');
    expect(kept).toHaveLength(tensors.size - 1);
    await writeFile(older.checkpoint, encodeSafetensors(new Map(kept), metadata));
    await trainInto('older', { resume: true });
    expect(await outcome('older')).toEqual(await outcome('whole'));
    for (const run of [older, runFolder(join(folder, 'whole', 'same'))]) {
      const lines = (await readMetrics(run.metrics)).filter(({ loss }) => loss !== undefined);
      expect(lines.length).toBeGreaterThan(1);
      for (const { loss, crossEntropy = 0, dice = 0, auxiliary = Number.NaN } of lines) {
        expect(auxiliary).toBeGreaterThan(0.5);
        expect(crossEntropy + dice + 0.3 * auxiliary).toBeCloseTo(loss ?? 0, 4);
      }
    }
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
