import { celebamask19 } from '../../labels/celebamask-19.ts';
import { ignoreLabel, type LabelSet } from '../../labels/label-set.ts';
import { agreesWithFace, contradictsFace, type IdMeasurements, leastMasks, majority } from './class-order.ts';

/** By how much the ids of masks are off: 1 too high, or 1 too low. */
export type IdShift = 1 | -1;

/** The id before a shift; 255 for ids that no shift gives. Background that was 1 too low has become 255. */
function unshift(id: number, shift: IdShift): number {
  if (shift === -1) return (id + 1) & 255;
  return id === 0 ? ignoreLabel : id - 1;
}

/** Whether every id can come from a label set by this shift, with the background among them. */
function canComeFrom({ count }: IdMeasurements, shift: IdShift, set: LabelSet): boolean {
  return count.every((pixels, id) => {
    if (pixels === 0 || (shift === 1 && id === ignoreLabel)) return true;
    const before = unshift(id, shift);
    return before < set.classes.length;
  });
}

/**
 * Detects masks in which every id is 1 too high or 1 too low.
 *
 * Ids are 1 too high if no mask has background (0), at least half have the id after the last one, and none looks like a face
 * as it is. Otherwise the anatomy decides, as in `detectClassOrder`: 60 % of the masks contradict a face as they are and agree
 * with one when the shift is undone.
 *
 * @returns undefined for masks with correct ids and in every case of doubt
 * @example detectShift(masks.map(measureIds), celebamask19) // 1: skin is stored as 2
 */
export function detectShift(measured: readonly IdMeasurements[], set: LabelSet): IdShift | undefined {
  if (measured.length === 0) return undefined;
  // The anatomy is described by the classes of celebamask-19.
  const verdicts = set.name === celebamask19.name ? measured.map(contradictsFace) : measured.map(() => undefined);
  const withNextId = measured.filter(({ count }) => count[set.classes.length] > 0).length;
  const high = measured.every((mask) => canComeFrom(mask, 1, set));
  if (high && 2 * withNextId >= measured.length && !verdicts.includes(false)) return 1;
  const judged = verdicts.filter((verdict) => verdict !== undefined).length;
  if (judged < leastMasks) return undefined;
  return ([1, -1] as const).find((shift) => {
    const table = Uint8Array.from({ length: 256 }, (_, id) => unshift(id, shift));
    const fits = (mask: IdMeasurements) => canComeFrom(mask, shift, set) && agreesWithFace(mask, table);
    return measured.filter((mask, index) => verdicts[index] && fits(mask)).length >= majority * judged;
  });
}
