import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Random } from '../../random/random.ts';
import { upsampledArgmax } from './argmax.ts';
import { mirrorInPlace, networkSides, ProbabilityAverage } from './averaging.ts';
import { plainKernels } from './kernels.ts';

type LogitsShape = readonly [number, number, number];

/** Classes 1 and 2 are left and right of each other. */
const mirror = Uint8Array.of(0, 2, 1, 3);

function randomLogits([classes, height, width]: LogitsShape, seed: number): Float32Array {
  const random = new Random(seed);
  return Float32Array.from({ length: classes * height * width }, () => 3 * random.normal());
}

/** The same scores of the mirrored image: columns reversed, left and right classes exchanged. */
function mirrored(logits: Float32Array, [classes, height, width]: LogitsShape): Float32Array {
  const result = logits.slice();
  for (let c = 0; c < classes; c++) {
    for (let y = 0; y < height; y++) {
      for (let x = 0; x < width; x++) {
        result[(mirror[c] * height + y) * width + x] = logits[(c * height + y) * width + width - 1 - x]!;
      }
    }
  }
  return result;
}

describe('networkSides', () => {
  it.each([
    [256, 32, [], [256]],
    [256, 32, [1], [256]],
    [256, 32, [1.25, 0.75], [192, 256, 320]],
    [256, 32, [1.01, 0.99], [256]],
    [224, 32, [0.9, 1.1], [192, 224, 256]],
    [32, 32, [0.01, 2], [32, 64]],
  ])('%i in multiples of %i at %j: %j', (size, multiple, scales, sides) => {
    expect(networkSides(size, multiple, scales)).toEqual(sides);
  });

  it.each([
    [[0], /^scale 0 is not supported: it must be above 0/],
    [[-1], /^scale -1 is not/],
    [[Number.NaN], /^scale NaN is not/],
    [[Number.POSITIVE_INFINITY], /^scale Infinity is not/],
    [[16.1], /^scale 16\.1 is not .* 256 pixels × scale must be at most 4096$/],
    [new Array(9).fill(1), /^9 scales given; at most 8 are supported/],
  ])('refuses %j', (scales, message) => {
    expect(() => networkSides(256, 32, scales)).toThrow(message);
  });
});

it('mirrorInPlace reverses the rows of every channel', () => {
  const image = Float32Array.of(1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12);
  mirrorInPlace(image, 3);
  expect([...image]).toEqual([3, 2, 1, 6, 5, 4, 9, 8, 7, 12, 11, 10]);
});

describe('ProbabilityAverage', () => {
  it('of a single view gives the labels of its logits', async () => {
    const side = fc.integer({ min: 1, max: 9 });
    await fc.assert(
      fc.asyncProperty(side, side, fc.nat(), async (height, width, seed) => {
        const shape = [4, height, width] as const;
        const logits = randomLogits(shape, seed);
        const average = new ProbabilityAverage({ shape }, mirror, plainKernels);
        await average.add({ data: logits, shape }, false);
        const labels = upsampledArgmax(await average.logProbabilities(), 17, 13);
        expect(labels).toEqual(upsampledArgmax({ data: logits, shape }, 17, 13));
      }),
      { numRuns: 50 },
    );
  });

  it('is the mean of the probabilities of each pixel', async () => {
    const shape = [4, 3, 5] as const;
    const views = [1, 2, 3].map((seed) => randomLogits(shape, seed));
    const average = new ProbabilityAverage({ shape }, mirror, plainKernels);
    for (const logits of views) await average.add({ data: logits, shape }, false);
    const result = (await average.logProbabilities()).data;
    for (let pixel = 0; pixel < 15; pixel++) {
      for (let c = 0; c < 4; c++) {
        const probabilities = views.map((logits) => {
          const powers = Array.from({ length: 4 }, (_, k) => Math.exp(logits[k * 15 + pixel]));
          return powers[c] / powers.reduce((sum, power) => sum + power);
        });
        expect(Math.exp(result[c * 15 + pixel])).toBeCloseTo(probabilities.reduce((sum, p) => sum + p) / 3, 5);
      }
    }
  });

  it('brings mirrored views back, with left and right classes swapped', async () => {
    const shape = [4, 6, 7] as const;
    const logits = randomLogits(shape, 5);
    const back = new ProbabilityAverage({ shape }, mirror, plainKernels);
    await back.add({ data: mirrored(logits, shape), shape }, true);
    const plain = new ProbabilityAverage({ shape }, mirror, plainKernels);
    await plain.add({ data: logits, shape }, false);
    const wanted = (await plain.logProbabilities()).data;
    // Sums over classes run in another order.
    (await back.logProbabilities()).data.forEach((log, index) => {
      expect(log).toBeCloseTo(wanted[index], 5);
    });
  });

  it('upsamples smaller views to the common grid', async () => {
    const average = new ProbabilityAverage({ shape: [2, 1, 4] }, Uint8Array.of(0, 1), plainKernels);
    await average.add({ data: Float32Array.of(0, 4, 0, 0), shape: [2, 1, 2] }, false);
    // Logits 0, 1, 3 and 4 of class 0 against 0 of class 1, half-pixel centres.
    const wanted = [0, 1, 3, 4].map((logit) => 1 / (1 + Math.exp(-logit)));
    (await average.logProbabilities()).data.slice(0, 4).forEach((log, x) => {
      expect(Math.exp(log)).toBeCloseTo(wanted[x], 6);
    });
  });

  it('stays finite where a class is ruled out', async () => {
    const average = new ProbabilityAverage({ shape: [2, 1, 1] }, Uint8Array.of(0, 1), plainKernels);
    await average.add({ data: Float32Array.of(5000, -5000), shape: [2, 1, 1] }, false);
    const [sure, never] = (await average.logProbabilities()).data;
    expect(sure).toBe(0);
    expect(never).toBeCloseTo(Math.log(1e-30), 4);
  });
});
