import { FaceparseError } from '../text/errors.ts';
import { celebamask19 } from './celebamask-19.ts';
import { face8 } from './face-8.ts';
import type { LabelSet } from './label-set.ts';

const labelSets: readonly LabelSet[] = [celebamask19, face8];

/** Names of all label sets, e.g. `['celebamask-19', 'face-8']`. */
export function listLabelSets(): string[] {
  return labelSets.map((set) => set.name);
}

/**
 * Returns the label set with that name.
 *
 * @throws FaceparseError that lists the valid names
 *
 * @example getLabelSet('face-8').classes.length // 8
 */
export function getLabelSet(name: string): LabelSet {
  const found = labelSets.find((set) => set.name === name);
  if (!found) {
    throw new FaceparseError(
      `unknown label set ${JSON.stringify(name)}; the label sets are ${listLabelSets().join(', ')}`,
      {
        exitCode: 2,
      },
    );
  }
  return found;
}
