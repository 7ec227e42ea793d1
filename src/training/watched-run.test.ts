import { createHash } from 'node:crypto';
import { cp, mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { encoderNetwork } from '../../test/encoder-network-fixture.ts';
import { parseConfig } from '../config/parse-config.ts';
import { openDataset } from '../data/dataset/dataset.ts';
import { selectEngine } from '../engine/select-engine.ts';
import { evaluateParser } from '../evaluation/evaluate-parser.ts';
import { decodeSafetensors } from '../formats/safetensors.ts';
import { registerModel } from '../models/registry.ts';
import { decodeWeights } from '../models/weights-file.ts';
import { FaceParser } from '../parser/face-parser.ts';
import { writeSyntheticDataset } from '../synthetic/dataset.ts';
import { describeStart } from './earlier-run/initial-weights.ts';
import { readRunState } from './earlier-run/run-state.ts';
import { readMetrics, runFolder } from './record/run-folder.ts';
import type { TrainingProgress, TrainOptions } from './train-options.ts';
import { train } from './trainer.ts';

registerModel(encoderNetwork);

/** 4 steps an epoch and a validation after each. A threshold of 0.5 makes nearly every validation one without improvement. */
const settings = [
  ...['model.name=encoder-network', 'train.size=32', 'train.batchSize=2', 'train.epochs=8', 'validation.every=1'],
  ...['validation.limit=2', 'data.cacheSize=32', 'data.workers=0', 'engine.threads=1', 'train.warmup=0'],
  ...['train.freeze.encoder=true', 'train.freeze.batchNorm=encoder'],
  ...['train.schedule=plateau', 'train.scheduleOptions.patience=1', 'train.scheduleOptions.threshold=0.5'],
  'train.scheduleOptions.watch=valLoss',
  ...['train.earlyStopping.patience=3', 'train.earlyStopping.minDelta=0.5'],
];
let folder: string;

function trainInto(parent: string, overrides: string[] = [], options: Partial<TrainOptions> = {}) {
  return train({
    config: parseConfig('', 'same', [...settings, ...overrides]),
    data: join(folder, 'data'),
    run: join(folder, parent, 'same'),
    ...options,
  });
}

/** Trains until a condition holds. */
function stopWhen(isReached: (progress: TrainingProgress) => boolean): Partial<TrainOptions> {
  const controller = new AbortController();
  const onProgress = (progress: TrainingProgress) => {
    if (isReached(progress)) controller.abort();
  };
  return { signal: controller.signal, onProgress };
}

async function outcome(parent: string) {
  const run = runFolder(join(folder, parent, 'same'));
  const hash = async (file: string) =>
    createHash('sha256')
      .update(await readFile(file))
      .digest('hex');
  const { metadata, tensors } = decodeSafetensors(await readFile(run.checkpoint));
  const states = [...tensors].map(([name, { data }]) => [name, createHash('sha256').update(data).digest('hex')]);
  return {
    last: await hash(run.lastWeights),
    best: await hash(run.bestWeights),
    states: Object.fromEntries(states),
    watch: JSON.parse(metadata.record).watch,
    lines: (await readMetrics(run.metrics)).map(({ seconds, imagesPerSecond, ...line }) => line),
  };
}

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'faceparse-'));
  for (const [split, count] of [['train', 8] as const, ['val', 2] as const]) {
    await writeSyntheticDataset({ folder: join(folder, 'data'), count, size: 32, seed: 3, split });
  }
}, 60_000);
afterAll(() => rm(folder, { recursive: true, force: true }));

