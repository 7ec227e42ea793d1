import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { splitPredictArguments } from './arguments.ts';

describe('splitPredictArguments', () => {
  let folder: string;
  const at = (name: string) => join(folder, name);

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'faceparse-'));
    await mkdir(at('run/weights'), { recursive: true });
    await mkdir(at('stopped'));
    await writeFile(at('stopped/config.yaml'), '');
    await mkdir(at('photos'));
    await writeFile(at('net.bin'), Uint8Array.of(8, 8, 0x12, 1));
    await writeFile(at('net.pth'), 'PK');
    for (const name of ['a.jpg', 'b.jpg', 'w.safetensors']) await writeFile(at(name), '');
  });
  afterAll(() => rm(folder, { recursive: true }));

  it.each([
    [['run', 'a.jpg'], 'run', ['a.jpg']],
    [['stopped', 'photos', 'b.jpg'], 'stopped', ['photos', 'b.jpg']],
    [['w.safetensors', 'a.jpg'], 'w.safetensors', ['a.jpg']],
    // The command that reads it reports that it is missing.
    [['none.SafeTensors', 'a.jpg'], 'none.SafeTensors', ['a.jpg']],
    [['a.jpg'], undefined, ['a.jpg']],
    [['a.jpg', 'b.jpg'], undefined, ['a.jpg', 'b.jpg']],
    [['photos', 'none.jpg'], undefined, ['photos', 'none.jpg']],
  ])('%j', async (words, run, photos) => {
    const split = await splitPredictArguments(words.map(at));
    expect(split).toEqual({ ...(run && { run: at(run) }), photos: photos.map(at) });
  });

  it.each([
    [[], /^no photo given; pass photos or folders of photos$/],
    [['run'], /^no photo given; .* after the run .*run$/],
    [['w.safetensors'], /^no photo given; .* after the run .*w\.safetensors$/],
    [['none', 'a.jpg'], /none not found; it must be a run, a photo or a folder of photos$/],
    [['a.jpg', 'w.safetensors'], /w\.safetensors is a run; give one run or weights file, before the photos$/],
    [['run', 'w.safetensors', 'a.jpg'], /w\.safetensors is a run/],
    [['net.bin', 'a.jpg'], /net\.bin is an ONNX model, which faceparse does not load; pass a run folder/],
    [['run', 'a.jpg', 'net.bin'], /net\.bin is an ONNX model/],
    [['net.pth'], /net\.pth is not recognized as a PyTorch checkpoint, as its ending suggests; pass a run folder/],
  ])('refuses %j', async (words, message) => {
    await expect(splitPredictArguments(words.map(at))).rejects.toThrow(message);
    await expect(splitPredictArguments(words.map(at))).rejects.toMatchObject({ exitCode: 2 });
  });
});
