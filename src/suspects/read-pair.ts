import type { DatasetItem } from '../data/dataset/dataset.ts';
import { detectSwap, repairSwap } from '../data/dataset/left-right.ts';
import { requireScorable } from '../evaluation/evaluate-parser.ts';
import type { LabelMap, Photo } from '../image/image.ts';
import { ImageError, readMask, readPhoto } from '../image/read-image.ts';
import { celebamask19 } from '../labels/celebamask-19.ts';
import { findUnknownId } from '../labels/known-id.ts';
import type { LabelSet } from '../labels/label-set.ts';
import { mergeTable } from '../labels/merge.ts';

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
  if (photo.width !== mask.width || photo.height !== mask.height) {
    throw new ImageError(
      item.maskPath!,
      `is ${mask.width}×${mask.height}, but its photo is ${photo.width}×${photo.height}`,
      'both must have the same size',
    );
  }
  // Merged masks contain celebamask-19 ids, which distinguish left and right.
  const fileSet = set.mergeFrom ? celebamask19 : set;
  const unknown = findUnknownId(mask.data, fileSet);
  if (unknown >= 0) {
    const reason = `has the label ${mask.data[unknown]}, which is not in ${fileSet.name}`;
    throw new ImageError(item.maskPath!, reason, 'correct the mask');
  }
  const table = mergeTable(set);
  const merged = (map: LabelMap): LabelMap => (set.mergeFrom ? { ...map, data: map.data.map((id) => table[id]) } : map);
  const truth = merged(mask);
  requireScorable(truth, item, set);
  const { pairs } = detectSwap(mask, fileSet);
  const repaired = merged(repairSwap(mask, fileSet));
  if (repaired.data.every((id, at) => id === truth.data[at])) return { photo, truth };
  const parts = pairs.map(([left]) => fileSet.classes[left].name.replace(/^l_/, ''));
  return { photo, truth, repaired: { truth: repaired, parts } };
}
