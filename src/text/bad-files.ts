import { countOf } from './counts.ts';
import { FaceparseError } from './errors.ts';
import { firstFaults } from './first-faults.ts';

/**
 * An error about bad files: a single fault as it is, several as a list of the first ten with their number.
 *
 * @param where what the files belong to
 *
 * @example throw badFiles('data/val', ['a.png is empty', 'b.png is empty']) // '2 bad files in data/val:\n  a.png …\n  b.png …'
 */
export function badFiles(where: string, faults: readonly string[]): FaceparseError {
  if (faults.length === 1) return new FaceparseError(faults[0]);
  return new FaceparseError(`${countOf(faults.length, 'bad file')} in ${where}:`, { faults: firstFaults(faults) });
}
