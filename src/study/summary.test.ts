import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { studyGroup, studyResults } from '../../test/study-fixture.ts';
import { summarizeGroup } from './summary.ts';

type Scores = Parameters<typeof studyResults>[1];

function summarize(base: Scores, other: Scores) {
  const [first, second] = summarizeGroup(studyGroup, [
    ...studyResults('base', base),
    ...studyResults('other', other),
  ]).variants;
  return { base: first, other: second };
}

describe('summarizeGroup', () => {
  it('gives means, spreads, and the difference to the base', () => {
    const { base, other } = summarize([0.8, 0.82], [0.7, 0.71]);
    expect(base).toMatchObject({ verdict: 'base', steps: 1000, seconds: 90 });
    expect(base.mean).toBeCloseTo(0.81, 12);
    expect(base.spread).toBeCloseTo(0.02, 12);
    expect(base.difference).toBeUndefined();
    expect(other.spread).toBeCloseTo(0.01, 12);
    expect(other.difference).toBeCloseTo(-0.105, 12);
    expect(other.verdict).toBe('beyond noise');
  });

  it.each<[string, Scores, Scores, string]>([
    ['smaller than the spread of the base', [0.8, 0.82], [0.801], 'within noise'],
    ['smaller than the spread of the variant alone', [0.8, 0.8], [0.79, 0.82], 'within noise'],
    ['as large as the spread', [0.5, 0.75], [0.875], 'beyond noise'],
    ['of one seed each', [0.8], [0.9], 'noise unknown'],
    ['of one finished seed each', [0.8, 'unfinished'], [0.9, 'missing'], 'noise unknown'],
    ['to a base that is missing', ['missing', 'unfinished'], [0.9, 0.8], 'incomplete'],
    ['of a variant that is not finished', [0.8, 0.82], ['unfinished'], 'incomplete'],
  ])('a difference %s', (_, base, other, verdict) => {
    expect(summarize(base, other).other.verdict).toBe(verdict);
  });

  it('leaves out of the numbers what is not finished', () => {
    const { base, other } = summarize([0.8, 'unfinished'], ['missing', 0.9]);
    expect(base).toMatchObject({ mean: 0.8 });
    expect(base.spread).toBeUndefined();
    expect(other).toMatchObject({ mean: 0.9 });
    expect(other.results.map(({ state }) => state)).toEqual(['missing', 'finished']);
  });

  it('never takes variants whose seeds overlap the other way round for better or worse', () => {
    const score = fc.double({ min: 0, max: 1, noNaN: true });
    fc.assert(
      fc.property(score, score, score, score, (a, b, c, d) => {
        const { base, other } = summarize([a, b], [c, d]);
        const apart = Math.abs(other.mean! - base.mean!);
        expect(other.verdict === 'within noise').toBe(apart < Math.max(base.spread!, other.spread!));
        // Exchanging base and variant changes the sign of the difference only.
        const turned = summarize([c, d], [a, b]).other;
        expect(turned.verdict).toBe(other.verdict);
        expect(turned.difference).toBeCloseTo(-other.difference!, 12);
      }),
    );
  });
});
