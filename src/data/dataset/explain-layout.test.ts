import { mkdir, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { temporaryFolder } from '../../../test/dataset-fixture.ts';
import { openDataset } from './dataset.ts';

/** A folder DATA with these empty files; names alone are judged. */
async function folderWith(names: readonly string[]): Promise<string> {
  const folder = join(await temporaryFolder(), 'DATA');
  for (const name of names) {
    await mkdir(dirname(join(folder, name)), { recursive: true });
    await writeFile(join(folder, name), '');
  }
  return folder;
}

async function messageFor(names: readonly string[], inside = ''): Promise<string> {
  const folder = await folderWith(names);
  const error = await openDataset(join(folder, inside)).catch((reason) => reason);
  return String(error.message).replaceAll(folder, 'DATA');
}

const raw = ['CelebA-HQ-img/0.jpg', 'CelebAMask-HQ-mask-anno/0/00000_skin.png'];

describe('a dataset folder without images/', () => {
  it.each<[string, string[], string, string]>([
    [
      'the raw download',
      raw,
      '',
      'download of CelebAMask-HQ; make a dataset of it with faceparse data prepare DATA --out',
    ],
    ['a folder above it', raw.map((name) => `CelebAMask-HQ/${name}`), '', 'faceparse data prepare DATA --out'],
    ['a folder in it', raw, 'CelebA-HQ-img', 'faceparse data prepare DATA --out'],
    ['its zip in a folder', ['CelebAMask-HQ.zip'], '', 'faceparse data prepare DATA/CelebAMask-HQ.zip --out'],
    ['parts only', ['00000_skin.png', '00000_l_eye.png'], '', 'faceparse data prepare DATA --out'],
    ['photos only', ['a.jpg', 'b.jpg'], '', 'it contains 2 images directly (a.jpg, b.jpg); move the photos to images/'],
    ['photos for predict', ['a.jpg'], '', '(predict takes a folder of photos as it is)'],
    ['images/ itself', ['images/a.jpg', 'masks/a.png'], 'images', 'use DATA, the folder that contains images/'],
    ['masks/ itself', ['images/a.jpg', 'masks/a.png'], 'masks', 'use DATA, the folder that contains images/'],
    ['masks only', ['masks/a.png', 'masks/b.png'], '', 'contains only masks/ (2 images); put the photos in images/'],
    ['side by side', ['a.jpg', 'a.png'], '', 'it contains photos and masks side by side (a.jpg, a.png); move the'],
    ['side by side with a suffix', ['a.jpg', 'a_mask.png'], '', 'photos and masks side by side'],
    ['side by side as PNG', ['a.png', 'a_mask.png'], '', 'photos and masks side by side'],
    ['upper case', ['Images/a.jpg', 'Masks/a.png'], '', 'rename Images/ to images/ and Masks/ to masks/'],
    ['other names', ['photos/a.jpg', 'labels/a.png'], '', 'rename photos/ to images/ and labels/ to masks/'],
    ['nothing', ['notes.txt'], '', 'a dataset folder contains images/ (photos) and masks/ (PNG)'],
  ])('%s', async (_, names, inside, says) => {
    const message = await messageFor(names, inside);
    expect(message).toContain(' has no folder images/; ');
    expect(message).toContain(says);
  });
});

describe('photos and masks in other folders', () => {
  it.each<[string, string[], string]>([
    [
      'photos in subfolders',
      ['images/anna/1.jpg', 'images/ben/x/2.jpg', 'images/empty/notes.txt'],
      'DATA/images contains no photos, but its subfolders do: anna, ben; move the photos up into images/',
    ],
    [
      'masks in labels/',
      ['images/a.jpg', 'images/b.jpg', 'labels/a.png', 'labels/b.png'],
      'DATA has no masks: labels/ contains PNGs with the names of the photos; if they are the masks, rename labels/ to masks/',
    ],
    [
      'masks in Masks/, with a suffix',
      ['images/a.jpg', 'Annotations/a_mask.png'],
      'DATA has no masks: Annotations/ contains PNGs with the names of the photos; if they are the masks, rename Annotations/',
    ],
    [
      'masks in subfolders',
      ['images/a.jpg', 'masks/0/a.png'],
      'DATA has no masks: masks/ contains no masks, but its subfolders do: 0; move the masks up into masks/',
    ],
    ['other PNGs', ['images/a.jpg', 'labels/z.png', 'out/a.png'], 'DATA/masks is missing or contains no PNG'],
  ])('%s', async (_, names, says) => {
    expect(await messageFor(names)).toContain(says);
  });
});
