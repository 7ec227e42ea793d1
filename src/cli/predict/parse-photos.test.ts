import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import sharp from 'sharp';
import { expect, it } from 'vitest';
import { jpegBytes, temporaryFolder } from '../../../test/dataset-fixture.ts';
import { parsePhotos } from './parse-photos.ts';

const quiet = () => ({ signal: new AbortController().signal, onProgress: () => undefined });
const pause = (milliseconds: number) => new Promise((resolve) => setTimeout(resolve, milliseconds));

/** Photos of 10, 11, … pixels in width; `null` is a file that is no image. */
async function photosOf(widths: readonly (number | null)[]) {
  const folder = await temporaryFolder();
  return Promise.all(
    widths.map(async (width, index) => {
      const path = join(folder, `${index}.jpg`);
      await writeFile(path, width === null ? 'no image' : await jpegBytes(width, 8));
      return { path, stem: String(index) };
    }),
  );
}

it('gives results and failures in the order of the photos, whatever each takes', async () => {
  const files = await photosOf([10, null, 11, 12, null, 13]);
  const seen: number[] = [];
  const { results, failures } = await parsePhotos(
    files,
    async ({ photo, decode }) => {
      expect(decode).toBeGreaterThan(0);
      await pause(13 - photo.width);
      return photo.width;
    },
    { ...quiet(), onProgress: (done, total) => seen.push(done, total) },
  );
  expect(results).toEqual([10, 11, 12, 13]);
  expect(failures.map(({ file }) => file)).toEqual([files[1].path, files[4].path]);
  expect(seen).toEqual([1, 6, 2, 6, 3, 6, 4, 6, 5, 6, 6, 6]);
});

it('has several photos in progress, but a bounded number', async () => {
  const files = await photosOf(new Array(20).fill(8));
  let held = 0;
  let most = 0;
  await parsePhotos(
    files,
    async () => {
      most = Math.max(most, ++held);
      await pause(5);
      held--;
    },
    quiet(),
  );
  expect(most).toBeGreaterThan(2);
  expect(most).toBeLessThanOrEqual(8);
});

it('has large photos in progress by their pixels', async () => {
  const folder = await temporaryFolder();
  const path = join(folder, 'large.png');
  // 36 megapixels: two would exceed the limit.
  const image = sharp({ create: { width: 6000, height: 6000, channels: 3, background: 'tan' } });
  await writeFile(path, await image.png({ compressionLevel: 1 }).toBuffer());
  let held = 0;
  let most = 0;
  const files = ['a', 'b', 'c'].map((stem) => ({ path, stem }));
  await parsePhotos(
    files,
    async () => {
      most = Math.max(most, ++held);
      await pause(5);
      held--;
    },
    quiet(),
  );
  expect(most).toBe(1);
});

it('stops at an error that is not of the photo, completes what is in progress, and throws it', async () => {
  const files = await photosOf(new Array(30).fill(8));
  let begun = 0;
  let ended = 0;
  const work = async () => {
    const number = ++begun;
    await pause(2);
    ended++;
    if (number === 3) throw new Error('the disk is full');
  };
  await expect(parsePhotos(files, work, quiet())).rejects.toThrow('the disk is full');
  expect(begun).toBeLessThan(30);
  expect(ended).toBe(begun);
});

it('completes what is in progress when it is interrupted, and begins nothing more', async () => {
  const files = await photosOf(new Array(30).fill(8));
  const controller = new AbortController();
  let begun = 0;
  let ended = 0;
  const work = async () => {
    if (++begun === 4) controller.abort(new Error('interrupted'));
    await pause(2);
    ended++;
  };
  await expect(parsePhotos(files, work, { ...quiet(), signal: controller.signal })).rejects.toThrow('interrupted');
  expect(begun).toBeLessThan(30);
  expect(ended).toBe(begun);
});
