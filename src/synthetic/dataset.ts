import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import sharp from 'sharp';
import { buildFolder } from '../files/build-folder.ts';
import { encodeLabelPng } from '../image/label-png.ts';
import { celebamask19 } from '../labels/celebamask-19.ts';
import { Random } from '../random/random.ts';
import { FaceparseError } from '../text/errors.ts';
import { drawSyntheticFace } from './face.ts';

const mostFaces = 100_000;

export interface SyntheticDatasetOptions {
  /** Parent of the split's folder; created if it does not exist. */
  readonly folder: string;
  readonly count: number;
  /** Side of the images in pixels. */
  readonly size: number;
  readonly seed: number;
  /** Name of the split and of its folder; every split has different faces. */
  readonly split: string;
  readonly onProgress?: (done: number, count: number) => void;
}

function requireOptions({ count, size, seed, split }: SyntheticDatasetOptions): void {
  const fail = (text: string): never => {
    throw new FaceparseError(text, { exitCode: 2 });
  };
  if (!Number.isInteger(count) || count < 1 || count > mostFaces) {
    fail(`the number of synthetic faces is ${count}; it must be an integer from 1 to ${mostFaces}`);
  }
  if (!Number.isInteger(size) || size < 16 || size > 2048) {
    fail(`the size of synthetic faces is ${size}; it must be an integer from 16 to 2048 pixels`);
  }
  if (!Number.isSafeInteger(seed) || seed < 0) {
    fail(`the seed of the synthetic faces is ${seed}; it must be an integer from 0 to 2^53-1`);
  }
  if (!/^[A-Za-z0-9][A-Za-z0-9_-]*$/.test(split)) {
    fail(`the split name is "${split}"; use letters, digits, - or _, as in train or val`);
  }
}

/**
 * Writes synthetic faces as a dataset: `<folder>/<split>/images/face-00012.jpg` (quality 92) and `masks/face-00012.png`
 * (palette PNG of celebamask-19 ids), and returns the split's folder.
 *
 * The folder appears under its final name only when it is complete.
 *
 * @throws FaceparseError if an option is out of range, or the split's folder is not empty
 *
 * @example await writeSyntheticDataset({ folder: 'data/demo', count: 200, size: 128, seed: 1, split: 'train' });
 */
export async function writeSyntheticDataset(options: SyntheticDatasetOptions): Promise<string> {
  requireOptions(options);
  const { folder, count, size, seed, split, onProgress } = options;
  const target = join(folder, split);
  await buildFolder(target, async (aside) => {
    await mkdir(join(aside, 'images'));
    await mkdir(join(aside, 'masks'));
    for (let index = 0; index < count; index++) {
      const { photo, labels } = drawSyntheticFace(new Random(seed, split, index).next(), size);
      const stem = `face-${String(index).padStart(5, '0')}`;
      const raw = { width: size, height: size, channels: 3 as const };
      await sharp(photo.data, { raw })
        .jpeg({ quality: 92 })
        .toFile(join(aside, 'images', `${stem}.jpg`));
      await writeFile(join(aside, 'masks', `${stem}.png`), encodeLabelPng(labels, celebamask19));
      onProgress?.(index + 1, count);
    }
  });
  return target;
}
