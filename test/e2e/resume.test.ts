import { spawnSync } from 'node:child_process';
import { cp, readdir, readFile, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { parse } from 'yaml';
import { expectSameBytes } from '../contract/compare.ts';
import { temporaryFolder } from '../dataset-fixture.ts';
import { defaultEngine } from './default-engine.ts';
import { runCli } from './run-cli.ts';
import {
  fileFolder,
  readCsv,
  readTensors,
  signalAfterFirstStep,
  smallTraining,
  train,
  writeFaces,
} from './training-fixture.ts';

const folder = await fileFolder();
const steps = 18;
/** 18 steps, and validations after 9 and 18. */
const settings = [...smallTraining, 'train.epochs=3', 'validation.every=1.5'];
let data: string;
/** Trained without a break. */
let straight: string;
/** Stopped by Ctrl-C on the way; tests work on copies of it. */
let stopped: string;

function lastWeights(run: string): Promise<Buffer> {
  return readFile(join(run, 'weights', 'last.safetensors'));
}

async function copyOfStopped(): Promise<string> {
  // The weights contain the name of the run, so copies keep it.
  const copy = join(await temporaryFolder(), 'same');
  await cp(stopped, copy, { recursive: true });
  return copy;
}

/** Same tensors, compared as bytes. */
async function expectSameTensors(file: string, expected: string): Promise<void> {
  const [a, b] = [await readTensors(file), await readTensors(expected)];
  const arrays = ({ tensors }: typeof a) => new Map([...tensors].map(([name, { data }]) => [name, data]));
  expectSameBytes(arrays(a), arrays(b));
}

beforeAll(async () => {
  data = await writeFaces(folder);
  straight = join(folder, 'straight', 'same');
  await train(['--data', data, '--out', dirname(straight), '--name', 'same', ...settings]);
  stopped = join(folder, 'stopped', 'same');
  const words = ['--data', data, '--out', dirname(stopped), '--name', 'same', ...settings];
  const { stdout, stderr } = await train(words, signalAfterFirstStep(stopped, 'SIGINT'));
  expect(stderr).toContain('faceparse: finishing …; press Ctrl-C again to stop at once\n');
  expect(stdout).toContain(`everything is saved.\nResume with: faceparse train --resume ${stopped}\n`);
  const { metadata } = await readTensors(join(stopped, 'checkpoint.safetensors'));
  expect(stdout).toContain(`Stopped after step ${metadata.step};`);
  expect(Number(metadata.step)).toBeGreaterThan(0);
  expect(Number(metadata.step)).toBeLessThan(steps);
});

describe('a run that was stopped and resumed', () => {
  it('has exactly the weights of one that was not', async () => {
    const run = await copyOfStopped();
    await train(['--resume', run, '--threads', '1']);
    expect((await lastWeights(run)).equals(await lastWeights(straight))).toBe(true);
    await expectSameTensors(join(run, 'checkpoint.safetensors'), join(straight, 'checkpoint.safetensors'));
    await expectSameTensors(join(run, 'weights', 'best.safetensors'), join(straight, 'weights', 'best.safetensors'));
    const validations = async (path: string) =>
      (await readCsv(join(path, 'metrics.csv'))).filter(({ valF }) => valF !== undefined);
    const scores = (await validations(run)).map(({ step, valF }) => [step, valF]);
    expect(scores).toEqual((await validations(straight)).map(({ step, valF }) => [step, valF]));
    expect(scores.map(([step]) => step)).toEqual([9, 18]);
    // The line at which it was stopped is not kept, and the means are those of all steps.
    const losses = async (path: string) =>
      (await readCsv(join(path, 'metrics.csv'))).map(({ step, loss }) => [step, loss]);
    expect(await losses(run)).toEqual(await losses(straight));
  });

  it('records what is changed when it is resumed, and goes on so', async () => {
    const run = await copyOfStopped();
    const readJson = async () => JSON.parse(await readFile(join(run, 'environment.json'), 'utf8'));
    const before = await readJson();
    expect(before).toMatchObject({ length: '3 epochs', engine: { name: defaultEngine, threads: 1 } });
    const { metadata } = await readTensors(join(run, 'checkpoint.safetensors'));
    await train(['--resume', run, '--engine', 'onnx', '--threads', '2', '--minutes', '0.05']);
    const config = parse(await readFile(join(run, 'config.yaml'), 'utf8'));
    expect(config).toMatchObject({ engine: { name: 'onnx', threads: 2 }, train: { minutes: 0.05, epochs: 3 } });
    const after = await readJson();
    const engine = { name: 'onnx', device: 'cpu', threads: 2 };
    expect(after).toMatchObject({
      ...before,
      resumes: [{ step: Number(metadata.step), engine, length: '0.05 minutes' }],
    });
    expect(after.resumes).toHaveLength(1);
    // What was in force stays in force, and nothing is recorded that is as it was.
    const trained = await readFile(join(run, 'metrics.csv'), 'utf8');
    await train(['--resume', run]);
    expect(await readJson()).toEqual(after);
    expect(await readFile(join(run, 'metrics.csv'), 'utf8')).toBe(trained);
  });

  it('goes through the same resolutions, with auxiliary heads', async () => {
    const parent = await temporaryFolder();
    const words = ['--data', data, '--name', 'same', ...smallTraining, 'model.name=compact', 'loss.auxiliary=0.3'];
    words.push('train.resolutions=[{until: 0.5, size: 32}, {until: 0.7, size: 32, labelSize: 32}]', 'train.epochs=1.5');
    // A step is cut in two, which a checkpoint does not show.
    words.push('train.batchSize=2', 'train.accumulate=2');
    const [whole, parts] = [join(parent, 'whole', 'same'), join(parent, 'parts', 'same')];
    await train([...words, '--out', dirname(whole)]);
    const { stdout } = await train([...words, '--out', dirname(parts)], signalAfterFirstStep(parts, 'SIGINT'));
    expect(stdout).toMatch(/^Stopped after step [1-8];/);
    await train(['--resume', parts, '--threads', '1']);
    expect((await lastWeights(parts)).equals(await lastWeights(whole))).toBe(true);
    await expectSameTensors(join(parts, 'checkpoint.safetensors'), join(whole, 'checkpoint.safetensors'));
    const { metadata, tensors } = await readTensors(join(whole, 'weights', 'last.safetensors'));
    expect(metadata.size).toBe('64');
    expect([...tensors.keys()].filter((name) => name.startsWith('auxiliary'))).toEqual([]);
  });

  it('is ended in order by SIGTERM too, and can be used as it is', async () => {
    const run = join(await temporaryFolder(), 'same');
    const words = ['--data', data, '--out', dirname(run), '--name', 'same', ...settings];
    const { stdout } = await train(words, signalAfterFirstStep(run, 'SIGTERM'));
    expect(stdout).toMatch(/^Stopped after step \d+; everything is saved\./);
    await train(['--resume', run, '--threads', '1']);
    expect((await lastWeights(run)).equals(await lastWeights(straight))).toBe(true);
  });

  it('is the same on the reference engine', async () => {
    const parent = await temporaryFolder();
    // 3 steps of 12 an epoch.
    const words = [
      '--data',
      data,
      '--name',
      'same',
      '--engine',
      'reference',
      'model.name=mobile-unet',
      'train.size=32',
    ];
    words.push('data.cacheSize=32', 'train.batchSize=2', `train.epochs=${3 / 12}`, 'validation.limit=1');
    const [whole, parts] = [join(parent, 'whole', 'same'), join(parent, 'parts', 'same')];
    await train([...words, '--out', dirname(whole)]);
    const { stdout } = await train([...words, '--out', dirname(parts)], signalAfterFirstStep(parts, 'SIGINT'));
    expect(stdout).toMatch(/^Stopped after step [12];/);
    await train(['--resume', parts, '--engine', 'reference']);
    expect((await lastWeights(parts)).equals(await lastWeights(whole))).toBe(true);
  });

  it('stays in its folder', async () => {
    const { code, stderr } = await runCli(['train', '--resume', straight, '--out', 'elsewhere']);
    expect(stderr).toBe('faceparse: --out cannot be used with --resume: a resumed run stays in its folder\n');
    expect(code).toBe(2);
  });

  it('refuses a checkpoint that is damaged or belongs to another network, in one line', async () => {
    const run = await copyOfStopped();
    const file = join(run, 'checkpoint.safetensors');
    const bytes = await readFile(file);
    await writeFile(file, bytes.subarray(0, 5_000_000));
    const damaged = await runCli(['train', '--resume', run]);
    expect(damaged.code).toBe(1);
    expect(damaged.stderr).toMatch(/^faceparse: the checkpoint [^\n]* is damaged: [^\n]*truncated[^\n]*\n$/);

    await writeFile(file, bytes);
    const config = await readFile(join(run, 'config.yaml'), 'utf8');
    await writeFile(join(run, 'config.yaml'), config.replace('name: mobile-unet', 'name: compact'));
    const other = await runCli(['train', '--resume', run]);
    expect(other.code).toBe(1);
    expect(other.stderr).toMatch(/^faceparse: the checkpoint [^\n]* does not match this configuration: [^\n]*\n$/);
    expect((await readFile(file)).equals(bytes)).toBe(true);

    await writeFile(join(run, 'config.yaml'), 'train: [1');
    const unreadable = await runCli(['train', '--resume', run]);
    expect(unreadable.code).toBe(2);
    expect(unreadable.stderr).toMatch(/^faceparse: [^\n]*config\.yaml:\d+: not valid YAML[^\n]*\n$/);
  });
});

describe('the same seed', () => {
  it('gives the same weights, however many threads fill the batches', async () => {
    const run = join(await temporaryFolder(), 'same');
    await train(['--data', data, '--out', dirname(run), '--name', 'same', ...settings, 'data.workers=2']);
    expect((await lastWeights(run)).equals(await lastWeights(straight))).toBe(true);
  });
});

describe('a loss that is not a number', () => {
  /** Decay this strong multiplies the weights by −10¹³ in every step. */
  const diverging = ['train.lr=10', 'train.schedule=constant', 'train.warmup=0', 'train.clipNorm=0'];
  const message =
    /^faceparse: the (loss|gradient) became (NaN|Infinity|-Infinity) (at step \d+|between steps \d+ and \d+) \(learning rate 10(\.0)?\)\. Lower train\.lr [^\n]*\n$/;

  it('ends the run with step, learning rate and batch, without a checkpoint', async () => {
    const out = await temporaryFolder();
    const words = ['train', '--data', data, '--out', out, '--name', 'wild', ...settings, ...diverging];
    const decay = ['train.optimizer.kind=sgd', 'train.optimizer.weightDecay=1e12'];
    const { code, stdout, stderr } = await runCli([...words, ...decay]);
    expect({ code, stdout }).toEqual({ code: 1, stdout: '' });
    expect(stderr).toMatch(message);
    const files = await readdir(join(out, 'wild'));
    expect(files).not.toContain('checkpoint.safetensors');
    expect(await readdir(join(out, 'wild', 'weights'))).toEqual([]);
  });

  it('leaves the checkpoint that there was', async () => {
    const run = await copyOfStopped();
    const before = await readFile(join(run, 'checkpoint.safetensors'));
    const weights = await lastWeights(run);
    const file = join(run, 'config.yaml');
    const config = (await readFile(file, 'utf8'))
      .replace(/^( +lr:) .*$/m, '$1 10')
      .replace(/^( +clipNorm:) .*$/m, '$1 0')
      .replace(/^( +weightDecay:) .*$/m, '$1 1e12');
    await writeFile(file, config);
    const { code, stderr } = await runCli(['train', '--resume', run, '--threads', '1']);
    expect(code).toBe(1);
    expect(stderr).toMatch(
      /^faceparse: (the (loss|gradient) became|after step \d+ '[^']+' is no longer finite)[^\n]*\n$/,
    );
    expect((await readFile(join(run, 'checkpoint.safetensors'))).equals(before)).toBe(true);
    expect((await lastWeights(run)).equals(weights)).toBe(true);
  });
});

describe('a disk that is full', () => {
  it.skipIf(process.platform === 'win32')('leaves the old checkpoint, byte for byte (file size limit)', async () => {
    const run = await copyOfStopped();
    const file = join(run, 'checkpoint.safetensors');
    const before = await readFile(file);
    // Weights of 5 MB can be written, checkpoints of 20 MB cannot.
    const limited = ['bash', '-c', 'ulimit -f 8000; exec "$@"', 'bash'];
    const { code, stdout, stderr } = await runCli(['train', '--resume', run, '--threads', '1'], { through: limited });
    expect({ code, stdout }).toEqual({ code: 1, stdout: '' });
    expect(stderr.split('\n').at(-2)).toMatch(
      /^faceparse: cannot write .*checkpoint\.safetensors: the file would exceed the size limit \(ulimit -f/,
    );
    expect((await readFile(file)).equals(before)).toBe(true);
    expect((await readdir(run)).filter((name) => name.endsWith('.aside'))).toEqual([]);
  });

  it('leaves the old checkpoint on a small file system (skipped where none can be mounted)', async ({ skip }) => {
    const mountPoint = await temporaryFolder();
    const mounted = spawnSync('mount', ['-t', 'tmpfs', '-o', 'size=45m', 'tmpfs', mountPoint]).status === 0;
    if (!mounted) skip('no tmpfs can be mounted here; that takes root on Linux');
    onTestFinished(() => {
      spawnSync('umount', [mountPoint]);
    });
    // Two weights files and a checkpoint are 30 MB; the next checkpoint, written aside, would be 20 MB more.
    const words = ['train', '--data', data, '--out', mountPoint, '--name', 'full', ...settings];
    const { code, stderr } = await runCli(words);
    expect(code).toBe(1);
    expect(stderr).toMatch(/^faceparse: cannot write .*checkpoint\.safetensors: the disk is full$/m);
    const run = join(mountPoint, 'full');
    expect((await readTensors(join(run, 'checkpoint.safetensors'))).metadata.step).toBe('9');
    expect((await readdir(run)).filter((name) => name.endsWith('.aside'))).toEqual([]);
  });
});
