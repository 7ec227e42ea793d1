import { ignoreLabel } from '../labels/label-set.ts';

/**
 * Computes the most frequent class at each pixel over masks of one size: a baseline that ignores the image. Ties go to the
 * lower id. Pixels with id 255 are not counted; a pixel without counts is 0.
 *
 * @throws RangeError without masks, if their lengths differ, or if an id is not a class
 *
 * @example meanFacePrediction([Uint8Array.of(0, 1), Uint8Array.of(0, 2), Uint8Array.of(3, 2)], 4) // 0, 2
 */
export function meanFacePrediction(masks: readonly Uint8Array[], classes: number): Uint8Array {
  if (!Number.isInteger(classes) || classes < 1 || classes > ignoreLabel) {
    throw new RangeError(`the number of classes must be an integer from 1 to ${ignoreLabel}, not ${classes}`);
  }
  if (masks.length === 0) throw new RangeError('the mean face requires at least one mask');
  const pixels = masks[0].length;
  const votes = new Uint32Array(pixels * classes);
  for (const [index, mask] of masks.entries()) {
    if (mask.length !== pixels) {
      throw new RangeError(`mask ${index} has ${mask.length} pixels, but mask 0 has ${pixels}`);
    }
    for (let i = 0; i < pixels; i++) {
      if (mask[i] < classes) votes[i * classes + mask[i]] += 1;
      else if (mask[i] !== ignoreLabel) {
        throw new RangeError(`mask ${index} has class id ${mask[i]} at pixel ${i}, but ids are 0–${classes - 1}`);
      }
    }
  }
  const winners = new Uint8Array(pixels);
  for (let i = 0; i < pixels; i++) {
    let winner = 0;
    for (let id = 1; id < classes; id++) {
      if (votes[i * classes + id] > votes[i * classes + winner]) winner = id;
    }
    winners[i] = winner;
  }
  return winners;
}
