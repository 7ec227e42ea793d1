import { describe, expect, it } from 'vitest';
import { meanWithError, pairedInterval } from '../../src/metrics/bootstrap.ts';
import { BoundaryScore } from '../../src/metrics/boundary-score.ts';
import { FaceScore, type PooledRatios } from '../../src/metrics/face-score.ts';
import { Random } from '../../src/random/random.ts';
import { expectClose } from '../contract/compare.ts';
import { type GoldenCase, type GoldenRatios, labelMaps, pairedScores, readGoldenMetrics } from './metric-values.ts';

const golden = readGoldenMetrics();
const ratioNames = ['precision', 'recall', 'f1', 'iou'] as const;

// metrics.json has nine digits; torchmetrics computes in single precision; the epsilons of F (per image) are 1e-7.
const tolerance = 1e-6;

function expectRatios(actual: PooledRatios, expected: GoldenRatios<number>): void {
  for (const name of ratioNames) expect(actual[name], name).toBeCloseTo(expected[name], 6);
}

function scoreCase(one: GoldenCase) {
  const score = new FaceScore(one.classes);
  const pairs = labelMaps(one, golden.cases.indexOf(one));
  const images = pairs.map(({ truth, prediction }) => score.add(truth.data, prediction.data));
  const summary = score.summary();
  const occurring = summary.perClass.filter(({ truthPixels, predictedPixels }) => truthPixels + predictedPixels > 0);
  return { pairs, images, summary, occurring };
}

describe.each(golden.cases)('metrics of label maps: $name', (one) => {
  const { pairs, images, summary, occurring } = scoreCase(one);

  it.each(['sklearn', 'torchmetrics'] as const)('%s has the same pooled metrics', (other) => {
    const { confusion, pixelAccuracy, perClass, macro } = one[other];
    expect([...summary.confusion]).toEqual(confusion);
    expect(summary.pixelAccuracy).toBeCloseTo(pixelAccuracy, 6);
    for (const name of ratioNames) {
      expectClose(
        summary.perClass.map((score) => score[name]),
        perClass[name],
        tolerance,
        name,
      );
    }
    expectRatios(summary.macro.withBackground, macro);
  });

  it('scikit-learn has the same macro means without background', () => {
    expectRatios(summary.macro.withoutBackground, one.sklearn.macroWithoutBackground);
  });

  it('scikit-learn has the same F of every image, as the macro F1 of the classes of its truth', () => {
    expect(images.map(({ perClass }) => perClass.map(({ id }) => id))).toEqual(
      one.sklearn.images.map(({ ids }) => ids),
    );
    images.forEach(({ f, perClass }, index) => {
      const expected = one.sklearn.images[index];
      expect(f).toBeCloseTo(expected.f, 6);
      expectClose(
        perClass.map(({ f1 }) => f1),
        expected.f1,
        tolerance,
        `image ${index}`,
      );
    });
    expect(summary.fPerImage).toBeCloseTo(one.sklearn.fPerImage, 6);
    expect(meanWithError(images.map(({ f }) => f)).mean).toBeCloseTo(one.sklearn.fPerImage, 6);
  });

  it('scikit-learn with a list of all labels counts classes that occur nowhere as 0', () => {
    for (const name of ratioNames) {
      const ours = summary.macro.withBackground[name];
      expect((ours * occurring.length) / one.classes).toBeCloseTo(one.sklearn.macroOfAllLabels[name], 6);
    }
  });

  it('scikit-learn with zero_division=nan leaves out the precision of classes that are never predicted', () => {
    const predicted = occurring.filter(({ predictedPixels }) => predictedPixels > 0);
    expect((summary.macro.withBackground.precision * occurring.length) / predicted.length).toBeCloseTo(
      one.sklearn.macroPrecisionWhereDefined,
      6,
    );
  });

  it.each(one.boundary)(
    'boundary F of distance transforms, tolerance $tolerance',
    ({ tolerance: pixels, images: expected }) => {
      const score = new BoundaryScore(one.classes, pixels);
      pairs.forEach(({ truth, prediction }, index) => {
        const { f, perClass } = score.score(truth, prediction);
        const { mean, ids, ...ratios } = expected[index];
        expect(perClass.map(({ id }) => id)).toEqual(ids);
        for (const name of ['precision', 'recall', 'f'] as const) {
          expectClose(
            perClass.map((found) => found[name]),
            ratios[name],
            tolerance,
            name,
          );
        }
        if (mean === null) expect(f).toBeUndefined();
        else expect(f).toBeCloseTo(mean, 6);
      });
    },
  );
});

