import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { loadAddon, nativePixels } from '../native-addon/load-addon.ts';
import { Random } from '../random/random.ts';
import { upsampledArgmax } from './argmax.ts';
import type { ClassScores } from './grid-classes.ts';
import { plainKernels } from './kernels.ts';
import { nativeKernels, pixelKernels } from './native-kernels.ts';

const loaded = loadAddon();
const functions = nativePixels()!;
if ('reason' in loaded) console.log(`The add-on's work on pixels is not tested: ${loaded.reason}`);

type Kind = 'noise' | 'smooth' | 'tied' | 'equal' | 'large';

/** Scores of a kind: without structure, of regions with borders, with many ties, all equal, or with large offsets. */
function scoresOf(shape: ClassScores['shape'], kind: Kind, seed: number): ClassScores {
  const [classes, height, width] = shape;
  const random = new Random(seed);
  const waves = Array.from({ length: classes }, () => [random.next() * 9, random.next() * 0.5, random.next() * 0.5]);
  const data = Float32Array.from({ length: classes * height * width }, (_, i) => {
    if (kind === 'equal') return 0;
    if (kind === 'tied') return Math.round(random.normal());
    if (kind === 'large') return 1e6 + random.normal() * 0.1;
    if (kind === 'noise') return random.normal() * 10 ** (random.next() * 6);
    const [phase, down, across] = waves[Math.floor(i / (height * width))];
    return 5 * Math.sin(phase + down * (Math.floor(i / width) % height) + across * (i % width));
  });
  return { shape, data };
}

const kinds = fc.constantFrom<Kind>('noise', 'smooth', 'tied', 'equal', 'large');
const side = fc.oneof(fc.integer({ min: 1, max: 5 }), fc.integer({ min: 1, max: 40 }));
const output = fc.oneof(fc.integer({ min: 1, max: 9 }), fc.integer({ min: 1, max: 150 }));
const classCount = fc.oneof(fc.integer({ min: 1, max: 19 }), fc.constantFrom(8, 9, 16, 17, 255));
const part = fc.double({ min: 0, max: 1, noNaN: true });

/** A part of a grid, as `cropGrid` leaves it or any other. */
function regionOf([, height, width]: ClassScores['shape'], [x, y, w, h]: readonly number[]) {
  return { x: x * (width - 1), y: y * (height - 1), width: 0.1 + w * width, height: 0.1 + h * height };
}

describe.skipIf('reason' in loaded)('nativeKernels', () => {
  const native = nativeKernels(functions);

  it('are chosen where the add-on is there', () => {
    expect(pixelKernels()).not.toBe(plainKernels);
  });

  it('give the labels of the plain argmax, and its counts', async () => {
    const regions = fc.option(fc.tuple(part, part, part, part), { nil: undefined });
    const size = fc.tuple(output, output);
    await fc.assert(
      fc.asyncProperty(
        fc.tuple(classCount, side, side),
        kinds,
        regions,
        size,
        fc.nat(),
        async (shape, kind, region, [height, width], seed) => {
          const whole = scoresOf(shape, kind, seed);
          const scores = region ? { ...whole, region: regionOf(shape, region) } : whole;
          const actual = await native.upsampledArgmax(scores, height, width);
          const expected = upsampledArgmax(scores, height, width);
          expect(actual.data.findIndex((id, i) => id !== expected.data[i])).toBe(-1);
          expect(actual).toEqual(expected);
        },
      ),
      { numRuns: 500 },
    );
  });

  it.each([
    [512, 512],
    [1080, 1920],
    [33, 2000],
  ])('give the labels of a face of %i×%i', async (height, width) => {
    for (const kind of ['smooth', 'noise'] as const) {
      const scores = scoresOf([19, 192, 192], kind, height);
      const actual = await native.upsampledArgmax(scores, height, width);
      const expected = upsampledArgmax(scores, height, width);
      expect(Buffer.compare(actual.data, expected.data)).toBe(0);
      expect(actual.pixels).toEqual(expected.pixels);
    }
  });

  it('take scores that are not finite, as the plain argmax does', async () => {
    const data = Float32Array.of(0, 0, 0, 0, Number.NEGATIVE_INFINITY, -1, -1, -1);
    const scores = { data, shape: [2, 2, 2] } as const;
    expect(await native.upsampledArgmax(scores, 4, 4)).toEqual(upsampledArgmax(scores, 4, 4));
    const nothing = { data: new Float32Array(8).fill(Number.NaN), shape: [2, 2, 2] } as const;
    expect((await native.upsampledArgmax(nothing, 4, 4)).pixels[0]).toBe(16);
  });

  it('leave the thread free', async () => {
    const scores = scoresOf([19, 192, 192], 'noise', 1);
    let turns = 0;
    const timer = setInterval(() => turns++, 1);
    await Promise.all(Array.from({ length: 4 }, () => native.upsampledArgmax(scores, 3000, 4000)));
    clearInterval(timer);
    expect(turns).toBeGreaterThan(3);
  });

  it('refuse what does not fit', () => {
    const floats = new Float32Array(8);
    const taps = [Int32Array.of(0, 1), Float64Array.of(0, 0.5)] as const;
    const labels = new Uint8Array(4);
    const pixels = new Float64Array(256);
    const call = [floats, 2, 2, 2, ...taps, ...taps, labels, pixels] as const;
    const replaced = (index: number, value: unknown) =>
      functions.argmax(...(call.map((argument, i) => (i === index ? value : argument)) as unknown as typeof call));
    const faults: readonly (readonly [number, unknown, RegExp])[] = [
      [0, new Float32Array(7), /"scores" holds 7 values/],
      [0, new Float64Array(8), /"scores" must be a Float32Array/],
      [1, 0, /"classes" must be a whole number from 1 to 255/],
      [1, 256, /"classes"/],
      [2, 2.5, /"height"/],
      [3, 1e12, /"width"/],
      [4, Int32Array.of(0, 2), /"rows" leads to 2, outside/],
      [4, Int32Array.of(-1, 0), /"rows" leads to -1/],
      [4, Int32Array.of(0), /"rows" and "rowFractions" differ/],
      [5, Float64Array.of(0, 1.5), /"rowFractions" holds 1.5/],
      [5, Float64Array.of(0, -0.5), /"rowFractions" holds -0.5/],
      [7, Float64Array.of(Number.NaN, 0), /"columnFractions" holds nan/i],
      [8, new Uint8Array(3), /"labels" holds 3 values, but must hold 4/],
      [9, new Float64Array(255), /"pixels" holds 255/],
      [9, undefined, /"pixels" must be a Float64Array/],
    ];
    for (const [index, value, message] of faults) expect(() => replaced(index, value)).toThrow(message);
  });
});
