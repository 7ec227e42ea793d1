import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { unzipSync } from 'fflate';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { randomWeights } from '../../../test/random-weights.ts';
import { exportPyTorch, pytorchCheckpoint } from './pytorch.ts';

const { weights, graph } = randomWeights({ labels: 'face-8' });
let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'faceparse-export-'));
});
afterAll(() => rm(folder, { recursive: true }));

describe('exportPyTorch', () => {
  it('writes the same two files into a new folder each time', async () => {
    const target = join(folder, 'a', 'b');
    expect(await exportPyTorch(weights, target)).toEqual([join(target, 'model.py'), join(target, 'ckpt.pth')]);
    const files = () => Promise.all(['model.py', 'ckpt.pth'].map((name) => readFile(join(target, name))));
    const first = await files();
    await exportPyTorch(weights, target);
    const again = await files();
    expect(again.map((bytes, index) => bytes.equals(first[index]))).toEqual([true, true]);
    expect(await readdir(target)).toEqual(['ckpt.pth', 'model.py']);
  });

  it('names the path that it cannot write', async () => {
    const file = join(folder, 'file');
    await writeFile(file, '');
    await expect(exportPyTorch(weights, join(file, 'inside'))).rejects.toThrow(`cannot write ${join(file, 'inside')}`);
  });

  it('refuses weights of another network before writing anything', async () => {
    const states = new Map([...weights.states].slice(1));
    const target = join(folder, 'none');
    await expect(exportPyTorch({ ...weights, states }, target, 'best.safetensors')).rejects.toThrow(
      "best.safetensors belongs to another network: mobile-unet requires 'stem.0.weight'",
    );
    expect(await readdir(folder)).not.toContain('none');
  });
});

describe('pytorchCheckpoint', () => {
  it('contains all states in order, each normalisation with its counter', () => {
    const files = unzipSync(pytorchCheckpoint(weights));
    const text = new TextDecoder('latin1').decode(files['archive/data.pkl']);
    const names = [...text.matchAll(/X.{4}([\w.]+\.(?:weight|bias|running_mean|running_var|num_batches_tracked))c/gs)];
    const expected = [...graph.states.keys()].flatMap((key) =>
      key.endsWith('running_var') ? [key, key.replace('running_var', 'num_batches_tracked')] : [key],
    );
    expect(names.map(([, name]) => name)).toEqual(expected);
    const index = expected.indexOf('head.bias');
    expect(new Float32Array(files[`archive/data/${index}`].slice().buffer)).toEqual(weights.states.get('head.bias'));
  });
});
