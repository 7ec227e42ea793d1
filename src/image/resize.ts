import { runSteps, type Steps } from '../scheduling/steps.ts';
import type { LabelMap, Photo } from './image.ts';

/** Maximum side of an output in pixels. */
const maxSide = 32_768;

/**
 * Added before rounding down: a half plus a margin, so that halves round up despite rounding errors. Halves are common
 * (512 to 384: one value in sixteen), and exports compute in other precisions.
 */
export const roundingOffset = 0.5 + 2 ** -14;

/** Source positions of every output position: `counts[i]` of them from `starts[i]`, with weights from `i * stride`. */
export interface AxisTaps {
  readonly starts: Int32Array;
  readonly counts: Int32Array;
  readonly weights: Float64Array;
  readonly stride: number;
  /** Sum of the weights of one output position. */
  readonly total: number;
}

/**
 * Resizes a photo: area averaging (exact box coverage) along an axis that shrinks, bilinear with half-pixel centres
 * along one that grows, rounded to the nearest integer, halves up. A 2:1 shrink is the mean of each 2×2 block.
 *
 * The aspect ratio is not preserved: a non-square image is stretched to a square target.
 *
 * @param photo H×W×3, 8-bit RGB
 * @returns a new photo, even if the size is unchanged
 * @throws RangeError if the target size is not positive whole numbers, or the data do not match the photo's size
 *
 * @example
 * const small = resizePhoto(photo, 256, 256);
 */
export function resizePhoto(photo: Photo, width: number, height: number): Photo {
  return runSteps(resizePhotoSteps(photo, width, height));
}

/** `resizePhoto` in steps of one row. */
export function* resizePhotoSteps(photo: Photo, width: number, height: number): Steps<Photo> {
  checkResize(photo, width, height);
  if (width === photo.width && height === photo.height) return { width, height, data: photo.data.slice() };

  const across = axisTaps(photo.width, width);
  const down = axisTaps(photo.height, height);
  const row = width * 3;
  const data = new Uint8Array(height * row);
  const sums = new Float64Array(row);
  // Rows are read in order. The last one of an output row may be the first one of the next, so the last two are kept.
  const kept = [
    { y: -1, values: new Float32Array(row) },
    { y: -1, values: new Float32Array(row) },
  ];
  for (let y = 0; y < height; y++) {
    sums.fill(0);
    for (let tap = 0; tap < down.counts[y]; tap++) {
      const from = down.starts[y] + tap;
      const slot = kept[from % 2];
      if (slot.y !== from) {
        narrowRow(photo.data, from * photo.width * 3, across, slot.values);
        slot.y = from;
        yield;
      }
      addRow(slot.values, down.weights[y * down.stride + tap], sums);
    }
    // Dividing once at the end keeps whole-number ratios exact: their weights are all 1.
    roundRow(sums, across.total * down.total, data, y * row);
    yield;
  }
  return { width, height, data };
}

/**
 * Resizes a label map by nearest neighbour with half-pixel centres: output `i` takes source `floor((i + 0.5) * scale)`.
 *
 * @param map H×W class ids
 * @returns a new map that contains only ids of the source
 * @throws RangeError if the target size is not positive whole numbers, or the data do not match the map's size
 */
export function resizeLabels(map: LabelMap, width: number, height: number): LabelMap {
  checkSizes('label map', map, 1, width, height);
  if (width === map.width && height === map.height) return { width, height, data: map.data.slice() };
  const data = new Uint8Array(width * height);
  const columns = nearestPositions(map.width, width);
  const rows = nearestPositions(map.height, height);
  for (let y = 0; y < height; y++) {
    const from = rows[y] * map.width;
    const to = y * width;
    for (let x = 0; x < width; x++) data[to + x] = map.data[from + columns[x]];
  }
  return { width, height, data };
}

/** Checks the arguments of `resizePhoto`. */
export function checkResize(photo: Photo, width: number, height: number): void {
  checkSizes('photo', photo, 3, width, height);
}

