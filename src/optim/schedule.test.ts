import { describe, expect, it } from 'vitest';
import { learningRateAt, type ScheduleKind } from './schedule.ts';

const options = (kind: ScheduleKind, warmup = 0, finalShare = 0) => ({ kind, learningRate: 2, warmup, finalShare });

describe('learningRateAt', () => {
  it.each([
    [0, 2],
    [0.25, 1 + Math.SQRT1_2],
    [0.5, 1],
    [0.75, 1 - Math.SQRT1_2],
    [1, 0],
  ])('cosine at %d', (progress, rate) => {
    expect(learningRateAt(progress, options('cosine'))).toBeCloseTo(rate, 12);
  });

  it.each([
    [0, 2],
    [0.5, 2 * 0.5 ** 0.9],
    [1, 0],
  ])('polynomial at %d', (progress, rate) => {
    expect(learningRateAt(progress, options('polynomial'))).toBeCloseTo(rate, 12);
  });

  it('climbs in a straight line during the warm-up, and never is 0', () => {
    expect(learningRateAt(0.05, options('cosine', 0.2))).toBeCloseTo(0.5, 12);
    expect(learningRateAt(0.1, options('constant', 0.2))).toBeCloseTo(1, 12);
    expect(learningRateAt(0, options('cosine', 0.2))).toBeCloseTo(0.002, 12);
    expect(learningRateAt(0.2, options('cosine', 0.2))).toBeCloseTo(2, 12);
    // The decay takes what is left of the run.
    expect(learningRateAt(0.6, options('cosine', 0.2))).toBeCloseTo(1, 12);
  });

  it('ends at the final share of the rate', () => {
    for (const kind of ['cosine', 'polynomial'] as const) {
      expect(learningRateAt(1, options(kind, 0.1, 0.05))).toBeCloseTo(0.1, 12);
    }
    expect(learningRateAt(0.5, options('cosine', 0, 0.5))).toBeCloseTo(1.5, 12);
  });

  it('stays in bounds before the start, after the end, and with warm-up throughout', () => {
    expect(learningRateAt(-1, options('cosine'))).toBe(2);
    expect(learningRateAt(1.2, options('cosine', 0, 0.25))).toBe(0.5);
    expect(learningRateAt(1, options('cosine', 1, 0.25))).toBe(0.5);
    expect(learningRateAt(7, options('constant', 0.3))).toBe(2);
  });
});
