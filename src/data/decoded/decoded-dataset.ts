import type { LabelMap, Photo } from '../../image/image.ts';

/**
 * A data set decoded once, at one square size, in memory that threads share (4 bytes a pixel).
 *
 * The buffer holds all photos (count × size × size × 3), then all label maps (count × size × size).
 * Made by `decodeDataset`; a plain object, so that it can be handed to a worker as it is.
 */
export interface DecodedDataset {
  /** Name of the label set that the ids belong to. */
  readonly labelSet: string;
  /** Side of every image, in pixels. */
  readonly size: number;
  /** File names without extension, one a pair. */
  readonly stems: readonly string[];
  readonly buffer: SharedArrayBuffer;
}

/** Bytes of a cache of `count` pairs at `size`. */
export function decodedBytes(count: number, size: number): number {
  return count * size * size * 4;
}

/** The photo of a pair, without copying. */
export function decodedPhoto(cache: DecodedDataset, index: number): Photo {
  const { size, buffer } = cache;
  const bytes = size * size * 3;
  return { width: size, height: size, data: new Uint8Array(buffer, checkIndex(cache, index) * bytes, bytes) };
}

/** The label map of a pair, without copying. */
export function decodedLabels(cache: DecodedDataset, index: number): LabelMap {
  const { size, stems, buffer } = cache;
  const pixels = size * size;
  const start = stems.length * pixels * 3 + checkIndex(cache, index) * pixels;
  return { width: size, height: size, data: new Uint8Array(buffer, start, pixels) };
}

function checkIndex(cache: DecodedDataset, index: number): number {
  if (Number.isInteger(index) && index >= 0 && index < cache.stems.length) return index;
  throw new RangeError(`The image cache holds pairs 0 to ${cache.stems.length - 1}; there is no pair ${index}.`);
}
