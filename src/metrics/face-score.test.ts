import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { FaceScore } from './face-score.ts';

const bytes = (...ids: number[]): Uint8Array => Uint8Array.from(ids);

const classes = 4;

/** Pairs of label maps of a small face: truth (with some ignored pixels, never only those) and prediction. */
const anyPair = fc
  .array(fc.tuple(fc.constantFrom(0, 1, 2, 3, 255), fc.nat(classes - 1)), { minLength: 1, maxLength: 30 })
  .filter((pixels) => pixels.some(([truth]) => truth !== 255))
  .map((pixels) => ({ truth: bytes(...pixels.map(([t]) => t)), prediction: bytes(...pixels.map(([, p]) => p)) }));

function scoreOf(pairs: readonly { truth: Uint8Array; prediction: Uint8Array }[]): FaceScore {
  const score = new FaceScore(classes);
  for (const { truth, prediction } of pairs) score.add(truth, prediction);
  return score;
}

describe('computed by hand', () => {
  // Truth 0 0 1 1 2 2, prediction 0 1 1 1 0 3: class 0 has tp 1, fp 1, fn 1; class 1 tp 2, fp 1, fn 0; class 2 tp 0, fn 2.
  const truth = bytes(0, 0, 1, 1, 2, 2);
  const prediction = bytes(0, 1, 1, 1, 0, 3);

  test('one image', () => {
    const { f, perClass } = new FaceScore(classes).add(truth, prediction);
    expect(perClass.map((one) => one.id)).toEqual([0, 1, 2]);
    expect(perClass[0].precision).toBeCloseTo(1 / 2, 6);
    expect(perClass[0].recall).toBeCloseTo(1 / 2, 6);
    expect(perClass[0].f1).toBeCloseTo(1 / 2, 6);
    expect(perClass[1].precision).toBeCloseTo(2 / 3, 6);
    expect(perClass[1].recall).toBeCloseTo(1, 6);
    expect(perClass[1].f1).toBeCloseTo(4 / 5, 6);
    expect(perClass[2]).toEqual({ id: 2, precision: 0, recall: 0, f1: 0 });
    expect(f).toBeCloseTo((1 / 2 + 4 / 5 + 0) / 3, 6);
  });

  test('the epsilons are those of the metric, exactly', () => {
    const { perClass } = new FaceScore(2).add(bytes(0, 1), bytes(0, 1));
    const ratioWithEpsilon = 1 / (1 + 1e-7);
    expect(perClass[0].precision).toBe(ratioWithEpsilon);
    expect(perClass[0].f1).toBe((2 * ratioWithEpsilon * ratioWithEpsilon) / (2 * ratioWithEpsilon + 1e-7));
    expect(perClass[0].f1).toBeLessThan(1);
  });

  test('pooled over two images', () => {
    const score = scoreOf([
      { truth, prediction },
      { truth: bytes(2, 2, 2), prediction: bytes(2, 2, 0) },
    ]);
    const summary = score.summary();
    expect(summary.images).toBe(2);
    expect(summary.fPerImage).toBeCloseTo((1.3 / 3 + 4 / 5) / 2, 6);
    const { id, truthPixels, predictedPixels, truePositives, images, precision, recall, f1, iou, meanImageF1 } =
      summary.perClass[2];
    expect([id, truthPixels, predictedPixels, truePositives, images]).toEqual([2, 5, 2, 2, 2]);
    expect([precision, recall, f1, iou]).toEqual([1, 2 / 5, 4 / 7, 2 / 5]);
    expect(meanImageF1).toBeCloseTo((0 + 4 / 5) / 2, 6);
    // Class 3 is predicted once and never true: it scores 0 and counts in the macro means, in no image's F.
    expect(summary.perClass[3]).toMatchObject({
      truthPixels: 0,
      predictedPixels: 1,
      images: 0,
      precision: 0,
      f1: 0,
      iou: 0,
    });
    expect(summary.macro.withBackground.iou).toBeCloseTo((1 / 4 + 2 / 3 + 2 / 5 + 0) / 4, 12);
    expect(summary.macro.withoutBackground.iou).toBeCloseTo((2 / 3 + 2 / 5 + 0) / 3, 12);
    expect(summary.macro.withoutBackground.recall).toBeCloseTo((1 + 2 / 5 + 0) / 3, 12);
    expect(summary.pixelAccuracy).toBe(5 / 9);
    expect([...summary.confusion]).toEqual([1, 1, 0, 0, 0, 2, 0, 0, 2, 0, 2, 1, 0, 0, 0, 0]);
  });

  test('classes that never occur stay out of the macro means', () => {
    const { macro, perClass } = scoreOf([{ truth: bytes(0, 1), prediction: bytes(0, 1) }]).summary();
    expect(macro.withBackground).toEqual({ precision: 1, recall: 1, f1: 1, iou: 1 });
    expect(perClass[3]).toMatchObject({ precision: 0, recall: 0, f1: 0, iou: 0, meanImageF1: 0 });
  });

  test('background alone', () => {
    const { macro } = scoreOf([{ truth: bytes(0), prediction: bytes(0) }]).summary();
    expect(macro.withBackground.f1).toBe(1);
    expect(macro.withoutBackground).toEqual({ precision: 0, recall: 0, f1: 0, iou: 0 });
  });

  test.each<[string, Uint8Array, Uint8Array]>([
    ['a class that never occurs', bytes(0, 1, 2), bytes(0, 2, 2)],
    ['a class that is only predicted', bytes(0, 0), bytes(0, 3)],
    ['background alone', bytes(0, 0), bytes(0, 0)],
    ['one pixel that is not ignored', bytes(255, 1), bytes(0, 0)],
  ])('every number is finite: %s', (_, truth, prediction) => {
    const score = new FaceScore(classes);
    const image = score.add(truth, prediction);
    expect(numbersIn([image, score.summary(), new FaceScore(classes).summary()]).every(Number.isFinite)).toBe(true);
  });

  test('nothing added', () => {
    const summary = new FaceScore(classes).summary();
    expect([summary.images, summary.fPerImage, summary.pixelAccuracy]).toEqual([0, 0, 0]);
  });

  test('ignored pixels count nowhere, not even as predictions', () => {
    const { perClass } = scoreOf([{ truth: bytes(0, 255, 255), prediction: bytes(0, 1, 0) }]).summary();
    expect(perClass[1]).toMatchObject({ truthPixels: 0, predictedPixels: 0 });
    expect(perClass[0]).toMatchObject({ truthPixels: 1, predictedPixels: 1, truePositives: 1 });
  });
});

