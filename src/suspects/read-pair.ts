import type { DatasetItem } from '../data/dataset/dataset.ts';
import { detectSwap, repairSwap } from '../data/dataset/left-right.ts';
import { fileLabelSet, pairFault } from '../data/dataset/mask-faults.ts';
import type { LabelMap, Photo } from '../image/image.ts';
import { readMask, readPhoto } from '../image/read-image.ts';
import type { LabelSet } from '../labels/label-set.ts';
import { mergeTable } from '../labels/merge.ts';
import { FaceparseError } from '../text/errors.ts';

/** A pair as it is in its files. */
export interface JudgedPair {
  readonly photo: Photo;
  /** The mask in ids of the label set. */
  readonly truth: LabelMap;
  /** The mask after the repair of training, and the parts that it exchanges; absent if it changes nothing. */
  readonly repaired?: { readonly truth: LabelMap; readonly parts: readonly string[] };
}

/**
 * Reads a pair without changing it.
 *
 * @throws FaceparseError if a file cannot be read, photo and mask differ in size, or the mask has a label outside the set or no
 *   pixel that counts
 */
export async function readJudgedPair(item: DatasetItem, set: LabelSet): Promise<JudgedPair> {
  const [photo, mask] = await Promise.all([readPhoto(item.imagePath), readMask(item.maskPath!)]);
  const fault = pairFault(item.maskPath!, mask, photo, set);
  if (fault !== undefined) throw new FaceparseError(fault);
  const fileSet = fileLabelSet(set);
  const table = mergeTable(set);
  const merged = (map: LabelMap): LabelMap => (set.mergeFrom ? { ...map, data: map.data.map((id) => table[id]) } : map);
  const truth = merged(mask);
  const { pairs } = detectSwap(mask, fileSet);
  const repaired = merged(repairSwap(mask, fileSet));
  if (repaired.data.every((id, at) => id === truth.data[at])) return { photo, truth };
  const parts = pairs.map(([left]) => fileSet.classes[left].name.replace(/^l_/, ''));
  return { photo, truth, repaired: { truth: repaired, parts } };
}
