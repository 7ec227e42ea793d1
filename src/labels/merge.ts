import { ignoreLabel, type LabelSet } from './label-set.ts';

const celebamaskClasses = 19;

/**
 * Returns a table (256 entries) from celebamask-19 ids to ids of `set`; ids ≥ 19 map to 255 (ignored).
 * For celebamask-19 itself, which has no `mergeFrom`, ids are unchanged.
 *
 * @example mergeTable(face8)[11] // 5: the upper lip belongs to the mouth
 */
export function mergeTable(set: LabelSet): Uint8Array {
  const { mergeFrom } = set;
  if (mergeFrom && mergeFrom.length !== celebamaskClasses) {
    throw new Error(
      `label set ${set.name}: mergeFrom has ${mergeFrom.length} entries; expected one for each of the ${celebamaskClasses} classes of celebamask-19`,
    );
  }
  const table = new Uint8Array(256).fill(ignoreLabel);
  for (let id = 0; id < celebamaskClasses; id++) table[id] = mergeFrom ? mergeFrom[id] : id;
  return table;
}
