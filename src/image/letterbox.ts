import { ignoreLabel } from '../labels/label-set.ts';
import type { Steps } from '../scheduling/steps.ts';
import type { LabelMap, Photo } from './image.ts';
import { resizeLabels, resizePhotoSteps } from './resize.ts';

/** A rectangle of whole pixels. */
export interface Box {
  readonly x: number;
  readonly y: number;
  readonly width: number;
  readonly height: number;
}

/** The size of an image in pixels. */
export interface Extents {
  readonly width: number;
  readonly height: number;
}

/** The value of all channels in the padding: mid-grey, the same for every network, so that decoded images can be shared. */
export const paddingValue = 128;

/**
 * The width of the padding on each side of an axis. Both sides have the same width, so a mirrored photo has the same padding;
 * the aspect ratio may therefore be off by up to one pixel of the square. Exports compute the same in integers.
 */
function marginOf(extent: number, longest: number, size: number): number {
  const margin = Math.floor((size * (longest - extent) + longest) / (2 * longest));
  return Math.min(margin, Math.floor((size - 1) / 2));
}

/**
 * The part of a letterboxed size×size square that shows the image: centred, with the longer side as long as the square.
 *
 * @example letterboxOf({ width: 400, height: 200 }, 256) // { x: 0, y: 64, width: 256, height: 128 }
 */
export function letterboxOf({ width, height }: Extents, size: number): Box {
  const longest = Math.max(width, height);
  const [x, y] = [marginOf(width, longest, size), marginOf(height, longest, size)];
  return { x, y, width: size - 2 * x, height: size - 2 * y };
}

/** Fits a photo into a grey size×size square, resized by `resizePhoto`, in steps of one row. A square photo fills it. */
export function* letterboxPhotoSteps(photo: Photo, size: number): Steps<Photo> {
  const box = letterboxOf(photo, size);
  const inner = yield* resizePhotoSteps(photo, box.width, box.height);
  if (box.width === size && box.height === size) return inner;
  const data = new Uint8Array(size * size * 3).fill(paddingValue);
  for (let y = 0; y < box.height; y++) {
    const row = inner.data.subarray(y * box.width * 3, (y + 1) * box.width * 3);
    data.set(row, ((box.y + y) * size + box.x) * 3);
  }
  return { width: size, height: size, data };
}

/**
 * Fits a label map into a size×size square of ignored pixels (255), resized by nearest neighbour.
 *
 * @param shape size of the photo, if the mask may have another one; the mask covers what the photo does
 */
export function letterboxLabels(map: LabelMap, size: number, shape: Extents = map): LabelMap {
  const box = letterboxOf(shape, size);
  const inner = resizeLabels(map, box.width, box.height);
  const data = new Uint8Array(size * size).fill(ignoreLabel);
  for (let y = 0; y < box.height; y++) {
    data.set(inner.data.subarray(y * box.width, (y + 1) * box.width), (box.y + y) * size + box.x);
  }
  return { width: size, height: size, data };
}
