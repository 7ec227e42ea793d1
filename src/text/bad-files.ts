import { countOf, formatCount } from './counts.ts';
import { FaceparseError } from './errors.ts';

const longestList = 10;

/**
 * An error about bad files: a single fault as it is, several as a list of the first ten with their number.
 *
 * @param where what the files belong to
 *
 * @example throw badFiles('data/val', ['a.png is empty', 'b.png is empty']) // '2 bad files in data/val:\n  a.png …\n  b.png …'
 */
export function badFiles(where: string, faults: readonly string[]): FaceparseError {
  if (faults.length === 1) return new FaceparseError(faults[0]);
  const shown = faults.slice(0, longestList);
  const rest = faults.length - shown.length;
  return new FaceparseError(`${countOf(faults.length, 'bad file')} in ${where}:`, {
    faults: [...shown, ...(rest > 0 ? [`… and ${formatCount(rest)} more`] : [])],
  });
}