describe('properties', () => {
  test('agrees with sets counted class by class', () => {
    fc.assert(
      fc.property(fc.array(anyPair, { minLength: 1, maxLength: 4 }), (pairs) => {
        const summary = scoreOf(pairs).summary();
        expect(summary.fPerImage).toBeCloseTo(mean(pairs.map(naiveF)), 10);
        for (let id = 0; id < classes; id++) {
          const pooled = pairs.map((pair) => naiveCounts(pair, id)).reduce(addCounts);
          const one = summary.perClass[id];
          expect(one.truePositives).toBe(pooled.both);
          expect(one.truthPixels).toBe(pooled.both + pooled.missed);
          expect(one.predictedPixels).toBe(pooled.both + pooled.invented);
          expect(one.iou).toBeCloseTo(pooled.both / Math.max(1, pooled.both + pooled.missed + pooled.invented), 12);
          expect(one.f1).toBeCloseTo((2 * one.iou) / (1 + one.iou), 12);
          const containing = pairs.filter((pair) => pair.truth.includes(id));
          expect(one.images).toBe(containing.length);
          const f1s = containing.map((pair) => naiveF1(naiveCounts(pair, id)));
          expect(one.meanImageF1).toBeCloseTo(f1s.length ? mean(f1s) : 0, 10);
        }
      }),
    );
  });

  test('a perfect prediction scores 1 but for the epsilons', () => {
    fc.assert(
      fc.property(anyPair, ({ truth }) => {
        const score = new FaceScore(classes);
        const { f } = score.add(
          truth,
          truth.map((id) => (id === 255 ? 0 : id)),
        );
        expect(f).toBeGreaterThan(1 - 1e-6);
        expect(score.summary().pixelAccuracy).toBe(1);
        expect(score.summary().macro.withBackground).toEqual({ precision: 1, recall: 1, f1: 1, iou: 1 });
      }),
    );
  });

  test('every score lies in [0, 1]', () => {
    fc.assert(
      fc.property(anyPair, (pair) => {
        const summary = scoreOf([pair]).summary();
        const all = summary.perClass.flatMap((one) => [one.precision, one.recall, one.f1, one.iou, one.meanImageF1]);
        const macros = Object.values(summary.macro).flatMap((ratios) => Object.values(ratios));
        for (const value of [...all, ...macros, summary.fPerImage, summary.pixelAccuracy]) {
          expect(value).toBeGreaterThanOrEqual(0);
          expect(value).toBeLessThanOrEqual(1);
        }
      }),
    );
  });

  test('the place of a pixel does not matter', () => {
    fc.assert(
      fc.property(anyPair, fc.infiniteStream(fc.nat()), (pair, keys) => {
        const order = [...pair.truth.keys()]
          .map((pixel) => [keys.next().value, pixel] as const)
          .sort((a, b) => a[0] - b[0])
          .map(([, pixel]) => pixel);
        const shuffled = (ids: Uint8Array) => bytes(...order.map((pixel) => ids[pixel]));
        const moved = { truth: shuffled(pair.truth), prediction: shuffled(pair.prediction) };
        expect(scoreOf([moved]).summary()).toEqual(scoreOf([pair]).summary());
      }),
    );
  });

  test('the confusions of two halves add up to the confusion of the whole', () => {
    fc.assert(
      fc.property(fc.array(anyPair, { maxLength: 3 }), fc.array(anyPair, { maxLength: 3 }), (first, second) => {
        const [a, b] = [scoreOf(first).summary().confusion, scoreOf(second).summary().confusion];
        expect(scoreOf([...first, ...second]).summary().confusion).toEqual(a.map((count, i) => count + b[i]));
      }),
    );
  });
});

