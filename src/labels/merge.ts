import { ignoreLabel, type LabelSet } from './label-set.ts';

const celebamaskClasses = 19;

/**
 * Table (256 entries) from a celebamask-19 id to the id in `set`; ids ≥ 19 map to 255, "ignore".
 * A set without `mergeFrom` is celebamask-19 itself, whose ids stay.
 *
 * @example mergeTable(face8)[11] // 5: the upper lip belongs to the mouth
 */
export function mergeTable(set: LabelSet): Uint8Array {
  const { mergeFrom } = set;
  if (mergeFrom && mergeFrom.length !== celebamaskClasses) {
    throw new Error(
      `label set ${set.name}: mergeFrom has ${mergeFrom.length} entries, wanted one for each of the ${celebamaskClasses} classes of celebamask-19`,
    );
  }
  const table = new Uint8Array(256).fill(ignoreLabel);
  for (let id = 0; id < celebamaskClasses; id++) table[id] = mergeFrom ? mergeFrom[id] : id;
  return table;
}