describe('a run with a plateau, early stopping and a frozen encoder', { timeout: 120_000 }, () => {
  it('stops when the score has not improved, is finished, and keeps the reason', async () => {
    const result = await trainInto('whole');
    expect(result).toMatchObject({
      interrupted: false,
      steps: 16,
      earlyStop: 'valF did not improve in 3 validations',
    });
    const { lines, watch } = await outcome('whole');
    const scored = lines.filter(({ valF }) => valF !== undefined);
    expect(scored.map(({ step, staleValidations }) => [step, staleValidations])).toEqual([
      [4, 0],
      [8, 1],
      [12, 2],
      [16, 3],
    ]);
    // The second validation without improvement reduces the learning rate.
    const rates = lines.flatMap(({ learningRate }) => learningRate ?? []);
    expect(rates).toEqual([0.002, 0.002, 0.002, 0.0002]);
    expect(watch).toMatchObject({ plateau: { reduction: 0.1 }, earlyStopping: { stale: 3 } });
    const config = parseConfig('', 'same', settings);
    const state = await readRunState(runFolder(join(folder, 'whole', 'same')), config);
    expect(state).toMatchObject({ isFinished: true, earlyStop: 'valF did not improve in 3 validations' });
  });

  it.each<[string, (progress: TrainingProgress) => boolean]>([
    ['before the first validation', ({ phase, step }) => phase === 'train' && step === 2],
    ['in the validation that reduces the rate', ({ phase, step }) => phase === 'validate' && step === 12],
    ['after it', ({ phase, step }) => phase === 'train' && step === 13],
    ['in the validation that stops it', ({ phase, step }) => phase === 'validate' && step === 16],
  ])('that is interrupted %s and resumed ends byte for byte as an uninterrupted one', async (when, isReached) => {
    const parent = `stopped ${when}`;
    const stopped = await trainInto(parent, [], stopWhen(isReached));
    expect(stopped.interrupted).toBe(true);
    const resumed = await trainInto(parent, [], { resume: true });
    expect(resumed).toMatchObject({ interrupted: false, earlyStop: 'valF did not improve in 3 validations' });
    expect(await outcome(parent)).toEqual(await outcome('whole'));
  });

  it('has nothing left to do when it is resumed, and goes on with more patience', async () => {
    await cp(join(folder, 'whole'), join(folder, 'more'), { recursive: true });
    const again = await trainInto('more', [], { resume: true });
    expect(again).toMatchObject({ steps: 16, interrupted: false });
    expect(await outcome('more')).toEqual(await outcome('whole'));
    const more = await trainInto('more', ['train.earlyStopping.patience=4'], { resume: true });
    expect(more).toMatchObject({ steps: 20, earlyStop: 'valF did not improve in 4 validations' });
    const off = await trainInto('more', ['train.earlyStopping.patience=null'], { resume: true });
    expect(off.steps).toBe(32);
    expect(off.earlyStop).toBeUndefined();
  });

  it('looks for the lowest loss again if a resume changes the loss', async () => {
    await cp(join(folder, 'whole'), join(folder, 'other loss'), { recursive: true });
    const overrides = ['loss.crossEntropy=20', 'train.earlyStopping.patience=4'];
    await trainInto('other loss', overrides, { resume: true });
    const [before, after] = [await outcome('whole'), await outcome('other loss')];
    expect(after.watch.plateau).toMatchObject({ reduction: before.watch.plateau.reduction, bad: 0 });
    expect(after.watch.plateau.best).toBeGreaterThan(4 * before.watch.plateau.best);
    // F does not depend on the loss, so its count goes on.
    expect(after.watch.earlyStopping.stale).toBe(4);
  });

  it('has the encoder of its initial weights, bit by bit, in its weights files too', async () => {
    const run = runFolder(join(folder, 'whole', 'same'));
    const [best, last] = [run.bestWeights, run.lastWeights].map(async (file) =>
      decodeSafetensors(await readFile(file)),
    );
    const overrides = [
      'train.epochs=1',
      'train.earlyStopping.patience=null',
      'train.schedule=constant',
      'train.lr=1e-9',
    ];
    await trainInto('start', overrides);
    const start = decodeSafetensors(await readFile(runFolder(join(folder, 'start', 'same')).lastWeights));
    const encoder = [...start.tensors.keys()].filter((name) => name.startsWith('encoder.'));
    expect(encoder).toHaveLength(10);
    for (const weights of [await best, await last]) {
      for (const name of encoder) expect(weights.tensors.get(name)?.data).toEqual(start.tensors.get(name)?.data);
    }
    expect((await last).tensors.get('head.weight')?.data).not.toEqual(start.tensors.get('head.weight')?.data);
  });

  it('says what frozen parts are without train.init', async () => {
    const notices: string[] = [];
    const onNotice = (line: string) => notices.push(line);
    const { signal, onProgress } = stopWhen(({ phase, step }) => phase === 'train' && step === 1);
    await trainInto('random', [], { onNotice, ...(signal && { signal }), ...(onProgress && { onProgress }) });
    expect(notices).toContain(
      'train.freeze.encoder=true: the encoder stays at its random initial weights, because train.init is not set',
    );
    const start = (...overrides: string[]) => describeStart(undefined, parseConfig('', 'a', overrides));
    expect(start()).toBeUndefined();
    expect(start('train.freeze.batchNorm=all')).toBe(
      'train.freeze.batchNorm=all: batch normalisation stays at mean 0 and variance 1, because train.init is not set',
    );
  });
});

describe('a run whose validations tie', { timeout: 120_000 }, () => {
  const still = [
    ...['train.lr=1e-12', 'train.averageDecay=0', 'train.freeze.batchNorm=all', 'train.schedule=constant'],
    ...['train.earlyStopping.patience=2', 'train.earlyStopping.minDelta=0'],
  ];

  it('keeps the weights of the first as the best, and counts the others as stale', async () => {
    const seen: TrainingProgress[] = [];
    const onProgress = (progress: TrainingProgress) => void (progress.valF !== undefined && seen.push(progress));
    const result = await trainInto('tie', still, { onProgress });
    const { valF } = seen[0] ?? {};
    expect(
      seen.map(({ step, valF, bestF, bestStep, staleValidations }) => [step, valF, bestF, bestStep, staleValidations]),
    ).toEqual([
      [4, valF, valF, 4, 0],
      [8, valF, valF, 4, 1],
      [12, valF, valF, 4, 2],
    ]);
    const { bestWeights } = runFolder(join(folder, 'tie', 'same'));
    expect(decodeWeights(await readFile(bestWeights), 'best').notes).toMatchObject({ step: '4' });
    expect(result).toMatchObject({ steps: 12, bestF: valF, best: { step: 4, epoch: 1 } });
  });

  it('gives the scores of the best weights, also if they are of the part before a resume', async () => {
    await trainInto(
      'resumed tie',
      still,
      stopWhen(({ phase, step }) => phase === 'train' && step === 9),
    );
    const [whole, resumed] = [
      await trainInto('whole tie', still),
      await trainInto('resumed tie', still, { resume: true }),
    ];
    expect(whole.best?.step).toBe(4);
    expect(resumed.best).toEqual(whole.best);
    const { bestWeights } = runFolder(join(folder, 'whole tie', 'same'));
    const parser = await FaceParser.create(
      decodeWeights(await readFile(bestWeights), 'best'),
      await selectEngine({ threads: 1 }),
    );
    const validationSet = await openDataset(join(folder, 'data', 'val'), { requireMasks: true });
    expect(await evaluateParser(parser, validationSet)).toEqual(whole.best?.summary);
    await parser.dispose();
  });
});
