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
  /** The folder that gets the split's folder; made if it is not there. */
  readonly folder: string;
  readonly count: number;
  /** Side of the images in pixels. */
  readonly size: number;
  readonly seed: number;
  /** Name of the split, also the name of its folder; every split has faces of its own. */
  readonly split: string;
  readonly onProgress?: (done: number, count: number) => void;
}

function requireOptions({ count, size, seed, split }: SyntheticDatasetOptions): void {
  const fail = (text: string): never => {
    throw new FaceparseError(text, { exitCode: 2 });
  };
  if (!Number.isInteger(count) || count < 1 || count > mostFaces) {
    fail(`the count of synthetic faces is ${count}, but must be a whole number from 1 to ${mostFaces}`);
  }
  if (!Number.isInteger(size) || size < 16 || size > 2048) {
    fail(`the size of synthetic faces is ${size}, but must be a whole number of pixels from 16 to 2048`);
  }
  if (!Number.isSafeInteger(seed) || seed < 0) {
    fail(`the seed of the synthetic faces is ${seed}, but must be a whole number from 0 to 2^53-1`);
  }
  if (!/^[A-Za-z0-9][A-Za-z0-9_-]*$/.test(split)) {
    fail(`the split is named "${split}", but must be letters, digits, - or _, such as train or val`);
  }
}

/**
 * Writes synthetic faces as a dataset: `<folder>/<split>/images/face-00012.jpg` (quality 92) and `masks/face-00012.png`
 * (palette PNG of celebamask-19 ids), and returns the split's folder.
 *
 * The folder appears under its name only when it is complete. Throws a FaceparseError for options out of range, and when
 * the split's folder already holds something.
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
