import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, readdir, readFile, rm, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import sharp from 'sharp';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { encodePalettePng } from '../../formats/png/palette-png.ts';
import type { LabelMap, Photo } from '../../image/image.ts';
import { squareLabels, squarePhoto } from '../../image/preprocessing.ts';
import { resizeLabels, resizePhoto } from '../../image/resize.ts';
import { celebamask19 } from '../../labels/celebamask-19.ts';
import { face8 } from '../../labels/face-8.ts';
import type { LabelSet } from '../../labels/label-set.ts';
import { mergeTable } from '../../labels/merge.ts';
import { Random } from '../../random/random.ts';
import { type Dataset, openDataset } from '../dataset/dataset.ts';
import { repairSwap } from '../dataset/left-right.ts';
import { decodeDataset } from './decode-dataset.ts';
import { decodedLabels, decodedPhoto, repairKinds } from './decoded-dataset.ts';

const palette = celebamask19.classes.map(({ color }) => color);
let folder: string;
let pairs: { photo: Photo; mask: LabelMap }[];
let dataset: Dataset;

async function writeMask(index: number, mask: LabelMap, colors = palette): Promise<void> {
  await writeFile(join(folder, 'masks', `${index}.png`), encodePalettePng(mask, colors));
}

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'faceparse-decoded-'));
  await mkdir(join(folder, 'images'));
  await mkdir(join(folder, 'masks'));
  const random = new Random(1);
  pairs = [];
  for (let i = 0; i < 3; i++) {
    // The second is not square.
    const [width, height] = i === 1 ? [20, 10] : [16, 16];
    const photo = { width, height, data: Uint8Array.from({ length: width * height * 3 }, () => random.integer(256)) };
    const data = Uint8Array.from({ length: width * height }, () => [0, 1, 13, 17][random.integer(4)]);
    // Eyes: the person's left has the larger x, except in the last mask.
    const mask = { width, height, data };
    data.fill(i === 2 ? 4 : 5, 5 * width + 2, 5 * width + 6);
    data.fill(i === 2 ? 5 : 4, 5 * width + 10, 5 * width + 14);
    pairs.push({ photo, mask });
    await sharp(photo.data, { raw: { width, height, channels: 3 } })
      .png()
      .toFile(join(folder, 'images', `${i}.png`));
    await writeMask(i, mask);
  }
  dataset = await openDataset(folder);
});

afterEach(() => rm(folder, { recursive: true }));

const load = (change: Partial<Parameters<typeof decodeDataset>[1]> = {}) =>
  decodeDataset(dataset, { size: 8, labelSet: celebamask19, repair: false, ...change });

