import { describe, expect, it } from 'vitest';
import type { LabelMap } from '../image/image.ts';
import { BoundaryScore } from './boundary-score.ts';

/** A map of digits; `.` is ignored. */
function map(...rows: string[]): LabelMap {
  const data = Uint8Array.from(rows.join(''), (sign) => (sign === '.' ? 255 : Number(sign)));
  return { width: rows[0].length, height: rows.length, data };
}

/** Class 1 in a square of 12 from `left` on, in 32×32 of class 0. */
function square(left: number): LabelMap {
  const data = new Uint8Array(32 * 32);
  for (let y = 10; y < 22; y++) data.fill(1, y * 32 + left, y * 32 + left + 12);
  return { width: 32, height: 32, data };
}

describe('BoundaryScore', () => {
  it('is 1 for the truth itself', () => {
    expect(new BoundaryScore(2, 0).score(square(8), square(8)).f).toBe(1);
  });

  it('forgives shifts up to the tolerance', () => {
    const shifted = (tolerance: number) => new BoundaryScore(2, tolerance).score(square(8), square(10)).f!;
    expect(shifted(2)).toBe(1);
    expect(shifted(1)).toBeLessThan(1);
    expect(shifted(0)).toBeLessThan(shifted(1));
  });

  it('counts boundary pixels within the tolerance', () => {
    // True boundary of class 1: columns 1 and 2; predicted: column 2 alone, and 0 and 1 of class 0.
    const truth = map('0110', '0110');
    const prediction = map('0010', '0010');
    const [background, square] = new BoundaryScore(2, 0).score(truth, prediction).perClass;
    expect(square).toEqual({ id: 1, precision: 1, recall: 0.5, f: 2 / 3 });
    expect(background).toEqual({ id: 0, precision: 0.5, recall: 0.5, f: 0.5 });
  });

  it('gives a class that is missed 0, and leaves out one that the truth lacks', () => {
    const missed = new BoundaryScore(3, 1).score(map('0110'), map('0220'));
    expect(missed.perClass.map(({ id, f }) => [id, f])).toEqual([
      [0, 1],
      [1, 0],
    ]);
  });

  it('has no score for a single class, and sees no boundary at edges or ignored pixels', () => {
    expect(new BoundaryScore(2, 1).score(map('00', '00'), map('01', '00'))).toEqual({ perClass: [] });
    expect(new BoundaryScore(2, 1).score(map('0.1', '0.1'), map('001', '011'))).toEqual({ perClass: [] });
  });

  it('refuses other sizes and tolerances', () => {
    expect(() => new BoundaryScore(2, 1).score(map('00'), map('0'))).toThrow('2×1 pixels, but the prediction has 1×1');
    expect(() => new BoundaryScore(2, -1)).toThrow('tolerance');
    expect(() => new BoundaryScore(0, 1)).toThrow('number of classes');
  });
});