describe.each(
  // These metrics cannot ignore pixels.
  golden.cases.flatMap((one) => {
    const { segmentation } = one.torchmetrics;
    return segmentation ? [{ name: one.name, one, segmentation }] : [];
  }),
)('torchmetrics.segmentation: $name', ({ one, segmentation }) => {
  const { pairs, images, summary, occurring } = scoreCase(one);

  it('Dice is NaN for a class that occurs nowhere', () => {
    const { dicePerClass, diceMacro, diceMacroWithoutBackground } = segmentation;
    const ids = occurring.map(({ id }) => id);
    dicePerClass.forEach((dice, id) => {
      if (dice === null) expect(ids).not.toContain(id);
      else expect(summary.perClass[id].f1).toBeCloseTo(dice, 6);
    });
    expect(dicePerClass.filter((dice) => dice !== null)).toHaveLength(ids.length);
    // So its means are ours.
    expect(summary.macro.withBackground.f1).toBeCloseTo(diceMacro, 6);
    expect(summary.macro.withoutBackground.f1).toBeCloseTo(diceMacroWithoutBackground, 6);
  });

  it('micro Dice is the pixel accuracy', () => {
    expect(summary.pixelAccuracy).toBeCloseTo(segmentation.diceMicro, 6);
  });

  it('Dice and IoU of an image count the classes that only its prediction has', () => {
    const { dicePerImage, iouPerImage } = segmentation;
    pairs.forEach(({ truth, prediction }, index) => {
      const [present, either] = [new Set(truth.data).size, new Set([...truth.data, ...prediction.data]).size];
      // Their score is 0 there; the challenge's metric does not score them.
      expect((images[index].f * present) / either).toBeCloseTo(dicePerImage[index], 6);
      const single = new FaceScore(one.classes);
      single.add(truth.data, prediction.data);
      expect(single.summary().macro.withBackground.iou).toBeCloseTo(iouPerImage[index], 6);
    });
  });
});

describe('the cases', () => {
  it('have what the definitions differ about', () => {
    const counts = golden.cases.map((one) => {
      const { pairs, summary } = scoreCase(one);
      return {
        nowhere: summary.perClass.filter((score) => score.truthPixels + score.predictedPixels === 0).length,
        onlyTrue: summary.perClass.filter((score) => score.truthPixels > 0 && score.predictedPixels === 0).length,
        onlyPredicted: summary.perClass.filter((score) => score.truthPixels === 0 && score.predictedPixels > 0).length,
        ignored: pairs.reduce((sum, { truth }) => sum + truth.data.filter((id) => id === 255).length, 0),
      };
    });
    for (const name of ['nowhere', 'onlyTrue', 'onlyPredicted', 'ignored'] as const) {
      expect(counts.filter((count) => count[name] > 0).length, name).toBeGreaterThanOrEqual(2);
      expect(counts.filter((count) => count[name] === 0).length, name).toBeGreaterThanOrEqual(2);
    }
  });
});

describe('bootstrap intervals', () => {
  // The standard deviation of a quantile of B resamples is √(p(1−p)/B) / density; with 100,000 of a normal distribution, at
  // most 0.009 standard errors for a level of 95 %. Five of these, and what 400,000 resamples of SciPy add.
  const chance = 0.05;

  it.each(golden.scipy)('$count images at $level: scipy.stats.bootstrap', (one) => {
    const { a, b } = pairedScores(one.stream, one.count);
    const { difference, low, high } = pairedInterval(a, b, { level: one.level, draws: 100_000 });
    const { mean, standardError } = meanWithError(a.map((value, index) => value - b[index]));
    expect(difference).toBeCloseTo(one.difference, 9);
    expect(mean).toBeCloseTo(one.difference, 9);
    expect(standardError).toBeCloseTo(one.standardError, 9);
    expect(Math.abs(low - one.low) / standardError).toBeLessThan(chance);
    expect(Math.abs(high - one.high) / standardError).toBeLessThan(chance);
  });

  it.each(golden.exact)('$differences at $level: the quantiles over all resamples', (one) => {
    const zeros = new Array<number>(one.differences.length).fill(0);
    const { low, high } = pairedInterval(one.differences, zeros, { level: one.level, draws: 100_000 });
    for (const [actual, [from, to]] of [
      [low, one.lowBounds],
      [high, one.highBounds],
    ] as const) {
      expect(actual).toBeGreaterThan(from - 1e-8);
      expect(actual).toBeLessThan(to + 1e-8);
    }
  });

  it.each(golden.binomial)(
    '$k of $n at $level: the quantiles of the binomial distribution',
    ({ n, k, level, low, high }) => {
      const won = Array.from({ length: n }, (_, index) => (index < k ? 1 : 0));
      const interval = pairedInterval(won, new Array<number>(n).fill(0), { level, draws: 100_000 });
      expect([interval.low * n, interval.high * n]).toEqual([expect.closeTo(low, 6), expect.closeTo(high, 6)]);
    },
  );

  it('is mean ± 1.96 standard errors for many normal differences', () => {
    const random = new Random(11);
    const a = Array.from({ length: 500 }, () => 0.01 + 0.04 * random.normal());
    const { mean, standardError } = meanWithError(a);
    const { low, high } = pairedInterval(a, new Array<number>(500).fill(0), { draws: 20_000 });
    // Five standard deviations of a quantile of 20,000 resamples.
    expect(Math.abs((low - mean) / standardError + 1.96)).toBeLessThan(0.095);
    expect(Math.abs((high - mean) / standardError - 1.96)).toBeLessThan(0.095);
  });

  it('contains the true difference about as often as it says', () => {
    // 300 experiments of 60 images: 95 % ± 1.3 % (one standard deviation), a little less for the percentile method at this size.
    const random = new Random(12);
    let inside = 0;
    for (let experiment = 0; experiment < 300; experiment++) {
      const hard = Array.from({ length: 60 }, () => random.uniform());
      const a = hard.map((value) => value + 0.02 + 0.05 * random.normal());
      const { low, high } = pairedInterval(a, hard, { draws: 1000, seed: experiment });
      if (low <= 0.02 && 0.02 <= high) inside += 1;
    }
    expect(inside / 300).toBeGreaterThan(0.9);
    expect(inside / 300).toBeLessThan(0.99);
  });
});
