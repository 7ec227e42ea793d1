import { existsSync } from 'node:fs';
import { cp, readFile, rename, rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { parseConfig } from '../../src/config/parse-config.ts';
import { learningRateAt } from '../../src/optim/schedule.ts';
import { writeSyntheticDataset } from '../../src/synthetic/dataset.ts';
import { temporaryFolder } from '../dataset-fixture.ts';
import { runCli } from './run-cli.ts';
import { fileFolder, readCsv, readTensors, smallTraining, train, writeFaces } from './training-fixture.ts';

const folder = await fileFolder();
let data: string;
/** 2 epochs of 6 steps, finished; tests work on copies of it. */
let finished: string;

beforeAll(async () => {
  data = await writeFaces(folder);
  finished = join(folder, 'finished', 'same');
  const words = ['--data', data, '--out', dirname(finished), '--name', 'same', ...smallTraining, 'train.epochs=2'];
  await train(words);
});

async function copyOfFinished(): Promise<string> {
  const copy = join(await temporaryFolder(), 'same');
  await cp(finished, copy, { recursive: true });
  return copy;
}

const readEnvironment = async (run: string) => JSON.parse(await readFile(join(run, 'environment.json'), 'utf8'));
const readConfig = async (run: string) => parse(await readFile(join(run, 'config.yaml'), 'utf8'));
const lastWeights = (run: string) => readFile(join(run, 'weights', 'last.safetensors'));

/** To 4 epochs, with batches of 8: 3 steps an epoch from epoch 2 on. */
const changes = ['train.epochs=4', 'train.lr=5e-4', 'train.batchSize=8', 'validation.every=1', 'loss.dice=0.5'];
const recorded = [
  { key: 'loss.dice', from: 1, to: 0.5 },
  { key: 'train.batchSize', from: 4, to: 8 },
  { key: 'train.epochs', from: 2, to: 4 },
  { key: 'train.lr', from: 0.002, to: 0.0005 },
  { key: 'validation.every', from: 2, to: 1 },
];

describe('a run resumed with changed settings', () => {
  it('goes on with them from its step on, at the same epoch, on the schedule of the new length', async () => {
    const run = await copyOfFinished();
    const { stderr, stdout } = await train(['--resume', run, ...changes]);
    expect(stderr).toMatch(/^faceparse: from step 12 on: loss\.dice from 1 to 0\.5, train\.batchSize from 4 to 8, /m);
    expect(stdout).toMatch(/^18 steps in /m);
    expect(await readConfig(run)).toMatchObject({ train: { epochs: 4, lr: 5e-4, batchSize: 8 }, loss: { dice: 0.5 } });
    const { resumes } = await readEnvironment(run);
    expect(resumes).toEqual([expect.objectContaining({ step: 12, length: '4 epochs', changes: recorded })]);
    const rows = await readCsv(join(run, 'metrics.csv'));
    const scored = rows.filter(({ valF }) => valF !== undefined).map(({ step, epoch }) => [step, epoch]);
    expect(scored).toEqual([
      [12, 2],
      [15, 3],
      [18, 4],
    ]);
    const schedule = parseConfig('', '', ['train.lr=5e-4']).train;
    const rate = rows.find(({ step, learningRate }) => step === 15 && learningRate !== undefined)!.learningRate!;
    // Its last step begins at 8 of the 12 steps that 4 epochs have now.
    expect(rate).toBeCloseTo(learningRateAt(8 / 12, schedule), 9);
  });

  it('ends the same if it is killed before its next checkpoint and resumed without them', async () => {
    const [straight, killed] = [await copyOfFinished(), await copyOfFinished()];
    await train(['--resume', straight, ...changes, '--threads', '1']);
    const preload = new URL('./kill-at.mjs', import.meta.url).href;
    const env = { NODE_OPTIONS: `--import ${preload}`, FACEPARSE_TEST_KILL: 'write:checkpoint.safetensors' };
    const { code } = await runCli(['train', '--resume', killed, ...changes, '--threads', '1'], { env });
    expect(code).toBeNull();
    await train(['--resume', killed]);
    expect((await lastWeights(killed)).equals(await lastWeights(straight))).toBe(true);
    const [part, ...others] = (await readEnvironment(killed)).resumes;
    expect(part).toMatchObject({ step: 12, changes: recorded });
    expect(others).toEqual([]);
  });

  it('may begin to average its weights, and gives up a length in minutes for one in epochs', async () => {
    const parent = await temporaryFolder();
    const words = ['--data', data, '--out', parent, '--name', 'short', ...smallTraining, 'train.averageDecay=0'];
    await train([...words, 'train.minutes=0.001']);
    const run = join(parent, 'short');
    await train(['--resume', run, 'train.epochs=2', 'train.averageDecay=0.9']);
    expect((await readConfig(run)).train).toMatchObject({ epochs: 2, averageDecay: 0.9 });
    expect((await readConfig(run)).train.minutes).toBeUndefined();
    const { metadata } = await readTensors(join(run, 'weights', 'last.safetensors'));
    expect(metadata).toMatchObject({ 'note.step': '12', 'note.average': 'true' });
  });

  it.each([
    [
      'model.name=compact',
      /model\.name cannot change from mobile-unet to compact .*; train a new run: faceparse train /,
    ],
    ['data.labels=face-8', /data\.labels cannot change from celebamask-19 to face-8 .*; train a new run: /],
    ['train.seed=7', /train\.seed cannot change from 0 to 7 .*; begin a new run from its weights: .*train\.init=/],
    ['train.optimizer.kind=sgd', /kind cannot change from adamw to sgd .*train\.init=\S+ train\.optimizer\.kind=sgd/],
    ['loss.auxiliary=0.3', /loss\.auxiliary cannot change from 0 to 0\.3 .*train\.init=/],
    ['train.init=elsewhere', /train\.init cannot change from unset to elsewhere .*: it has already started/],
    ['name=other', /name cannot change from same to other .*; rename the folder /],
    ['other.yaml', /the config other\.yaml cannot be used with --resume: the run has its own, /],
    ['train.learning=1', /unknown key 'train\.learning'/],
  ])('refuses %s with the way out, and changes nothing', async (word, message) => {
    const before = await readFile(join(finished, 'config.yaml'));
    const { code, stdout, stderr } = await runCli(['train', '--resume', finished, word, 'train.epochs=4']);
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
    expect(stderr).toMatch(/^faceparse: [^\n]*\n$/);
    expect(stderr).toMatch(message);
    expect((await readFile(join(finished, 'config.yaml'))).equals(before)).toBe(true);
  });
});

describe('a run resumed with other data', () => {
  it('names --data where they are gone, and remembers the place to which they were moved', async () => {
    const own = join(await temporaryFolder(), 'own');
    await cp(data, own, { recursive: true });
    const run = await copyOfFinished();
    await train(['--resume', run, '--data', own, 'train.epochs=3']);
    const { resumes, trainingData } = await readEnvironment(run);
    expect(trainingData.folder).toBe(join(data, 'train'));
    const [{ trainingData: moved, validationData }] = resumes;
    expect(moved).toMatchObject({ folder: join(own, 'train'), stemsSha256: trainingData.stemsSha256 });
    expect(validationData.folder).toBe(join(own, 'val'));
    // The images are the same, so the best weights stay.
    expect(existsSync(join(run, 'weights', 'best-before-step-12.safetensors'))).toBe(false);
    await rename(own, `${own}-2`);
    const { code, stderr } = await runCli(['train', '--resume', run, 'train.epochs=4']);
    expect(code).toBe(2);
    expect(stderr).toMatch(/^faceparse: [^\n]*its data folder [^\n]*own no longer exists; [^\n]*--data FOLDER\n$/);
  });

  it('says so where the images are others, and finds the best weights anew', async () => {
    const other = join(await temporaryFolder(), 'other');
    await writeSyntheticDataset({ folder: other, count: 12, size: 64, seed: 4, split: 'train' });
    await writeSyntheticDataset({ folder: other, count: 3, size: 64, seed: 4, split: 'val' });
    const run = await copyOfFinished();
    const best = await readFile(join(run, 'weights', 'best.safetensors'));
    const { stderr } = await train(['--resume', run, '--data', other, 'train.epochs=4']);
    expect(stderr).toMatch(/from step 12 on: training on 12 pairs of \S+, other images than the 24 of /);
    expect(stderr).toMatch(/from step 12 on: validation on 3 pairs of \S+, other images than the 8 of /);
    const kept = join(run, 'weights', 'best-before-step-12.safetensors');
    expect((await readFile(kept)).equals(best)).toBe(true);
    const { metadata } = await readTensors(join(run, 'weights', 'best.safetensors'));
    expect(Number(metadata['note.step'])).toBeGreaterThan(12);
    // 3 steps an epoch: 2 epochs more.
    expect((await readCsv(join(run, 'metrics.csv'))).at(-1)).toMatchObject({ step: 18, epoch: 4 });
  });
});

describe('a finished run', () => {
  it('says that it is finished and how to go on, without its data', async () => {
    const run = await copyOfFinished();
    await rm(join(run, 'events.out.tfevents.faceparse'));
    const before = await lastWeights(run);
    const { stdout, stderr } = await train(['--resume', join(run, 'weights', 'last.safetensors')]);
    expect(stderr).toBe('');
    expect(stdout).toMatch(/^\S*same is finished: 12 steps \(2 epochs\) in .*; best F \(per image\) 0\.\d{4}\n/);
    expect(stdout).toContain(`faceparse train --resume ${run} train.epochs=4\n`);
    expect(stdout).toContain(`faceparse train ${run}/config.yaml train.init=${run} --name NEW --data DATA\n`);
    const { stdout: json } = await train(['--resume', run, '--json']);
    expect(JSON.parse(json)).toMatchObject({ run, finished: true, steps: 12, interrupted: false });
    expect((await lastWeights(run)).equals(before)).toBe(true);
  });

  it('refuses settings that no step is left for', async () => {
    const { code, stderr } = await runCli(['train', '--resume', finished, 'train.lr=1e-3']);
    expect(code).toBe(2);
    expect(stderr).toMatch(/^faceparse: train\.lr=1e-3 would change nothing: \S+ is finished after 12 steps [^\n]*\n$/);
    expect(stderr).toContain(`faceparse train --resume ${finished} train.epochs=4\n`);
  });

  it('is estimated by what is left of a greater length', async () => {
    const { stdout } = await train(['--resume', finished, 'train.epochs=5', '--dry-run']);
    expect(stdout).toMatch(/^done +12 steps \(2 epochs\) in .*, of 5 epochs$/m);
    expect(stdout).toMatch(/^left +18 steps \(3 epochs\), about .*, excluding validation$/m);
    expect((await readConfig(finished)).train.epochs).toBe(2);
  });
});
