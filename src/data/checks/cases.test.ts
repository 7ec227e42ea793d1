import { cp, mkdir, readdir, writeFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { jpegBytes, temporaryFolder } from '../../../test/dataset-fixture.ts';
import { readMask } from '../../image/read-image.ts';
import { celebamask19 } from '../../labels/celebamask-19.ts';
import { repairDataset } from '../dataset/repair.ts';
import { datasetStatistics } from '../dataset/statistics.ts';
import { checkDataset } from './check-dataset.ts';

const cases = join(import.meta.dirname, '../../../test/cases');

/** A dataset folder with the masks of a case, and noise as photos if the case is stored without them. */
async function datasetOf(name: string): Promise<string> {
  const folder = join(await temporaryFolder(), name);
  await cp(join(cases, name), folder, { recursive: true });
  await mkdir(join(folder, 'images'), { recursive: true });
  if ((await readdir(join(folder, 'images'))).length > 0) return folder;
  for (const [index, file] of (await readdir(join(folder, 'masks'))).entries()) {
    const { width, height } = await readMask(join(folder, 'masks', file));
    const photo = await jpegBytes(width, height, index);
    await writeFile(join(folder, 'images', `${basename(file, '.png')}.jpg`), photo);
  }
  return folder;
}

async function findingsOf(name: string): Promise<{ problems: string[]; swapped: number }> {
  const { problems, swapped, misplaced, duplicates } = await checkDataset(await datasetOf(name), celebamask19);
  expect(duplicates).toEqual([]);
  return {
    problems: problems.map(({ kind, file }) => `${kind} ${basename(file)}`),
    swapped: swapped.length + misplaced.length,
  };
}

describe('cases that people sent', () => {
  it.each([
    ['05-exif', ['exif-orientation sideways.png']],
    ['07-class-order', ['class-order masks']],
    ['09-binary-0-255', ['binary-mask a.png']],
    ['12-all-ignored', ['nothing-to-score 0.png']],
    ['12-ignore-and-absent', []],
  ])('%s', async (name, problems) => {
    expect(await findingsOf(name)).toEqual({ problems, swapped: 0 });
  });

  it('07-class-order is never repaired by swapping sides', async () => {
    const folder = await datasetOf('07-class-order');
    for (const swapSides of [false, true]) {
      await expect(repairDataset(folder, `${folder}-out`, celebamask19, { swapSides })).rejects.toThrow(
        /class order of face-parsing\.PyTorch .*; use faceparse data convert \S+ --from face-parsing\.pytorch/,
      );
    }
    expect(await readdir(join(folder, '..'))).toEqual(['07-class-order']);
  });

  it('12-ignore-and-absent: statistics leave 255 out', async () => {
    const { classes, pixels, ignoredPixels } = await datasetStatistics(
      await datasetOf('12-ignore-and-absent'),
      celebamask19,
    );
    expect(ignoredPixels).toBe(3 * 16128);
    expect(pixels).toBe(3 * (512 * 512 - 16128));
    expect(classes[1]).toMatchObject({ name: 'skin', pixels: 42553 + 44398 + 53008, images: 3 });
    expect(classes[1].share).toBeCloseTo((42553 + 44398 + 53008) / pixels, 12);
    expect(classes[14]).toMatchObject({ name: 'hat', images: 0, meanShareWherePresent: 0, medianPixels: 0 });
    expect(classes.reduce((sum, { share }) => sum + share, 0)).toBeCloseTo(1, 12);
  });

  it('12-all-ignored: an image without a pixel to score changes no share', async () => {
    const { classes, pixels, ignoredPixels, images } = await datasetStatistics(
      await datasetOf('12-all-ignored'),
      celebamask19,
    );
    expect({ images, pixels, ignoredPixels }).toEqual({ images: 2, pixels: 512 * 512, ignoredPixels: 512 * 512 });
    expect(classes[1].meanShareWherePresent).toBeCloseTo(44398 / 512 ** 2, 12);
  });
});
