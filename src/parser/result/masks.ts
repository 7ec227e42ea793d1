import type { Extents } from '../../image/letterbox.ts';
import type { Steps } from '../../scheduling/steps.ts';
import type { ScoreField } from './score-field.ts';

/** The pixels of one face: those whose owner is 1 + `index`. */
export interface OwnedPixels {
  readonly owners: Uint8Array;
  readonly index: number;
}

/** 255 where the label is one of the classes, in steps of one row. */
export function* hardMaskSteps(
  labels: Uint8Array,
  ids: readonly number[],
  { width, height }: Extents,
  owned?: OwnedPixels,
): Steps<Uint8Array> {
  const values = new Uint8Array(256);
  for (const id of ids) values[id] = 255;
  const mask = new Uint8Array(width * height);
  for (let y = 0; y < height; y++) {
    for (let i = y * width; i < (y + 1) * width; i++) {
      if (!owned || owned.owners[i] === owned.index + 1) mask[i] = values[labels[i]];
    }
    yield;
  }
  return mask;
}

/**
 * The probability of any of the classes from 0 to 255, in steps of one row. On pixels of no grid, only the background (id 0)
 * is probable.
 *
 * @param probabilities of each grid, C×h×w
 */
export function* softMaskSteps(
  probabilities: readonly Float32Array[],
  field: ScoreField,
  ids: readonly number[],
  { width, height }: Extents,
): Steps<Uint8Array> {
  const planes: { readonly data: Float32Array; readonly start: number }[] = [];
  for (const [index, { shape }] of field.grids.entries()) {
    const data = new Float32Array(shape[1] * shape[2]);
    for (const id of ids) {
      const start = id * data.length;
      for (let i = 0; i < data.length; i++) data[i] += probabilities[index][start + i];
      yield;
    }
    planes.push({ data, start: 0 });
  }
  const outside = ids.includes(0) ? 1 : 0;
  const row = new Float32Array(width);
  const mask = new Uint8Array(width * height);
  for (let y = 0; y < height; y++) {
    field.writeRow(planes, outside, y, row);
    // Sums of probabilities may exceed 1 by rounding, by less than half a level.
    for (let x = 0; x < width; x++) mask[y * width + x] = row[x] * 255 + 0.5;
    yield;
  }
  return mask;
}
