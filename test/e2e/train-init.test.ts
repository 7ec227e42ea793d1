import { cp, mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { writeSyntheticDataset } from '../../src/synthetic/dataset.ts';
import { temporaryFolder } from '../dataset-fixture.ts';
import { askCli } from './run-cli.ts';
import { askTrain, fileFolder, readTensors, smallTraining, writeFaces } from './training-fixture.ts';

const folder = await fileFolder();
let data: string;
let first: string;
/** One step so small that the weights stay as they were. */
const oneStep = ['train.epochs=0.1', 'train.lr=1e-12', 'train.seed=9'];

beforeAll(async () => {
  data = await writeFaces(folder);
  first = join(folder, 'runs', 'first');
  await askTrain(['--data', data, '--out', dirname(first), '--name', 'first', ...smallTraining, 'train.epochs=1']);
});

const readEnvironment = async (run: string) => JSON.parse(await readFile(join(run, 'environment.json'), 'utf8'));

/** The greatest difference between the kernels of two weights files; running statistics move in any step. */
async function greatestDifference(a: string, b: string): Promise<number> {
  const [{ tensors }, { tensors: others }] = [await readTensors(a), await readTensors(b)];
  let greatest = 0;
  for (const [name, { data: values, shape }] of tensors) {
    if (shape.length < 2) continue;
    const other = others.get(name)!.data;
    values.forEach((value, index) => {
      greatest = Math.max(greatest, Math.abs(Number(value) - Number(other[index])));
    });
  }
  return greatest;
}

describe('train.init', () => {
  it('starts from the weights of a run, and records where they come from', async () => {
    const run = join(folder, 'runs', 'second');
    const words = ['--data', data, '--out', dirname(run), '--name', 'second', ...smallTraining, ...oneStep];
    const { stderr } = await askTrain([...words, `train.init=${first}`]);
    expect(stderr).toMatch(
      /^faceparse: the run starts from the weights of \S*best\.safetensors \(run first, after 6 steps /m,
    );
    const [best, last] = [join(first, 'weights', 'best.safetensors'), join(run, 'weights', 'last.safetensors')];
    expect(await greatestDifference(last, best)).toBeLessThan(1e-6);
    const { initialWeights, origin, initialRun, trainingData } = await readEnvironment(run);
    expect(initialWeights).toMatch(/^best\.safetensors, SHA-256 [0-9a-f]{64}$/);
    expect(origin).toMatchObject({ kind: 'file', file: 'best.safetensors', before: { kind: 'random', seed: 0 } });
    expect(initialRun).toMatchObject({ name: 'first', step: 6, initialWeights: 'random, seed 0' });
    expect(initialRun.trainingData).toEqual([trainingData]);
    expect(JSON.parse((await readTensors(last)).metadata.origin)).toEqual(origin);

    // Its origin is its own, even after the file is gone.
    const copy = join(await temporaryFolder(), 'second');
    await cp(run, copy, { recursive: true });
    await rm(first, { recursive: true });
    await askTrain(['--resume', copy, 'train.epochs=0.5']);
    expect(JSON.parse((await readTensors(join(copy, 'weights', 'last.safetensors'))).metadata.origin)).toEqual(origin);
    expect((await readEnvironment(copy)).initialRun).toEqual(initialRun);
    await cp(copy, first, { recursive: true });
  });

  it('starts from a file outside of a run, and says that its origin is unknown', async () => {
    const cwd = await temporaryFolder();
    await cp(join(first, 'weights', 'last.safetensors'), join(cwd, 'found.safetensors'));
    const words = ['--data', data, '--name', 'third', ...smallTraining, ...oneStep, 'train.init=found.safetensors'];
    const { stderr } = await askTrain(words, { cwd });
    expect(stderr).toMatch(/found\.safetensors, which is in no run folder: how they were trained is unknown/);
    const environment = await readEnvironment(join(cwd, 'runs', 'third'));
    expect(environment.initialWeights).toMatch(/^found\.safetensors, SHA-256 /);
    expect(environment.initialRun).toBeUndefined();
    await writeSyntheticDataset({ folder: cwd, count: 1, size: 512, seed: 1, split: 'test' });
    const refused = await askCli(['submit', 'runs/third', '--test', 'test'], { cwd });
    expect(refused.code).not.toBe(0);
    expect(refused.stderr).toMatch(/started from 'found\.safetensors, SHA-256 [^\n]*pretrained weights are forbidden/);
  });

  it.each<[string, readonly string[], RegExp]>([
    [
      'another network',
      ['model.name=compact', 'train.init=RUN'],
      /weights of the network mobile-unet, but model\.name is compact/,
    ],
    [
      'another label set',
      ['data.labels=face-8', 'train.init=RUN'],
      /label set celebamask-19, but data\.labels is face-8/,
    ],
    ['nothing', ['train.init=nowhere'], /train\.init=nowhere: no such file or folder; give a run folder, a weights/],
    ['a damaged PyTorch checkpoint', ['train.init=net.pth'], /train\.init=net\.pth: net\.pth: /],
    ['a folder without weights', ['train.init=empty'], /the folder contains no weights/],
    ['a damaged file', ['train.init=bad.safetensors'], /bad\.safetensors cannot be read as weights/],
    ['a checkpoint', ['train.init=RUN/checkpoint.safetensors'], /not a faceparse weights file/],
  ])('refuses %s, and makes no run', async (_, words, message) => {
    const cwd = await temporaryFolder();
    await mkdir(join(cwd, 'empty'));
    await writeFile(join(cwd, 'net.pth'), 'PK\u0003\u0004');
    await writeFile(join(cwd, 'bad.safetensors'), 'not weights');
    const given = words.map((word) => word.replace('RUN', first));
    const { code, stdout, stderr } = await askCli(['train', '--data', data, ...smallTraining, ...given], { cwd });
    expect(stderr).toMatch(/^faceparse: [^\n]*\n$/);
    expect(stderr).toMatch(message);
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
  });
});
