import { existsSync } from 'node:fs';
import { mkdir, readFile, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import sharp from 'sharp';
import { describe, expect, it } from 'vitest';
import { decodePalettePng } from '../../src/formats/png/palette-png.ts';
import { bundledWeights } from '../../src/node/bundled-weights.ts';
import { jpegBytes, temporaryFolder } from '../dataset-fixture.ts';
import { askCli } from './run-cli.ts';
import { fileFolder, listFiles, readTensors, writeFaces } from './training-fixture.ts';
import { succeed, writeRandomWeights } from './weights-fixture.ts';

const folder = await fileFolder();
const weights = await writeRandomWeights(folder, 64);
const data = join(await writeFaces(folder, { train: 1, val: 3 }), 'val');
const oneThread = ['--engine', 'onnx', '--threads', '1'];
const whole = ['--faces', 'whole', ...oneThread];

/** A folder with one photo in it. */
async function onePhoto(): Promise<string> {
  const input = await temporaryFolder();
  await writeFile(join(input, 'photo.jpg'), await jpegBytes(70, 50));
  return input;
}

describe('export --format safetensors', () => {
  it('writes the same weights, or kernels of half the size with --half', async () => {
    const out = await temporaryFolder();
    const whole = join(out, 'whole.safetensors');
    expect(await succeed(['export', weights, '--format', 'safetensors', '--out', whole])).toMatch(
      /^wrote \S*whole\.safetensors \(4\.\d MiB\) from \S*random\.safetensors\n$/,
    );
    expect((await readFile(whole)).equals(await readFile(weights))).toBe(true);

    const half = join(out, 'half.safetensors');
    const words = ['export', weights, '--format', 'safetensors', '--half', '--out', half, '--json'];
    const { written, ...said } = JSON.parse(await succeed(words));
    expect(said).toEqual({ weights, format: 'safetensors' });
    expect(written).toEqual([{ path: half, bytes: (await stat(half)).size }]);
    expect(written[0].bytes).toBeLessThan(0.52 * (await stat(whole)).size);
    const { tensors, metadata } = await readTensors(half);
    expect(metadata).toEqual((await readTensors(whole)).metadata);
    expect(tensors.get('head.weight')!.dtype).toBe('F16');
    expect(tensors.get('head.bias')!.dtype).toBe('F32');
  });

  it('writes weights whose predictions differ in only a few pixels', async () => {
    const input = await onePhoto();
    const half = join(input, 'half.safetensors');
    await succeed(['export', weights, '--format', 'safetensors', '--half', '--out', half]);
    const masks: Uint8Array[] = [];
    for (const [file, out] of [
      [weights, join(input, 'a')],
      [half, join(input, 'b')],
    ] as const) {
      await succeed(['predict', file, join(input, 'photo.jpg'), '--out', out, ...whole]);
      masks.push(decodePalettePng(await readFile(join(out, 'photo.png'))).data);
    }
    const same = masks[0].filter((id, index) => id === masks[1][index]).length;
    expect(same / masks[0].length).toBeGreaterThan(0.97);
    expect(new Set(masks[0]).size).toBeGreaterThan(1);
  });

  it('replaces a file only with --force, and never the source weights', async () => {
    const out = join(await temporaryFolder(), 'taken.safetensors');
    await writeFile(out, 'mine');
    const words = ['export', weights, '--format', 'safetensors', '--out'];
    const refused = await askCli([...words, out]);
    expect(refused).toMatchObject({ code: 2, stderr: expect.stringContaining('taken.safetensors already exists') });
    expect(await readFile(out, 'utf8')).toBe('mine');
    await succeed([...words, out, '--force']);
    expect((await readFile(out)).equals(await readFile(weights))).toBe(true);
    const self = await askCli([...words, weights, '--half', '--force']);
    expect(self).toMatchObject({ code: 2, stderr: expect.stringContaining('is the file being exported') });
  });
});

describe('evaluate', () => {
  it('--tta scores the averaged prediction separately, at the sizes of --scales', async () => {
    const words = ['evaluate', weights, '--data', data, ...oneThread];
    const plain = JSON.parse(await succeed([...words, '--json']));
    const { averaged, ...rest } = JSON.parse(await succeed([...words, '--tta', '--scales', '1,1.5', '--json']));
    expect({ ...rest, networkMilliseconds: 0 }).toEqual({ ...plain, networkMilliseconds: 0 });
    expect(averaged).toMatchObject({ flip: true, sides: [64, 96], images: 3 });
    expect(averaged.confusion).toHaveLength(19 * 19);
    expect(averaged.confusion).not.toEqual(plain.confusion);

    const text = await succeed([...words, '--scales', '1,1.5']);
    expect(text).toMatch(/^Plain prediction$/m);
    expect(text).toMatch(
      /^With --tta: averaged over photo and mirror image at 64 and 96 pixels, network \d+ ms per image/m,
    );
    const [f, averagedF] = [plain, averaged].map(({ fPerImage }) => fPerImage.toFixed(4));
    expect(text.match(/^F \(per image\) {3}\d\.\d{4}/gm)).toEqual([f, averagedF].map((n) => `F (per image)   ${n}`));
    expect(text).toContain(`F (per image): plain ${f}, with --tta ${averagedF}\n`);
  });

  it('--markdown prints a table, without a path of this machine', async () => {
    const text = await succeed(['evaluate', weights, '--data', data, '--markdown', ...oneThread]);
    expect(text).toMatch(/^F \(per image\) \*\*0\.\d{4}\*\* over 3 images; /);
    expect(text).toMatch(/^\| skin \| 3 \| /m);
    expect(text).not.toContain(folder);
  });
});

describe('predict', () => {
  it('writes to masks/ by default and does not replace existing files', async () => {
    const cwd = await onePhoto();
    const words = ['predict', weights, 'photo.jpg', ...whole];
    expect(await succeed(words, cwd)).toBe('wrote 1 mask to masks\n');
    const plain = await readFile(join(cwd, 'masks', 'photo.png'));
    const again = await askCli([...words, '--scales', '1,1.5'], { cwd });
    expect(again).toMatchObject({ code: 2, stderr: expect.stringContaining('photo.png already exists') });
    await succeed([...words, '--tta', '--force'], cwd);
    const averaged = await readFile(join(cwd, 'masks', 'photo.png'));
    expect(averaged.equals(plain)).toBe(false);
    expect(decodePalettePng(averaged)).toMatchObject({ width: 70, height: 50 });
  });

  it('never replaces a photo with an overlay', async () => {
    const cwd = await temporaryFolder();
    await mkdir(join(cwd, 'masks', 'overlay'), { recursive: true });
    const photo = join(cwd, 'masks', 'overlay', 'photo.png');
    await sharp(await jpegBytes(40, 40))
      .png()
      .toFile(photo);
    const before = await readFile(photo);
    const { code, stderr } = await askCli(['predict', weights, photo, '--overlay', '--force'], { cwd });
    expect(code).toBe(2);
    expect(stderr).toMatch(/overlay\/photo\.png is an input photo; choose another --out/);
    expect((await readFile(photo)).equals(before)).toBe(true);
  });

  it.skipIf(existsSync(bundledWeights))('without a run reports that the bundled weights are missing', async () => {
    const cwd = await onePhoto();
    const { code, stdout, stderr } = await askCli(['predict', 'photo.jpg'], { cwd });
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
    expect(stderr).toMatch(
      /^faceparse: no run is named, and the weights [^\n]* are missing [^\n]*faceparse train[^\n]*\n$/,
    );
    expect(await listFiles(cwd)).toEqual(['photo.jpg']);
  });

  it.skipIf(!existsSync(bundledWeights))('without a run uses the bundled weights', async () => {
    const cwd = await onePhoto();
    expect(await succeed(['predict', 'photo.jpg', ...whole], cwd)).toBe('wrote 1 mask to masks\n');
    expect(await listFiles(cwd)).toEqual(['masks/photo.png', 'photo.jpg']);
    const { weights: used } = JSON.parse(await succeed(['predict', 'photo.jpg', '--force', '--json'], cwd));
    expect(used).toBe(bundledWeights);
    const scored = JSON.parse(await succeed(['evaluate', '--data', data, '--json', ...oneThread]));
    expect(scored).toMatchObject({ weights: bundledWeights, images: 3 });
  });
});
