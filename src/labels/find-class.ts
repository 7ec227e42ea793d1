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
