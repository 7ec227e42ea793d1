import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { exponential, takeLogarithms } from './exponential.ts';

describe('exponential', () => {
  it('is that of Math.exp up to a relative error of 1e-11', () => {
    fc.assert(
      fc.property(fc.double({ min: -104, max: 0, noNaN: true }), (x) => {
        expect(Math.abs(exponential(x) / Math.exp(x) - 1)).toBeLessThan(1e-11);
      }),
      { numRuns: 2000 },
    );
  });

  it('is 1 at 0, and nothing in single precision far below', () => {
    expect([exponential(0), exponential(-0)]).toEqual([1, 1]);
    expect([-104, -1e30, Number.NEGATIVE_INFINITY].map((x) => Math.fround(exponential(x)))).toEqual([0, 0, 0]);
    expect(exponential(Number.NaN)).toBeNaN();
  });
});

describe('takeLogarithms', () => {
  it('gives the logarithms of Math.log, rounded to single precision or next to it', () => {
    const values = fc.float({ min: Math.fround(1.2e-38), max: Math.fround(3e38), noNaN: true });
    fc.assert(
      fc.property(fc.array(values, { minLength: 1 }), (numbers) => {
        const taken = Float32Array.from(numbers);
        takeLogarithms(taken);
        taken.forEach((log, i) => {
          expect(Math.abs(log - Math.log(numbers[i]))).toBeLessThanOrEqual(Math.abs(log) * 2 ** -23);
        });
      }),
      { numRuns: 500 },
    );
  });

  it('is exactly 0 at 1, in a view of other numbers as well', () => {
    const numbers = Float32Array.of(5, 1, Math.E, 7);
    takeLogarithms(numbers.subarray(1, 3));
    expect([...numbers]).toEqual([5, 0, Math.fround(Math.log(Math.fround(Math.E))), 7]);
  });
});
