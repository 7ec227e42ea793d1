import type { LabelMap, Photo } from './picture.ts';

/**
 * A data set decoded once, at one square size, in memory that threads share (4 bytes a pixel).
 *
 * The buffer holds all photos (count × size × size × 3), then all label maps (count × size × size).
 * Made by `loadPictureCache`; a plain object, so that it can be handed to a worker as it is.
 */
export interface PictureCache {
  /** Name of the label set that the ids belong to. */
  readonly labelSet: string;
  /** Side of every picture, in pixels. */
  readonly size: number;
  /** File names without extension, one a pair. */
  readonly stems: readonly string[];
  readonly buffer: SharedArrayBuffer;
}

/** Bytes of a cache of `count` pairs at `size`. */
export function cacheBytes(count: number, size: number): number {
  return count * size * size * 4;
}

/** The photo of a pair, without copying. */
export function cachedPhoto(cache: PictureCache, index: number): Photo {
  const { size, buffer } = cache;
  const bytes = size * size * 3;
  return { width: size, height: size, data: new Uint8Array(buffer, checkIndex(cache, index) * bytes, bytes) };
}

/** The label map of a pair, without copying. */
export function cachedLabels(cache: PictureCache, index: number): LabelMap {
  const { size, stems, buffer } = cache;
  const pixels = size * size;
  const start = stems.length * pixels * 3 + checkIndex(cache, index) * pixels;
  return { width: size, height: size, data: new Uint8Array(buffer, start, pixels) };
}

function checkIndex(cache: PictureCache, index: number): number {
  if (Number.isInteger(index) && index >= 0 && index < cache.stems.length) return index;
  throw new RangeError(`The picture cache holds pairs 0 to ${cache.stems.length - 1}; there is no pair ${index}.`);
}
