import type { LabelMap, Photo } from '../../image/image.ts';

/**
 * A data set decoded once, at one square size, in memory shared by threads (4 bytes per pixel).
 *
 * The buffer holds all photos (count × size × size × 3), then all label maps (count × size × size).
 * Created by `decodeDataset`. It is a plain object that can be passed to a worker.
 */
export interface DecodedDataset {
  /** Name of the label set that the ids belong to. */
  readonly labelSet: string;
  /** Side of every image, in pixels. */
  readonly size: number;
  /** File names without extension, one per pair. */
  readonly stems: readonly string[];
  readonly buffer: SharedArrayBuffer;
  /** What `repairSwap` exchanged in the mask of each pair, as a number of `repairKinds`; absent if masks are not repaired. */
  readonly repairs?: Uint8Array;
}

/** What was exchanged in a mask: nothing, left and right as a whole, or only a single part such as an ear. */
export const repairKinds = { none: 0, whole: 1, part: 2 } as const;

/** Returns the bytes of `count` decoded pairs at `size`. */
export function decodedBytes(count: number, size: number): number {
  return count * size * size * 4;
}

/** Returns the photo of a pair, without copying. */
export function decodedPhoto(decoded: DecodedDataset, index: number): Photo {
  const { size, buffer } = decoded;
  const bytes = size * size * 3;
  return { width: size, height: size, data: new Uint8Array(buffer, checkIndex(decoded, index) * bytes, bytes) };
}

/** Returns the label map of a pair, without copying. */
export function decodedLabels(decoded: DecodedDataset, index: number): LabelMap {
  const { size, stems, buffer } = decoded;
  const pixels = size * size;
  const start = stems.length * pixels * 3 + checkIndex(decoded, index) * pixels;
  return { width: size, height: size, data: new Uint8Array(buffer, start, pixels) };
}

function checkIndex(decoded: DecodedDataset, index: number): number {
  if (Number.isInteger(index) && index >= 0 && index < decoded.stems.length) return index;
  throw new RangeError(`Pair ${index} does not exist; the data set has pairs 0 to ${decoded.stems.length - 1}.`);
}
