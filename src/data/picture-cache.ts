import { FaceparseError } from '../errors.ts';
import { celebamask19 } from '../labels/celebamask-19.ts';
import { ignoreLabel, type LabelSet } from '../labels/label-set.ts';
import { resizeLabels, resizePhoto } from '../parser/resize.ts';
import { cacheBytes, cachedLabels, cachedPhoto, type PictureCache } from './cached-pictures.ts';
import type { Dataset, DatasetItem } from './dataset.ts';
import { repairSwap } from './left-right.ts';
import { describeCacheFile, readCacheFile, writeCacheFile } from './picture-cache-file.ts';
import { readMask, readPhoto } from './read-picture.ts';
import { type RunOptions, runConcurrently } from './run-concurrently.ts';

/** What `loadPictureCache` needs to know; progress counts pairs. */
export interface PictureCacheOptions extends RunOptions {
  /** Side of the cached pictures in pixels; pictures that are not square are stretched. */
  readonly size: number;
  /** The label set of the cached ids. */
  readonly labelSet: LabelSet;
  /** Whether masks whose left and right are swapped are put right (`repairSwap`). */
  readonly repair: boolean;
  /**
   * 256 entries from ids of the mask files to ids of `labelSet` (`mergeTable`); the files then hold celebamask-19.
   * Without it the files hold ids of `labelSet`.
   */
  readonly mergeTable?: Uint8Array;
  /** Folder for a copy on disk, which the next start reads instead of decoding. Without it nothing is written. */
  readonly directory?: string;
  /** Largest cache, in bytes. */
  readonly maxBytes?: number;
}

/** 24,000 pairs at 288², or 8,000 at 512². */
const defaultMaxBytes = 8 * 2 ** 30;

/** Photo and mask show the same scene, so their shapes agree up to rounding. */
const shapeTolerance = 0.02;

/**
 * Decodes every pair of a data set once: photos to size×size RGB (`resizePhoto`), masks to size×size ids (nearest).
 *
 * Masks are repaired and checked at their own size, before merging and resizing. With `directory` the result is also
 * kept in a file named after everything it depends on (names, sizes and times of the files, and the options); a file that is
 * damaged is decoded anew. Files of former options stay until somebody deletes the folder.
 *
 * @throws FaceparseError when a pair has no mask, a picture cannot be read, a mask holds an id that its label set does
 *   not know, photo and mask differ in shape, or the cache would be larger than `maxBytes` (default 8 GiB)
 *
 * @example
 * const cache = await loadPictureCache(await openDataset('data/train'), { size: 512, labelSet: celebamask19, repair: true });
 */
export async function loadPictureCache(dataset: Dataset, options: PictureCacheOptions): Promise<PictureCache> {
  const { size, labelSet, repair, mergeTable, directory, signal } = options;
  const cache: PictureCache = {
    labelSet: labelSet.name,
    size,
    stems: dataset.items.map((item) => item.stem),
    buffer: allocate(dataset, size, options.maxBytes ?? defaultMaxBytes),
  };
  const file = directory && (await describeCacheFile(dataset, { size, labelSet, repair, mergeTable }, directory));
  if (file && (await readCacheFile(file, cache.buffer, signal))) {
    options.onProgress?.(dataset.items.length, dataset.items.length);
    return cache;
  }
  await runConcurrently(dataset.items, (item, index) => decodePair(item, index, cache, options), options);
  if (file) await writeCacheFile(file, cache.buffer, signal);
  return cache;
}

function allocate(dataset: Dataset, size: number, maxBytes: number): SharedArrayBuffer {
  const count = dataset.items.length;
  if (count === 0) throw new FaceparseError(`${dataset.folder} holds no pictures.`);
  if (!Number.isInteger(size) || size < 1 || size > 16_384) {
    throw new FaceparseError(`The cache size is ${size}, but must be a whole number of pixels from 1 to 16384.`);
  }
  const bytes = cacheBytes(count, size);
  if (bytes > maxBytes) {
    throw new FaceparseError(
      `${dataset.folder}: ${count} pairs at ${size}×${size} need ${gibibytes(bytes)}, but the picture cache may hold ` +
        `${gibibytes(maxBytes)}. Choose a smaller cache size, or allow more.`,
    );
  }
  try {
    return new SharedArrayBuffer(bytes);
  } catch (cause) {
    throw new FaceparseError(
      `${dataset.folder}: there is no memory for a picture cache of ${gibibytes(bytes)}. Choose a smaller cache size.`,
      { cause },
    );
  }
}

function gibibytes(bytes: number): string {
  return `${(bytes / 2 ** 30).toFixed(2)} GiB`;
}

async function decodePair(
  item: DatasetItem,
  index: number,
  cache: PictureCache,
  options: PictureCacheOptions,
): Promise<void> {
  if (item.maskPath === undefined) {
    throw new FaceparseError(`${item.imagePath} has no mask, but every picture of a training set needs one.`);
  }
  const [photo, mask] = await Promise.all([readPhoto(item.imagePath), readMask(item.maskPath)]);
  if (Math.abs((mask.width * photo.height) / (mask.height * photo.width) - 1) > shapeTolerance) {
    throw new FaceparseError(
      `${item.maskPath} is ${mask.width}×${mask.height}, but its photo is ${photo.width}×${photo.height}: ` +
        'they must have the same shape. Is it the mask of another photo, or is the photo turned?',
    );
  }
  const { size, mergeTable, labelSet } = options;
  const fileSet = mergeTable ? celebamask19 : labelSet;
  checkIds(mask.data, fileSet, item.maskPath);
  const repaired = options.repair ? repairSwap(mask, fileSet) : mask;
  cachedPhoto(cache, index).data.set(resizePhoto(photo, size, size).data);
  const labels = resizeLabels(repaired, size, size).data;
  if (mergeTable) {
    for (let i = 0; i < labels.length; i++) labels[i] = mergeTable[labels[i]];
    checkIds(labels, labelSet, `${item.maskPath}, merged`);
  }
  cachedLabels(cache, index).data.set(labels);
}

function checkIds(ids: Uint8Array, set: LabelSet, where: string): void {
  const classes = set.classes.length;
  const stray = ids.findIndex((id) => id >= classes && id !== ignoreLabel);
  if (stray < 0) return;
  throw new FaceparseError(
    `${where}: pixel ${stray} has the value ${ids[stray]}, but ${set.name} has the ids 0 to ${classes - 1}. ` +
      'Correct the mask, or choose the label set that it was made with.',
  );
}
