import { Random } from '../random/random.ts';
import { quantile } from './quantile.ts';

/** A mean over images and its standard error, s/√n with the sample standard deviation; NaN for fewer than two images. */
export interface MeanWithError {
  readonly mean: number;
  readonly standardError: number;
  readonly count: number;
}

/** The mean of values and its standard error. @example meanWithError(scores.map(({ f }) => f)).standardError */
export function meanWithError(values: ArrayLike<number>): MeanWithError {
  const count = values.length;
  let sum = 0;
  for (let i = 0; i < count; i++) sum += values[i];
  const mean = sum / count;
  let squares = 0;
  for (let i = 0; i < count; i++) squares += (values[i] - mean) ** 2;
  return { mean, standardError: count < 2 ? Number.NaN : Math.sqrt(squares / (count - 1) / count), count };
}

export interface BootstrapOptions {
  /** Number of resamples, 100 to 1,000,000. */
  readonly draws?: number;
  /** Share of resamples inside the interval, between 0 and 1. */
  readonly level?: number;
  readonly seed?: number;
}

/** A difference between two systems on the same images, and its interval. */
export interface PairedInterval {
  /** Mean of a − b. */
  readonly difference: number;
  readonly low: number;
  readonly high: number;
}

/**
 * The percentile bootstrap interval of the mean difference of two systems on the same images (Efron and Tibshirani, An
 * Introduction to the Bootstrap, 1993, chapter 13): images are drawn with replacement, and both systems are scored on the
 * same draw, so what is hard for both cancels out.
 *
 * @param a scores of the first system, one an image
 * @param b scores of the second, in the same order
 * @throws RangeError if the lengths differ or there are no images
 *
 * @example pairedInterval(fOfPspnet, fOfUnet) // { difference: 0.012, low: 0.004, high: 0.021 }
 */
export function pairedInterval(
  a: ArrayLike<number>,
  b: ArrayLike<number>,
  { draws = 10_000, level = 0.95, seed = 0 }: BootstrapOptions = {},
): PairedInterval {
  if (a.length !== b.length) throw new RangeError(`a has ${a.length} images, but b has ${b.length}`);
  if (a.length === 0) throw new RangeError('there are no images to compare');
  if (!(Number.isInteger(draws) && draws >= 100 && draws <= 1_000_000)) {
    throw new RangeError(`draws must be an integer from 100 to 1000000, not ${draws}`);
  }
  if (!(level > 0 && level < 1)) throw new RangeError(`level must be between 0 and 1, not ${level}`);
  const count = a.length;
  const differences = Float64Array.from({ length: count }, (_, index) => a[index] - b[index]);
  const random = new Random(seed, 'bootstrap');
  const means = new Float64Array(draws);
  for (let draw = 0; draw < draws; draw++) {
    let sum = 0;
    for (let i = 0; i < count; i++) sum += differences[random.integer(count)];
    means[draw] = sum / count;
  }
  means.sort();
  return {
    difference: meanWithError(differences).mean,
    low: quantile(means, (1 - level) / 2),
    high: quantile(means, (1 + level) / 2),
  };
}