/** One row of W×3 bytes to width×3 weighted sums (not yet divided by the weights' total). */
function narrowRow(source: Uint8Array, row: number, taps: AxisTaps, result: Float32Array): void {
  const { starts, counts, weights, stride } = taps;
  let to = 0;
  for (let x = 0; x < counts.length; x++) {
    const first = row + starts[x] * 3;
    const last = first + (counts[x] - 1) * 3;
    // Pixels in the middle are covered whole: their weight is 1, and integers add faster.
    let red = 0;
    let green = 0;
    let blue = 0;
    for (let i = first + 3; i < last; i += 3) {
      red = (red + source[i]) | 0;
      green = (green + source[i + 1]) | 0;
      blue = (blue + source[i + 2]) | 0;
    }
    const weight = weights[x * stride];
    const lastWeight = last > first ? weights[x * stride + counts[x] - 1] : 0;
    result[to] = weight * source[first] + red + lastWeight * source[last];
    result[to + 1] = weight * source[first + 1] + green + lastWeight * source[last + 1];
    result[to + 2] = weight * source[first + 2] + blue + lastWeight * source[last + 2];
    to += 3;
  }
}

function addRow(row: Float32Array, weight: number, sums: Float64Array): void {
  for (let i = 0; i < sums.length; i++) sums[i] += weight * row[i];
}

function roundRow(sums: Float64Array, area: number, result: Uint8Array, to: number): void {
  for (let i = 0; i < sums.length; i++) result[to + i] = sums[i] / area + roundingOffset;
}

/** The taps along an axis that is resized by `resizePhoto`. */
export function axisTaps(from: number, to: number): AxisTaps {
  return to < from ? areaTaps(from, to) : bilinearTaps(from, to);
}

/** Output `i` covers the source interval [i·from/to, (i+1)·from/to); a weight is the covered part of a source pixel. */
function areaTaps(from: number, to: number): AxisTaps {
  const stride = Math.ceil(from / to) + 1;
  const starts = new Int32Array(to);
  const counts = new Int32Array(to);
  const weights = new Float64Array(to * stride);
  for (let i = 0; i < to; i++) {
    // Multiply before dividing, so that whole-number borders are exact.
    const begin = (i * from) / to;
    const end = ((i + 1) * from) / to;
    const first = Math.floor(begin);
    const last = Math.min(from, Math.ceil(end));
    starts[i] = first;
    counts[i] = last - first;
    for (let s = first; s < last; s++) weights[i * stride + s - first] = Math.min(end, s + 1) - Math.max(begin, s);
  }
  return { starts, counts, weights, stride, total: from / to };
}

function bilinearTaps(from: number, to: number): AxisTaps {
  const starts = new Int32Array(to);
  const counts = new Int32Array(to);
  const weights = new Float64Array(to * 2);
  for (let i = 0; i < to; i++) {
    const position = Math.min(from - 1, Math.max(0, ((2 * i + 1) * from) / (2 * to) - 0.5));
    const first = Math.floor(position);
    const fraction = position - first;
    starts[i] = first;
    counts[i] = fraction > 0 ? 2 : 1;
    weights[2 * i] = 1 - fraction;
    weights[2 * i + 1] = fraction;
  }
  return { starts, counts, weights, stride: 2, total: 1 };
}

function nearestPositions(from: number, to: number): Int32Array {
  const positions = new Int32Array(to);
  for (let i = 0; i < to; i++) positions[i] = Math.floor(((2 * i + 1) * from) / (2 * to));
  return positions;
}

function checkSizes(what: string, image: Photo | LabelMap, channels: number, width: number, height: number): void {
  if (image.width < 1 || image.height < 1 || image.data.length !== image.width * image.height * channels) {
    throw new RangeError(
      `A ${image.width}×${image.height} ${what} needs ${image.width * image.height * channels} bytes and at least one pixel, but has ${image.data.length} bytes.`,
    );
  }
  for (const side of [width, height]) {
    if (!Number.isInteger(side) || side < 1 || side > maxSide) {
      throw new RangeError(
        `A ${what} cannot be resized to ${width}×${height}: both sides must be whole numbers from 1 to ${maxSide}.`,
      );
    }
  }
}