describe('what is refused', () => {
  test.each<[string, Uint8Array, Uint8Array, RegExp]>([
    ['lengths', bytes(0, 1), bytes(0), /truth has 2 pixels, but the prediction has 1/],
    ['a truth past the classes', bytes(0, 4), bytes(0, 0), /truth has class id 4 at pixel 1, but ids are 0–3, or 255/],
    [
      'a prediction past the classes',
      bytes(0, 1),
      bytes(7, 0),
      /prediction has class id 7 at pixel 0, but ids are 0–3$/,
    ],
    ['a prediction of 255', bytes(255, 1), bytes(255, 0), /prediction has class id 255 at pixel 0/],
    ['nothing to score', bytes(255, 255), bytes(0, 0), /all 2 pixels of the truth are ignored/],
  ])('%s, and nothing is counted', (_, truth, prediction, message) => {
    const score = new FaceScore(classes);
    expect(() => score.add(truth, prediction)).toThrow(message);
    expect(score.summary()).toEqual(new FaceScore(classes).summary());
  });

  test.each([0, 256, 1.5, Number.NaN])('%d classes', (count) => {
    expect(() => new FaceScore(count)).toThrow(/from 1 to 255, not/);
  });
});

interface Counts {
  both: number;
  missed: number;
  invented: number;
}

function naiveCounts({ truth, prediction }: { truth: Uint8Array; prediction: Uint8Array }, id: number): Counts {
  const pixels = [...truth.keys()].filter((pixel) => truth[pixel] !== 255);
  const actual = new Set(pixels.filter((pixel) => truth[pixel] === id));
  const predicted = new Set(pixels.filter((pixel) => prediction[pixel] === id));
  const both = [...actual].filter((pixel) => predicted.has(pixel)).length;
  return { both, missed: actual.size - both, invented: predicted.size - both };
}

function addCounts(a: Counts, b: Counts): Counts {
  return { both: a.both + b.both, missed: a.missed + b.missed, invented: a.invented + b.invented };
}

function naiveF1({ both, missed, invented }: Counts): number {
  const precision = both / (both + invented + 1e-7);
  const recall = both / (both + missed + 1e-7);
  return (2 * precision * recall) / (precision + recall + 1e-7);
}

function naiveF(pair: { truth: Uint8Array; prediction: Uint8Array }): number {
  const present = [...new Set(pair.truth)].filter((id) => id !== 255);
  return mean(present.map((id) => naiveF1(naiveCounts(pair, id))));
}

/** All numbers in a value, at any depth. */
function numbersIn(value: unknown): number[] {
  if (typeof value === 'number') return [value];
  return typeof value === 'object' && value !== null ? Object.values(value).flatMap(numbersIn) : [];
}

function mean(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}
