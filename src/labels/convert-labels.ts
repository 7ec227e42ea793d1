import { ignoreLabel, type LabelSet } from './label-set.ts';
import { mergeTable } from './merge.ts';

/** Number of classes of celebamask-19, from which every label set derives. */
const sourceClasses = 19;

/**
 * A table (256 entries) from the ids of one label set to those of another; undefined if a class of `from` would belong to
 * several classes of `to`, or only one of them ignores a class of celebamask-19.
 *
 * @example conversionTable(celebamask19, face8)?.[11] // 5: the upper lip belongs to the mouth
 * @example conversionTable(face8, celebamask19) // undefined: which eye would an eye be?
 */
export function conversionTable(from: LabelSet, to: LabelSet): Uint8Array | undefined {
  const [fromTable, toTable] = [mergeTable(from), mergeTable(to)];
  const table = new Uint8Array(256).fill(ignoreLabel);
  const isSet = new Uint8Array(256);
  for (let source = 0; source < sourceClasses; source++) {
    const [id, target] = [fromTable[source], toTable[source]];
    // A network was never taught what its set ignores, and predicts what the other ignores.
    if ((id === ignoreLabel) !== (target === ignoreLabel)) return undefined;
    if (id === ignoreLabel) continue;
    if (isSet[id] && table[id] !== target) return undefined;
    table[id] = target;
    isSet[id] = 1;
  }
  return table;
}

/**
 * The label set among the given ones into whose classes all others can be merged; the first if there are several, undefined
 * if there is none.
 *
 * @example coarsestLabelSet([celebamask19, face8])?.name // 'face-8'
 */
export function coarsestLabelSet(sets: readonly LabelSet[]): LabelSet | undefined {
  return sets.find((candidate) => sets.every((set) => conversionTable(set, candidate) !== undefined));
}
