import { countOf } from './counts.ts';

const longestList = 10;

/**
 * Formats faults of files for one error: a single fault as it is, several as a list of the first ten with their number.
 *
 * @param where what the files belong to
 *
 * @example listFaults('data/val', ['a.png is empty', 'b.png is empty']) // '2 bad files in data/val:\n  a.png …\n  b.png …'
 */
export function listFaults(where: string, faults: readonly string[]): string {
  if (faults.length === 1) return faults[0];
  const shown = faults.slice(0, longestList).map((fault) => `  ${fault}`);
  const rest = faults.length - shown.length;
  return [
    `${countOf(faults.length, 'bad file')} in ${where}:`,
    ...shown,
    ...(rest > 0 ? [`  … and ${rest} more`] : []),
  ].join('\n');
}
