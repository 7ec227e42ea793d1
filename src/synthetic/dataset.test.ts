import { existsSync } from 'node:fs';
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { decodePalettePng } from '../formats/png/palette-png.ts';
import { readPhoto } from '../image/read-image.ts';
import { celebamask19 } from '../labels/celebamask-19.ts';
import { FaceparseError } from '../text/errors.ts';
import { writeSyntheticDataset } from './dataset.ts';

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'faceparse-synthetic-'));
});
afterEach(() => rm(folder, { recursive: true, force: true }));

describe('writeSyntheticDataset', () => {
  it('writes pairs of photos and palette masks', async () => {
    const target = await writeSyntheticDataset({ folder, count: 3, size: 32, seed: 1, split: 'train' });
    expect(target).toBe(join(folder, 'train'));
    expect(await readdir(join(target, 'images'))).toEqual(['face-00000.jpg', 'face-00001.jpg', 'face-00002.jpg']);
    expect(await readdir(join(target, 'masks'))).toEqual(['face-00000.png', 'face-00001.png', 'face-00002.png']);
    const photo = await readPhoto(join(target, 'images', 'face-00002.jpg'));
    const mask = decodePalettePng(await readFile(join(target, 'masks', 'face-00002.png')));
    expect([photo.width, photo.height, mask.width, mask.height]).toEqual([32, 32, 32, 32]);
    expect(Math.max(...mask.data)).toBeLessThan(19);
    expect(mask.palette.slice(0, 19)).toEqual(celebamask19.classes.map(({ color }) => [...color]));
  });

  it('draws the same faces again for the same seed and split, and others for another split', async () => {
    const mask = (split: string) => readFile(join(folder, split, 'masks', 'face-00000.png'));
    const options = { count: 1, size: 32, seed: 5 };
    await writeSyntheticDataset({ ...options, folder, split: 'train' });
    await writeSyntheticDataset({ ...options, folder, split: 'val' });
    await writeSyntheticDataset({ ...options, folder: join(folder, 'again'), split: 'train' });
    expect(await mask('again/train')).toEqual(await mask('train'));
    expect(await mask('val')).not.toEqual(await mask('train'));
  });

  it('leaves nothing behind when it is interrupted', async () => {
    const stop = (done: number) => {
      if (done === 2) throw new Error('interrupted');
    };
    const write = writeSyntheticDataset({ folder, count: 4, size: 16, seed: 1, split: 'train', onProgress: stop });
    await expect(write).rejects.toThrow('interrupted');
    expect(await readdir(folder)).toEqual([]);
  });

  it('refuses a split that is there, and leaves it alone', async () => {
    await writeSyntheticDataset({ folder, count: 1, size: 16, seed: 1, split: 'train' });
    const before = await readFile(join(folder, 'train', 'images', 'face-00000.jpg'));
    const again = writeSyntheticDataset({ folder, count: 1, size: 16, seed: 2, split: 'train' });
    await expect(again).rejects.toBeInstanceOf(FaceparseError);
    expect(await readFile(join(folder, 'train', 'images', 'face-00000.jpg'))).toEqual(before);
  });

  it.each([
    ['count', { count: 0 }, /number of synthetic faces is 0/],
    ['size', { size: 1e6 }, /size of synthetic faces is 1000000/],
    ['seed', { seed: -3 }, /seed of the synthetic faces is -3/],
    ['split', { split: '../train' }, /split name is "..\/train"/],
  ])('refuses a bad %s before it writes', async (_name, change, message) => {
    const options = { folder: join(folder, 'new'), count: 1, size: 16, seed: 1, split: 'train', ...change };
    await expect(writeSyntheticDataset(options)).rejects.toThrow(message);
    expect(existsSync(join(folder, 'new'))).toBe(false);
  });
});
