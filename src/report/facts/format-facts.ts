import { countOf, formatCount } from '../../text/counts.ts';

/** F with the digits that leaderboards show. */
export function formatF(value: number): string {
  return value.toFixed(4);
}

/** A ratio in a table. */
export function formatRatio(value: number): string {
  return value.toFixed(3);
}

/** A share in percent with its significant digits and a no-break space: `31 %`, `0.3 %`, `0.013 %`. */
export function formatShare(share: number): string {
  return `${Number((share * 100).toPrecision(share >= 0.1 ? 3 : 2))}\u00a0%`;
}

/** A duration in a sentence: `45 seconds`, `12 minutes`, `3.4 hours`. */
export function formatTime(seconds: number): string {
  if (seconds < 90) return countOf(Math.round(seconds), 'second');
  if (seconds < 5400) return countOf(Math.round(seconds / 60), 'minute');
  return `${(seconds / 3600).toFixed(1)} hours`;
}

/** A difference in F in percentage points, with its sign: `+0.42`. */
export function formatPoints(difference: number): string {
  const text = Math.abs(difference * 100).toFixed(2);
  return Number(text) === 0 ? '0.00' : `${difference < 0 ? '−' : '+'}${text}`;
}

/** `the first 30 validation images` */
export function firstImages(count: number): string {
  return count === 1 ? 'the first validation image' : `the first ${formatCount(count)} validation images`;
}
