/**
 * Formats a difference of scores as signed percentage points.
 *
 * @example formatPoints(-0.0035) // '−0.35'
 */
export function formatPoints(difference: number): string {
  const text = (Math.abs(difference) * 100).toFixed(2);
  return `${Number(text) === 0 ? '±' : difference < 0 ? '−' : '+'}${text}`;
}
