import type { LabelSet } from './label-set.ts';

/**
 * Returns a table (256 entries) from class ids to ids in the horizontally flipped image; ids without a pair map to themselves.
 *
 * @example mirrorTable(celebamask19)[4] // 5: the left eye becomes the right one
 */
export function mirrorTable(set: LabelSet): Uint8Array {
  const table = Uint8Array.from({ length: 256 }, (_, id) => id);
  for (const [left, right] of set.mirrorPairs) {
    table[left] = right;
    table[right] = left;
  }
  return table;
}
