import { mkdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { temporaryFolder } from '../../../test/dataset-fixture.ts';
import { openDataset, resolveSplit } from './dataset.ts';

/** Empty files: opening a dataset looks at names only. */
async function touch(folder: string, ...names: string[]): Promise<string> {
  await mkdir(join(folder, 'images'), { recursive: true });
  await mkdir(join(folder, 'masks'), { recursive: true });
  for (const name of names) await writeFile(join(folder, name), '');
  return folder;
}

describe('openDataset', () => {
  test('pairs photos of every format with masks, sorted by stem, and passes over other files', async () => {
    const names = ['b.jpeg', 'a.JPG', 'c.d.webp', 'b-2.png', '._a.jpg', 'notes.txt'].map((name) => `images/${name}`);
    const masks = ['a', 'b', 'b-2', 'c.d'].map((stem) => `masks/${stem}.png`);
    const folder = await touch(await temporaryFolder(), ...names, ...masks);
    const dataset = await openDataset(folder);
    expect(dataset.items.map((item) => item.stem)).toEqual(['a', 'b', 'b-2', 'c.d']);
    expect(dataset.items[0]).toEqual({
      stem: 'a',
      imagePath: join(folder, 'images/a.JPG'),
      maskPath: join(folder, 'masks/a.png'),
    });
  });

  test('without requireMasks a test split opens', async () => {
    const folder = await touch(await temporaryFolder(), 'images/a.jpg');
    await rm(join(folder, 'masks'), { recursive: true });
    const { items } = await openDataset(folder, { requireMasks: false });
    expect(items).toEqual([{ stem: 'a', imagePath: join(folder, 'images/a.jpg') }]);
  });

  test.each<[string, string[], RegExp]>([
    ['empty folder', [], /images contains no photos; put photos there \(jpg, jpeg, png, webp\)/],
    ['no masks at all', ['images/a.jpg'], /has no masks: .*masks is missing or contains no PNG/],
    [
      'photos without masks',
      ['images/a.jpg', 'images/b.jpg', 'images/c.jpg', 'images/d.jpg', 'images/e.jpg', 'masks/e.png'],
      /4 photos of 5 without a mask in masks\/: a, b, c and 1 more; add the masks or remove the photos/,
    ],
    [
      'mask without photo',
      ['images/a.jpg', 'masks/a.png', 'masks/z.png'],
      /1 mask of 2 without a photo in images\/: z; add the photos or remove the masks/,
    ],
    [
      'two photos with one stem',
      ['images/a.jpg', 'images/a.png', 'masks/a.png'],
      /two photos with one name: .*a\.jpg and .*a\.png; keep one of each/,
    ],
  ])('%s', async (_, names, message) => {
    const folder = await touch(await temporaryFolder(), ...names);
    await expect(openDataset(folder)).rejects.toThrow(message);
    await expect(openDataset(folder)).rejects.toMatchObject({ name: 'FaceparseError' });
  });

  test('missing folder, file, and the level above', async () => {
    const root = await temporaryFolder();
    await touch(join(root, 'train'), 'file');
    await expect(openDataset(join(root, 'none'))).rejects.toThrow(/folder .*none not found; check the path/);
    await expect(openDataset(join(root, 'train/file'))).rejects.toThrow(/is a file, not a folder/);
    await expect(openDataset(root)).rejects.toThrow(/contains the splits train; use one of them, e\.g\. .*train/);
    await expect(openDataset(join(root, 'train/masks'))).rejects.toThrow(/has no folder images\/; a dataset folder/);
  });
});

describe('resolveSplit', () => {
  test('joins the split, and explains the wrong level', async () => {
    const root = await temporaryFolder();
    await touch(join(root, 'train'));
    await touch(join(root, 'val'));
    expect(await resolveSplit(root, 'val')).toBe(join(root, 'val'));
    await expect(resolveSplit(root, 'test')).rejects.toThrow(/no split "test" in .*; available splits: train, val/);
    await expect(resolveSplit(join(root, 'train'), 'train')).rejects.toThrow(
      /it is itself a split; use its parent folder/,
    );
    await expect(resolveSplit(join(root, 'train/images'), 'train')).rejects.toThrow(/a data folder contains train\//);
    await expect(resolveSplit(join(root, 'none'), 'train')).rejects.toMatchObject({ exitCode: 2 });
  });
});
