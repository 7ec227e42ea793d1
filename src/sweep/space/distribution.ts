import type { Random } from '../../random/random.ts';

/** A distribution of values of one configuration key. Both ends of a range belong to it. */
export type Distribution =
  | { readonly kind: 'choice'; readonly values: readonly unknown[] }
  | { readonly kind: 'uniform' | 'int'; readonly low: number; readonly high: number; readonly step?: number }
  | { readonly kind: 'logUniform' | 'logInt'; readonly low: number; readonly high: number };

/** A range with at most this many values is drawn like a list of choices. */
const mostListed = 1000;

/** Digits of a drawn number: no score depends on more, and commands stay readable. */
const digits = 4;

/** The step of a range that consists of single values; undefined if it is continuous. */
function stepOf(distribution: Distribution): number | undefined {
  if (distribution.kind === 'int') return distribution.step ?? 1;
  return distribution.kind === 'uniform' ? distribution.step : undefined;
}

/**
 * All values of a distribution that has equally likely single values; undefined for others, and for more than 1000 values.
 *
 * @example valuesOf({ kind: 'int', low: 2, high: 8, step: 3 }) // [2, 5, 8]
 */
export function valuesOf(distribution: Distribution): readonly unknown[] | undefined {
  if (distribution.kind === 'choice') return distribution.values;
  const step = stepOf(distribution);
  if (step === undefined) return undefined;
  // 0.1 + 0.2 is one step too few otherwise.
  const count = Math.floor((distribution.high - distribution.low) / step + 1e-9) + 1;
  if (count > mostListed) return undefined;
  return Array.from({ length: count }, (_, index) => Number((distribution.low + index * step).toPrecision(12)));
}

/** Rounds to four digits without leaving the range. */
function round(value: number, low: number, high: number): number {
  return Math.min(high, Math.max(low, Number(value.toPrecision(digits))));
}

/**
 * Draws a value. Continuous ones are rounded to four significant digits.
 *
 * @example drawValue({ kind: 'logUniform', low: 1e-4, high: 1e-2 }, new Random(7)) // 0.0003412
 */
export function drawValue(distribution: Distribution, random: Random): unknown {
  const values = valuesOf(distribution);
  if (values) return values[random.integer(values.length)];
  if (distribution.kind === 'choice') throw new RangeError('a choice has values');
  const { kind, low, high } = distribution;
  const step = stepOf(distribution);
  if (step !== undefined) {
    const count = Math.floor((high - low) / step + 1e-9) + 1;
    return Number((low + random.integer(count) * step).toPrecision(12));
  }
  if (kind === 'uniform') return round(random.uniform(low, high), low, high);
  if (kind === 'logUniform') return round(Math.exp(random.uniform(Math.log(low), Math.log(high))), low, high);
  // The interval of a whole number n is [n, n + 1), so that the last one gets its share.
  return Math.min(high, Math.floor(Math.exp(random.uniform(Math.log(low), Math.log(high + 1)))));
}

/**
 * The position of a number in a range from 0 to 1, on a logarithmic scale for the distributions that have one.
 *
 * @example positionOf({ kind: 'logUniform', low: 1e-4, high: 1e-2 }, 1e-3) // 0.5
 */
export function positionOf(distribution: Exclude<Distribution, { kind: 'choice' }>, value: number): number {
  const { kind, low, high } = distribution;
  const scale = kind.startsWith('log') ? Math.log : (x: number) => x;
  return (scale(value) - scale(low)) / (scale(high) - scale(low));
}

/**
 * A distribution as a space file writes it.
 *
 * @example describeDistribution({ kind: 'logUniform', low: 1e-4, high: 0.01 }) // 'logUniform: [0.0001, 0.01]'
 */
export function describeDistribution(distribution: Distribution): string {
  if (distribution.kind === 'choice') return `choice: [${distribution.values.map(formatSetting).join(', ')}]`;
  const { kind, low, high } = distribution;
  const step = 'step' in distribution && distribution.step !== undefined ? `, step: ${distribution.step}` : '';
  return `${kind}: [${low}, ${high}]${step}`;
}

/**
 * A value of a setting as in `key=value`: text without quotes where YAML reads it as text anyway.
 *
 * @example formatSetting('adamw') // 'adamw'
 * @example formatSetting([{ until: 0.5 }]) // '[{"until":0.5}]'
 */
export function formatSetting(value: unknown): string {
  const isPlain = typeof value === 'string' && /^[A-Za-z][\w./-]*$/.test(value) && !/^(true|false|null)$/i.test(value);
  return isPlain ? value : JSON.stringify(value);
}
