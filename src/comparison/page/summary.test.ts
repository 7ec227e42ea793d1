import { describe, expect, it } from 'vitest';
import { madeUpComparison } from '../../../test/comparison-fixture.ts';
import { parseConfig } from '../../config/parse-config.ts';
import type { Comparison, RunDifference } from '../comparison.ts';
import { curvesNote, describeSubject, summarize, type Words } from './summary.ts';

const plain = (parts: Words) => parts.map((part) => (typeof part === 'string' ? part : `*${part.run}*`)).join('');

/** Runs `a`, `b`, … with these scores on five validation images. */
function withScores(scores: readonly number[], differences: readonly RunDifference[] = []): Comparison {
  const names = [...'abcdef'].slice(0, scores.length);
  const made = madeUpComparison({ runs: names, splits: ['val'], images: 2, panels: 0, epochs: 1 });
  return {
    ...made,
    differences,
    runs: made.runs.map((run, index) => ({
      ...run,
      scores: run.scores.map((entry) => ({
        ...entry,
        f: { mean: scores[index], standardError: 0.005, count: 5 },
        summary: { ...entry.summary, images: 5 },
      })),
    })),
  };
}

const difference = (run: string, base: string, low: number, middle: number, high: number): RunDifference => ({
  split: 'val',
  run,
  base,
  difference: middle,
  low,
  high,
});

describe('summarize', () => {
  it('names the best run, its lead, and that the interval excludes 0', () => {
    const [first, second] = summarize(withScores([0.7, 0.9, 0.85], [difference('b', 'c', 0.01, 0.05, 0.09)]));
    expect(plain(first)).toBe(
      'On the 5 validation images, *b* has the highest F (per image), 0.9000 (standard error 0.0050). *c* is second with 0.8500 (standard error 0.0050). ' +
        'The difference is +5.00 percentage points. Its 95\u00a0% paired bootstrap interval, +1.00 to +9.00, excludes\u00a00.',
    );
    expect(plain(second)).toContain('not the randomness of training');
  });

  it('turns a difference around, and says when its interval includes 0', () => {
    const [first] = summarize(withScores([0.9, 0.85], [difference('b', 'a', -0.09, -0.05, 0.01)]));
    expect(plain(first)).toMatch(
      /\+5\.00 percentage points\. Its 95\u00a0% paired bootstrap interval, −1\.00 to \+9\.00, includes\u00a00: these images do not show which of the two is better\.$/,
    );
  });

  it('calls neither of two equal runs better, and claims nothing without an interval', () => {
    const [tied] = summarize(withScores([0.9, 0.9], [difference('b', 'a', 0, 0, 0)]));
    expect(plain(tied)).toContain('*a* and *b* both have the highest F (per image), 0.9000');
    expect(plain(tied)).not.toMatch(/excludes|second/);
    expect(plain(summarize(withScores([0.9, 0.8]))[0])).toMatch(/is second with 0\.8000 \(standard error 0\.0050\)\.$/);
  });

  it('has a sentence for one run, and names unfinished ones', () => {
    const one = withScores([0.9]);
    const unfinished = { ...one, runs: one.runs.map((run) => ({ ...run, unfinished: 'stopped at epoch 1.0 of 9' })) };
    expect(summarize(unfinished).map(plain)).toEqual([
      'On the 5 validation images, *a* has an F (per image) of 0.9000 (standard error 0.0050).',
      'Not finished: *a* (stopped at epoch 1.0 of 9).',
    ]);
  });

  it('says of training images that the networks have seen them', () => {
    const sentences = summarize(madeUpComparison({ images: 2, panels: 0, epochs: 1, identical: true })).map(plain);
    expect(sentences.map((text) => text.slice(0, 24))).toEqual([
      'On the 2 test images, *p',
      'On the 2 validation imag',
      'On the 2 training images',
      'The intervals cover the ',
    ]);
    expect(sentences[2]).toContain('which the networks have seen');
    expect(sentences[0]).toContain('Resampling the images changes nothing about this.');
  });
});

describe('describeSubject', () => {
  it('names runs, data, classes and machines once', () => {
    expect(describeSubject(madeUpComparison({ images: 2, panels: 0, epochs: 1 }))).toEqual([
      ['Runs', 'pspnet and deeplab'],
      ['Data', '2 training images, 2 validation images and 2 test images'],
      ['Classes', 'celebamask-19, 19 classes'],
      ['Trained on', 'Xeon, native on cpu, 2 threads'],
    ]);
  });
});

describe('curvesNote', () => {
  /** The runs `a` and `b`, the second with other settings. */
  function withSettings(settings: readonly string[], all: readonly string[] = []): Comparison {
    const made = madeUpComparison({ runs: ['a', 'b'], splits: ['val'], images: 2, panels: 0, epochs: 1 });
    const configs = [parseConfig('', '', all), parseConfig('', '', [...all, ...settings])];
    return { ...made, runs: made.runs.map((run, index) => ({ ...run, config: configs[index] })) };
  }

  it('says which runs were scored in which classes while they trained', () => {
    expect(curvesNote(withSettings(['data.labels=face-8']))).toBe(
      'Curves are scored in the classes of each run: a in celebamask-19; b in face-8. ' +
        'Curves of different label sets are not comparable; the tables, in celebamask-19, are.',
    );
    expect(curvesNote(withSettings([], ['data.labels=face-8']))).toBe(
      'Curves are scored in the classes of face-8, the tables in those of celebamask-19.',
    );
  });

  it('says that loss functions differ', () => {
    expect(curvesNote(withSettings(['loss.dice=0']))).toMatch(/^The runs have different loss functions/);
  });

  it('is undefined for runs with the same classes and loss', () => {
    expect(curvesNote(withSettings(['train.lr=1e-4']))).toBeUndefined();
  });
});
