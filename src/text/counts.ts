/** Formats a count with thousands separators: `1,220,691`. */
export function formatCount(count: number): string {
  return count.toLocaleString('en-US');
}
