import { mkdir, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import sharp from 'sharp';
import { describe, expect, test } from 'vitest';
import { jpegBytes, temporaryFolder } from '../../../test/dataset-fixture.ts';
import { decodePalettePng } from '../../formats/palette-png.ts';
import { readPhoto } from '../../image/read-image.ts';
import { celebamask19 } from '../../labels/celebamask-19.ts';
import { openDataset } from './dataset.ts';
import { prepareCelebAMaskHq } from './prepare.ts';

type Box = readonly [x: number, y: number, width: number, height: number];

/** White on black, as CelebAMask-HQ stores a part. */
async function partBytes(size: number, box: Box, form: 'rgb' | 'grey' | 'palette' = 'rgb'): Promise<Buffer> {
  const data = new Uint8Array(size * size);
  for (let y = box[1]; y < box[1] + box[3]; y++) data.fill(255, y * size + box[0], y * size + box[0] + box[2]);
  const grey = sharp(data, { raw: { width: size, height: size, channels: 1 } });
  if (form === 'grey') return grey.toColourspace('b-w').png().toBuffer();
  return grey
    .toColourspace('srgb')
    .png({ palette: form === 'palette' })
    .toBuffer();
}

async function writeParts(source: string, id: number, parts: Record<string, Buffer>): Promise<void> {
  const folder = join(source, 'CelebAMask-HQ-mask-anno', `${Math.floor(id / 2000)}`);
  await mkdir(folder, { recursive: true });
  for (const [name, bytes] of Object.entries(parts)) {
    await writeFile(join(folder, `${String(id).padStart(5, '0')}_${name}.png`), bytes);
  }
}

/** Photos 0 and 1 in folder 0, photo 2000 in folder 1; photos 32², parts 16². */
async function rawSample(): Promise<{ root: string; source: string }> {
  const root = await temporaryFolder();
  const source = join(root, 'raw');
  await mkdir(join(source, 'CelebAMask-HQ-img'), { recursive: true });
  for (const id of [0, 1, 2000]) {
    await writeFile(join(source, 'CelebAMask-HQ-img', `${id}.jpg`), await jpegBytes(32, 32));
  }
  await writeParts(source, 0, {
    skin: await partBytes(16, [2, 2, 12, 12]),
    hair: await partBytes(16, [0, 0, 16, 4], 'grey'),
    l_ear: await partBytes(16, [12, 3, 2, 4], 'palette'),
    neck: await partBytes(16, [4, 12, 8, 4]),
  });
  await writeParts(source, 1, { skin: await partBytes(16, [0, 0, 8, 8]) });
  await writeParts(source, 2000, { cloth: await partBytes(16, [0, 8, 16, 8]) });
  return { root, source };
}

describe('prepareCelebAMaskHq', () => {
  test('merges parts in the order of their ids, whatever the PNG form', async () => {
    const { root, source } = await rawSample();
    const out = join(root, 'out');
    const progress: string[] = [];
    const onProgress = (done: number, total: number): unknown => progress.push(`${done}/${total}`);
    expect(await prepareCelebAMaskHq({ source, out, size: 16, onProgress })).toEqual({ pairs: 3, size: 16 });
    expect(progress).toEqual(['1/3', '2/3', '3/3']);
    const { items } = await openDataset(out);
    expect(items.map(({ stem }) => stem)).toEqual(['00000', '00001', '02000']);
    const mask = decodePalettePng(await readFile(items[0].maskPath!));
    const at = (x: number, y: number): number => mask.data[y * 16 + x];
    expect([at(0, 8), at(5, 8), at(5, 3), at(13, 3), at(13, 5), at(5, 13)]).toEqual([0, 1, 13, 13, 8, 17]);
    expect(mask.palette).toEqual(celebamask19.classes.map(({ color }) => color));
    expect(decodePalettePng(await readFile(items[2].maskPath!)).data[15 * 16]).toBe(18);
    const photo = await readPhoto(items[0].imagePath);
    expect([photo.width, photo.height]).toEqual([16, 16]);
  });

  test('another size takes the nearest label, and 512 is the default', async () => {
    const { root, source } = await rawSample();
    await prepareCelebAMaskHq({ source, out: join(root, 'small'), size: 8, ids: { first: 1, last: 1 } });
    const small = decodePalettePng(await readFile(join(root, 'small/masks/00001.png')));
    const expected = Uint8Array.from({ length: 64 }, (_, i) => (i < 32 && i % 8 < 4 ? 1 : 0));
    expect(small.data).toEqual(expected);
    const result = await prepareCelebAMaskHq({ source, out: join(root, 'large'), ids: { first: 1, last: 1 } });
    expect(result).toEqual({ pairs: 1, size: 512 });
    const large = decodePalettePng(await readFile(join(root, 'large/masks/00001.png')));
    expect([large.width, large.data[255 * 512 + 255], large.data[255 * 512 + 256]]).toEqual([512, 1, 0]);
    expect(await readdir(join(root, 'large/images'))).toEqual(['00001.jpg']);
  });

  test.each<[string, (source: string) => Promise<unknown>, RegExp]>([
    [
      'no annotations',
      (s) => rm(join(s, 'CelebAMask-HQ-mask-anno'), { recursive: true }),
      /raw has no folder CelebAMask-HQ-mask-anno\/; use the unpacked CelebAMask-HQ/,
    ],
    [
      'one folder lacking',
      (s) => rm(join(s, 'CelebAMask-HQ-mask-anno/1'), { recursive: true }),
      /photo 2000\.jpg has no annotation: .*1 contains no 02000_\*\.png; is CelebAMask-HQ-mask-anno unpacked/,
    ],
    [
      'no photos',
      async (s) => {
        await rm(join(s, 'CelebAMask-HQ-img'), { recursive: true });
        await mkdir(join(s, 'CelebAMask-HQ-img'));
      },
      /CelebAMask-HQ-img contains no photos <number>\.jpg/,
    ],
    [
      'part of another size',
      async (s) => writeParts(s, 0, { nose: await partBytes(8, [0, 0, 4, 4]) }),
      /00000_nose\.png: is 8×8, but the other parts of this face are 16×16/,
    ],
    [
      'truncated photo',
      async (s) => writeFile(join(s, 'CelebAMask-HQ-img/1.jpg'), (await jpegBytes(32, 32)).subarray(0, 500)),
      /1\.jpg: is truncated or damaged/,
    ],
    [
      'photo that is not square',
      async (s) => writeFile(join(s, 'CelebAMask-HQ-img/1.jpg'), await jpegBytes(32, 24)),
      /1\.jpg: is 32×24, but the photos are square/,
    ],
  ])('%s is an error, and nothing is left', async (_, change, message) => {
    const { root, source } = await rawSample();
    await change(source);
    await expect(prepareCelebAMaskHq({ source, out: join(root, 'out'), size: 16 })).rejects.toThrow(message);
    expect(await readdir(root)).toEqual(['raw']);
  });

  test('wrong use: range, size, level, filled folder', async () => {
    const { root, source } = await rawSample();
    const out = join(root, 'out');
    const run = (more: object): Promise<unknown> => prepareCelebAMaskHq({ source, out, size: 16, ...more });
    await expect(run({ ids: { first: 0, last: 3 } })).rejects.toThrow(/2 of the 4 photos 0 to 3; 2\.jpg is missing/);
    await expect(run({ ids: { first: 3, last: 0 } })).rejects.toThrow(/ids 3 to 0 are not a valid range/);
    await expect(run({ size: 0.5 })).rejects.toThrow(/size 0\.5 is invalid; use an integer from 8 to 4096/);
    await expect(run({ out: source })).rejects.toThrow(/exists and is not empty/);
    await mkdir(join(root, 'above'));
    await rename(source, join(root, 'above/CelebAMask-HQ'));
    await expect(run({ source: join(root, 'above') })).rejects.toThrow(/use the folder inside it, .*CelebAMask-HQ/);
  });
});
