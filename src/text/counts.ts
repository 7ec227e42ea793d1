/** A count with thousands apart: `1,220,691`. */
export function formatCount(count: number): string {
  return count.toLocaleString('en-US');
}