describe('decodeDataset', () => {
  it('holds every pair, resized', async () => {
    const seen: number[] = [];
    const loaded = await load({ onProgress: (done, total) => seen.push(done / total) });
    expect(loaded.stems).toEqual(['0', '1', '2']);
    expect(loaded.buffer.byteLength).toBe(3 * 64 * 4);
    pairs.forEach(({ photo, mask }, i) => {
      expect(decodedPhoto(loaded, i)).toEqual(resizePhoto(photo, 8, 8));
      expect(decodedLabels(loaded, i)).toEqual(resizeLabels(mask, 8, 8));
    });
    expect(seen).toEqual([1 / 3, 2 / 3, 1]);
    expect(() => decodedPhoto(loaded, 3)).toThrow(/Pair 3 does not exist/);
  });

  it('letterboxes photos and masks, ignoring the margins also after merging', async () => {
    const resize = 'letterbox-area-bilinear';
    const loaded = await load({ resize });
    pairs.forEach(({ photo, mask }, i) => {
      expect(decodedPhoto(loaded, i)).toEqual(squarePhoto(photo, 8, resize));
      expect(decodedLabels(loaded, i)).toEqual(squareLabels(mask, 8, resize));
    });
    // 20×10 pixels become 8×4.
    const table = mergeTable(face8);
    const merged = await load({ resize, labelSet: face8, mergeTable: table });
    expect([...decodedLabels(merged, 1).data.subarray(0, 16)]).toEqual(new Array(16).fill(255));
    expect(decodedLabels(merged, 1).data.filter((id) => id === 255)).toHaveLength(32);
  });

  it('repairs swapped masks when asked to, and only then', async () => {
    const [plain, repaired] = [await load({ size: 16 }), await load({ size: 16, repair: true })];
    expect([...decodedLabels(plain, 2).data]).toEqual([...pairs[2].mask.data]);
    const expected = repairSwap(pairs[2].mask, celebamask19);
    expect([...expected.data]).not.toEqual([...pairs[2].mask.data]);
    expect([...decodedLabels(repaired, 2).data]).toEqual([...expected.data]);
    expect([...decodedLabels(repaired, 0).data]).toEqual([...pairs[0].mask.data]);
  });

  it('merges ids', async () => {
    const table = mergeTable(face8);
    const loaded = await load({ size: 16, labelSet: face8, mergeTable: table, repair: true });
    expect(loaded.labelSet).toBe('face-8');
    expect([...decodedLabels(loaded, 0).data]).toEqual(Array.from(pairs[0].mask.data, (id) => table[id]));
  });

  it('keeps pixels that are to be ignored', async () => {
    const mask = { ...pairs[1].mask, data: pairs[1].mask.data.slice() };
    mask.data[7] = 255;
    await writeMask(
      1,
      mask,
      Array.from({ length: 256 }, () => [0, 0, 0]),
    );
    const loaded = await load({ size: mask.width });
    expect(decodedLabels(loaded, 1).data[7]).toBe(255);
  });

  it('names the file and the value of a stray label', async () => {
    const mask = { ...pairs[1].mask, data: pairs[1].mask.data.slice() };
    mask.data[7] = 19;
    await writeMask(1, mask, [...palette, [1, 2, 3]]);
    await expect(load()).rejects.toThrow(
      /masks\/1\.png has the label 19, but the ids of celebamask-19 are 0 to 18; correct the mask/,
    );
    // 19-class masks read as face-8 without a merge table.
    await writeMask(1, pairs[1].mask);
    await expect(load({ labelSet: face8 })).rejects.toThrow(/the ids of face-8 are 0 to 7/);
    const small: LabelSet = { ...face8, name: 'small', classes: face8.classes.slice(0, 2) };
    await expect(load({ labelSet: small, mergeTable: mergeTable(face8) })).rejects.toThrow(
      /merged.*the ids of small are 0 to 1/,
    );
  });

  it('counts what it repairs, as a whole or a single part', async () => {
    expect((await load()).repairs).toBeUndefined();
    expect([...(await load({ repair: true })).repairs!]).toEqual([0, 0, repairKinds.whole]);
    // A nose on the left, and an ear of the person's left further to the left.
    const { width, height } = pairs[0].mask;
    const data = new Uint8Array(width * height).fill(1);
    data.fill(2, 5 * width + 9, 5 * width + 11);
    data.fill(8, 7 * width, 7 * width + 3);
    await writeMask(0, { width, height, data });
    expect([...(await load({ repair: true })).repairs!]).toEqual([repairKinds.part, 0, repairKinds.whole]);
  });

  it('names all bad files at once', async () => {
    await writeMask(1, pairs[0].mask);
    await writeFile(join(folder, 'images', '2.png'), 'no photo');
    const message = await load().catch((error: Error) => error.message);
    expect(message).toMatch(/^2 bad files in \S+:\n {2}\S*1\.png is 16×16, but .*\n {2}\S*2\.png: .*$/);
  });

  it('refuses a mask of another shape, a missing mask, and more images than may be held', async () => {
    await writeMask(1, pairs[0].mask);
    await expect(load()).rejects.toThrow(/1\.png is 16×16, but its photo is 20×10/);
    const { maskPath: _, ...bare } = dataset.items[0];
    await expect(
      decodeDataset({ folder, items: [bare] }, { size: 8, labelSet: celebamask19, repair: false }),
    ).rejects.toThrow(/0\.png has no mask/);
    await expect(load({ maxBytes: 767 })).rejects.toThrow(/3 pairs at 8×8 need .* GiB/);
    await expect(load({ size: 0 })).rejects.toThrow(/cache size is 0/);
    await expect(
      decodeDataset({ folder, items: [] }, { size: 8, labelSet: celebamask19, repair: false }),
    ).rejects.toThrow(/contains no images/);
  });

  it('stops when told to', async () => {
    const controller = new AbortController();
    const onProgress = () => controller.abort(new Error('enough'));
    await expect(load({ signal: controller.signal, onProgress, directory: join(folder, '.cache') })).rejects.toThrow(
      'enough',
    );
    expect(existsSync(join(folder, '.cache'))).toBe(false);
  });
});

