import { formatCount } from './counts.ts';

const shown = 10;

/**
 * The first ten faults for an error that lists them, with the number of the rest.
 *
 * @example firstFaults(lines) // the first ten lines, then '… and 3 more'
 */
export function firstFaults(faults: readonly string[]): string[] {
  const first = faults.slice(0, shown);
  return faults.length > shown ? [...first, `… and ${formatCount(faults.length - shown)} more`] : first;
}
