import { describeValue } from '../text/describe-value.ts';
import { FaceparseError } from '../text/errors.ts';
import { suggestName } from '../text/similar-names.ts';
import type { LabelClass, LabelSet } from './label-set.ts';

/**
 * Returns the class with that name.
 *
 * @throws FaceparseError (exit code 2) that suggests a similar name or lists all classes
 *
 * @example findClass(celebamask19, 'hat').id // 14
 */
export function findClass(set: LabelSet, name: string): LabelClass {
  const found = set.classes.find((entry) => entry.name === name);
  if (found) return found;
  const names = set.classes.map((entry) => entry.name);
  const hint = suggestName(name, names, `its classes are ${names.join(', ')}`);
  throw new FaceparseError(`${set.name} has no class '${name.slice(0, 80)}'; ${hint}`, { exitCode: 2 });
}

/** Classes by name or id. */
export type ClassChoice = string | number | readonly (string | number)[];

/**
 * The ids of classes that are given by name or id, each once.
 *
 * @throws FaceparseError (exit code 2) for a class that the set does not have, or where none is given
 *
 * @example findClasses(celebamask19, ['u_lip', 'l_lip']) // [12, 13]
 */
export function findClasses(set: LabelSet, classes: ClassChoice): number[] {
  const wanted = typeof classes === 'string' || typeof classes === 'number' ? [classes] : classes;
  if (!Array.isArray(wanted)) throw noClass(classes);
  if (wanted.length === 0) throw new FaceparseError('no class is given; name at least one', { exitCode: 2 });
  const ids = wanted.map((given: unknown) => {
    if (typeof given === 'string') return findClass(set, given).id;
    if (typeof given !== 'number') throw noClass(given);
    if (set.classes.some(({ id }) => id === given)) return given;
    throw new FaceparseError(
      `${set.name} has no class with the id ${given}; its ids are 0 to ${set.classes.length - 1}`,
      {
        exitCode: 2,
      },
    );
  });
  return [...new Set(ids)];
}

function noClass(given: unknown): FaceparseError {
  return new FaceparseError(`a class is a name or an id, not ${describeValue(given)}`, { exitCode: 2 });
}
