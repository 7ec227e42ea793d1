import { mkdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { temporaryFolder } from '../../../test/dataset-fixture.ts';
import { listDatasetFiles, openDataset, resolveSplit } from './dataset.ts';
import { findMaskSuffix } from './mask-names.ts';

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

  test.each([
    ['_mask', ['0', '1', '10']],
    ['.jpg', ['0', '1', '10']],
    [' (mask)', ['a b', 'c']],
    ['_seg_v2', ['a_1', 'b_1']],
  ])('all masks may have the suffix %j', async (suffix, stems) => {
    const names = stems.flatMap((stem) => [`images/${stem}.jpg`, `masks/${stem}${suffix}.png`]);
    const folder = await touch(await temporaryFolder(), ...names);
    expect((await listDatasetFiles(folder)).maskSuffix).toBe(suffix);
    const { items } = await openDataset(folder);
    expect(items.map(({ stem }) => stem)).toEqual([...stems].sort());
    for (const { stem, maskPath } of items) expect(maskPath).toBe(join(folder, 'masks', `${stem}${suffix}.png`));
  });

  test.each([
    ['a_1_mask belongs to a_1, not to a', ['a', 'a_1'], ['a_1_mask'], '_mask'],
    ['most pairs count', ['a', 'a_1', 'b_1'], ['a_1_x', 'b_1_x'], '_x'],
    ['a mask that is named like a photo has no suffix', ['a', 'a_1'], ['a_1', 'a_1_1'], ''],
  ])('%s', (_, photos, masks, suffix) => {
    expect(findMaskSuffix(new Set(photos), masks)).toBe(suffix);
  });

  test('a name is no suffix of another: 1.jpg and 11.png are no pair', async () => {
    const folder = await touch(await temporaryFolder(), 'images/1.jpg', 'masks/11.png');
    await expect(openDataset(folder)).rejects.toThrow(/1 photo of 1 without a mask/);
  });

  test('accents may be composed in one name and decomposed in the other', async () => {
    const [composed, decomposed] = ['Zo\u00eb', 'Zoe\u0308'];
    for (const [photo, mask] of [
      [composed, decomposed],
      [decomposed, composed],
    ]) {
      const folder = await touch(await temporaryFolder(), `images/${photo}.jpg`, `masks/${mask}.png`);
      const { items } = await openDataset(folder);
      expect(items).toEqual([
        {
          stem: composed,
          imagePath: join(folder, 'images', `${photo}.jpg`),
          maskPath: join(folder, 'masks', `${mask}.png`),
        },
      ]);
    }
  });

  test('without requireMasks a test split opens', async () => {
    const folder = await touch(await temporaryFolder(), 'images/a.jpg');
    await rm(join(folder, 'masks'), { recursive: true });
    const { items } = await openDataset(folder, { requireMasks: false });
    expect(items).toEqual([{ stem: 'a', imagePath: join(folder, 'images/a.jpg') }]);
  });

  test.each<[string, string[], RegExp]>([
    ['empty folder', [], /images contains no photos; put photos there \(JPEG, PNG, WebP, AVIF, GIF, TIFF or BMP\)/],
    ['no masks at all', ['images/a.jpg'], /has no masks: .*masks is missing or contains no PNG/],
    [
      'photos without masks',
      ['images/a.jpg', 'images/b.jpg', 'images/c.jpg', 'images/d.jpg', 'images/e.jpg', 'masks/e.png'],
      /4 photos of 5 without a mask in masks\/: a, b, c and 1 more; add the masks or remove the photos/,
    ],
    [
      'masks that are not PNGs',
      ['images/a.jpg', 'masks/a.jpg'],
      /has no masks: .*; masks must be PNG, because lossy formats such as JPEG change class ids; not usable: a\.jpg/,
    ],
    [
      'one mask that is not a PNG',
      ['images/a.jpg', 'images/b.jpg', 'masks/a.png', 'masks/b.jpg'],
      /1 photo of 2 without a mask in masks\/: b; masks must be PNG/,
    ],
    [
      'some masks with a suffix',
      ['images/a.jpg', 'images/b.jpg', 'masks/a.png', 'masks/b_mask.png'],
      /1 photo of 2 without a mask in masks\/: b; masks\/ contains b_mask\.png; name each mask like its photo, or give all/,
    ],
    [
      'two masks for each photo',
      ['images/a.jpg', 'masks/a_mask.png', 'masks/a_color.png'],
      /without a mask in masks\/: a; masks\/ contains a_color\.png, a_mask\.png; name each/,
    ],
    [
      'masks with a prefix',
      ['images/a.jpg', 'masks/mask_a.png'],
      /without a mask in masks\/: a; masks\/ contains mask_a\.png; name each/,
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
    [
      'two masks with one stem',
      ['images/a.jpg', 'masks/a.png', 'masks/a.PNG'],
      /two masks with one name: .*a\.PNG and .*a\.png; keep one of each/,
    ],
    [
      'two masks with one stem in different normal forms',
      ['images/a.jpg', 'images/\u00e9.jpg', 'masks/a.png', 'masks/\u00e9.png', 'masks/e\u0301.png'],
      /two masks with one name: /,
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
    await expect(openDataset(join(root, 'train/masks'))).rejects.toThrow(
      /has no folder images\/; use .*train, the folder/,
    );
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
