/** Formats a count with thousands separators: `1,220,691`. */
export function formatCount(count: number): string {
  return count.toLocaleString('en-US');
}

/**
 * A count with its noun.
 *
 * @example countOf(1, 'epoch') // '1 epoch'
 * @example countOf(1200, 'class', 'classes') // '1,200 classes'
 */
export function countOf(count: number, noun: string, plural = `${noun}s`): string {
  return `${formatCount(count)} ${count === 1 ? noun : plural}`;
}
