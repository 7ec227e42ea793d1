import { describe, expect, it } from 'vitest';
import { Random } from '../random/random.ts';
import { meanWithError, pairedInterval } from './bootstrap.ts';

describe('meanWithError', () => {
  it('is s/√n', () => {
    expect(meanWithError([1, 2, 3, 4])).toEqual({ mean: 2.5, standardError: Math.sqrt(5 / 3 / 4), count: 4 });
    expect(meanWithError([1]).standardError).toBeNaN();
  });
});

describe('pairedInterval', () => {
  it('is that of the normal distribution for the mean of many numbers', () => {
    const random = new Random(3);
    const a = Array.from({ length: 1000 }, () => 0.8 + 0.05 * random.normal());
    const b = Array.from({ length: 1000 }, () => 0.79 + 0.05 * random.normal());
    const { mean, standardError } = meanWithError(a.map((value, index) => value - b[index]));
    const { difference, low, high } = pairedInterval(a, b);
    expect(difference).toBeCloseTo(mean, 12);
    // A quantile of 10,000 draws has an error of some 0.03 standard errors.
    expect((low - mean) / standardError).toBeCloseTo(-1.96, 1);
    expect((high - mean) / standardError).toBeCloseTo(1.96, 1);
  });

  it('is that of the binomial distribution where a difference is 0 or 1', () => {
    // The mean of 20 draws with 8 ones among 20: binomial with p = 0.4, whose 2.5 % and 97.5 % quantiles are 4 and 12 of 20.
    const a = Array.from({ length: 20 }, (_, index) => (index < 8 ? 1 : 0));
    const { low, high } = pairedInterval(a, new Array(20).fill(0), { draws: 100_000 });
    expect([low * 20, high * 20]).toEqual([4, 12].map((value) => expect.closeTo(value, 9)));
  });

  it('cancels what is hard for both', () => {
    const random = new Random(5);
    const hard = Array.from({ length: 200 }, () => random.uniform());
    const { low, high } = pairedInterval(
      hard.map((value) => value + 0.01),
      hard,
    );
    expect(low).toBeCloseTo(0.01, 9);
    expect(high).toBeCloseTo(0.01, 9);
  });

  it('gives the same interval each time, and a wider one for a higher level', () => {
    const random = new Random(6);
    const a = Array.from({ length: 50 }, () => random.uniform());
    const b = Array.from({ length: 50 }, () => random.uniform());
    const wide = pairedInterval(a, b, { level: 0.99 });
    const narrow = pairedInterval(a, b, { level: 0.8 });
    expect(pairedInterval(a, b, { level: 0.99 })).toEqual(wide);
    expect(wide.low).toBeLessThan(narrow.low);
    expect(wide.high).toBeGreaterThan(narrow.high);
  });

  it('refuses what cannot be compared', () => {
    expect(() => pairedInterval([1], [1, 2])).toThrow('a has 1 images, but b has 2');
    expect(() => pairedInterval([], [])).toThrow('no images');
    expect(() => pairedInterval([1], [1], { draws: 5 })).toThrow('draws must be');
    expect(() => pairedInterval([1], [1], { level: 95 })).toThrow('level must be');
  });
});
