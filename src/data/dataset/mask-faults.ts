import type { LabelMap } from '../../image/image.ts';
import { celebamask19 } from '../../labels/celebamask-19.ts';
import { findUnknownId } from '../../labels/known-id.ts';
import { ignoreLabel, type LabelSet } from '../../labels/label-set.ts';
import { mergeTable } from '../../labels/merge.ts';

type Size = Pick<LabelMap, 'width' | 'height'>;

/** The label set of the masks of a dataset: datasets of merged labels contain masks of celebamask-19. */
export function fileLabelSet(set: LabelSet): LabelSet {
  return set.mergeFrom ? celebamask19 : set;
}

/** What is wrong with the ids of a mask, and how to fix it; undefined if all belong to the label set or are ignored. */
export function idFault(path: string, ids: Uint8Array, set: LabelSet): string | undefined {
  const unknown = findUnknownId(ids, set);
  if (unknown < 0) return undefined;
  const known = `the ids of ${set.name} are 0 to ${set.classes.length - 1}`;
  return `${path} has the label ${ids[unknown]}, but ${known}; correct the mask, or use its label set (data.labels)`;
}

/**
 * Why predictions cannot be scored with a mask, and how to fix it; undefined if they can.
 *
 * @param ids of the file, before a label set merges them
 *
 * @example scoringFault('a.png', mask.data, face8) // 'a.png has no pixel to score: all are 255 (ignored); redraw …'
 */
export function scoringFault(path: string, ids: Uint8Array, set: LabelSet): string | undefined {
  const unknown = idFault(path, ids, fileLabelSet(set));
  if (unknown !== undefined) return unknown;
  if (ids.every((id) => id === ignoreLabel)) {
    return `${path} has no pixel to score: all are ${ignoreLabel} (ignored); redraw the mask or remove the pair`;
  }
  const merged = mergeTable(set);
  if (set.mergeFrom && ids.every((id) => merged[id] === ignoreLabel)) {
    return `${path} has no pixel to score: ${set.name} drops all of its classes; remove the pair`;
  }
  return undefined;
}

/**
 * Why a prediction for a photo cannot be scored with its mask, and how to fix it; undefined if it can.
 *
 * @param mask as in the file, before a label set merges its ids
 */
export function pairFault(path: string, mask: LabelMap, photo: Size, set: LabelSet): string | undefined {
  if (mask.width === photo.width && mask.height === photo.height) return scoringFault(path, mask.data, set);
  const sizes = `is ${mask.width}×${mask.height}, but its photo is ${photo.width}×${photo.height}`;
  return `${path} ${sizes}; resize the photo to the mask, or the mask with nearest neighbour`;
}
