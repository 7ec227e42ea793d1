import { editDistance } from '../text/edit-distance.ts';
import { FaceparseError } from '../text/errors.ts';
import type { LabelClass, LabelSet } from './label-set.ts';

/**
 * The class of that name.
 *
 * @throws FaceparseError (exit code 2) that names a similar class, or else all there are
 *
 * @example findClass(celebamask19, 'hat').id // 14
 */
export function findClass(set: LabelSet, name: string): LabelClass {
  const found = set.classes.find((entry) => entry.name === name);
  if (found) return found;
  // Hostile input may have names of megabytes, and the distance is quadratic.
  const edits = (other: string) => (name.length > 100 ? Number.POSITIVE_INFINITY : editDistance(name, other));
  const names = set.classes.map((entry) => entry.name);
  const nearest = names.reduce((best, other) => (edits(other) < edits(best) ? other : best));
  const similar = edits(nearest) <= Math.max(1, Math.floor(name.length / 3));
  const hint = similar ? `did you mean '${nearest}'?` : `its classes are ${names.join(', ')}`;
  throw new FaceparseError(`${set.name} has no class '${name.slice(0, 80)}'; ${hint}`, { exitCode: 2 });
}