describe('the copy on disk', () => {
  const directory = () => join(folder, '.cache');
  const files = async () => (await readdir(directory())).map((name) => join(directory(), name));

  /** Tells whether a load decoded: reading the copy reports once, decoding once a pair. */
  async function loadAndCount(change: Partial<Parameters<typeof decodeDataset>[1]> = {}) {
    let reports = 0;
    const loaded = await load({ directory: directory(), onProgress: () => reports++, ...change });
    return { loaded, decoded: reports > 1 };
  }

  it('is read instead of decoding, with the same bytes', async () => {
    const first = await loadAndCount();
    expect(first.decoded).toBe(true);
    const second = await loadAndCount();
    expect(second.decoded).toBe(false);
    expect(Buffer.from(second.loaded.buffer)).toEqual(Buffer.from(first.loaded.buffer));
    expect(await files()).toHaveLength(1);
  });

  it('holds what was repaired', async () => {
    const [first, second] = [await loadAndCount({ repair: true }), await loadAndCount({ repair: true })];
    expect([first.decoded, second.decoded]).toEqual([true, false]);
    expect([...second.loaded.repairs!]).toEqual([0, 0, repairKinds.whole]);
    expect(Buffer.from(second.loaded.buffer)).toEqual(Buffer.from(first.loaded.buffer));
  });

  it('is not used for other options or changed files', async () => {
    await loadAndCount();
    expect((await loadAndCount({ size: 4 })).decoded).toBe(true);
    expect((await loadAndCount({ repair: true })).decoded).toBe(true);
    expect((await loadAndCount({ resize: 'letterbox-area-bilinear' })).decoded).toBe(true);
    expect((await loadAndCount({ resize: 'stretch-area-bilinear' })).decoded).toBe(false);
    expect((await loadAndCount({ labelSet: face8, mergeTable: mergeTable(face8) })).decoded).toBe(true);
    await utimes(dataset.items[0].imagePath, 1, 1);
    expect((await loadAndCount()).decoded).toBe(true);
    expect((await loadAndCount()).decoded).toBe(false);
  });

  it('is made anew when it is damaged', async () => {
    const { loaded } = await loadAndCount();
    const [path] = await files();
    const good = await readFile(path);
    const flipped = Buffer.from(good);
    flipped[good.length - 100] ^= 1;
    const renamed = Buffer.from(good);
    renamed[30] ^= 1;
    const longer = Buffer.concat([good, Buffer.of(0)]);
    for (const bad of [flipped, renamed, longer, good.subarray(0, good.length - 1), Buffer.alloc(0)]) {
      await writeFile(path, bad);
      const again = await loadAndCount();
      expect(again.decoded).toBe(true);
      expect(Buffer.from(again.loaded.buffer)).toEqual(Buffer.from(loaded.buffer));
      expect(await readFile(path)).toEqual(good);
    }
  });

  it('says so when it cannot be written, and leaves nothing behind', async () => {
    await writeFile(directory(), 'a file, not a folder');
    await expect(loadAndCount()).rejects.toThrow(/image cache cannot be written to .*images-/);
    expect((await readdir(folder)).sort()).toEqual(['.cache', 'images', 'masks']);
  });
});

const realTrain = fileURLToPath(new URL('../../../../shared/data/celebamask-mini/train', import.meta.url));

// It may not be redistributed.
describe.skipIf(!existsSync(realTrain))('on celebamask-mini (skipped where ../shared/data is absent)', () => {
  it('loads real pairs with all their ids in range', async () => {
    const { folder: name, items } = await openDataset(realTrain);
    const some = { folder: name, items: items.slice(0, 20) };
    const loaded = await decodeDataset(some, { size: 512, labelSet: celebamask19, repair: true });
    const ids = new Set(some.items.flatMap((_, i) => [...new Set(decodedLabels(loaded, i).data)]));
    expect(Math.max(...ids)).toBeLessThan(19);
    expect(ids.size).toBeGreaterThan(10);
    for (let i = 0; i < 20; i++) expect(new Set(decodedPhoto(loaded, i).data).size).toBeGreaterThan(100);
  });
});
