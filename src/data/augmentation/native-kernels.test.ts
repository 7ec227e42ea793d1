import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { identityWarp } from '../../../test/image-fixture.ts';
import type { ColorTransform } from '../../image/draw-boxes.ts';
import type { Photo } from '../../image/image.ts';
import { defaultPreprocessing } from '../../image/preprocessing.ts';
import { celebamask19 } from '../../labels/celebamask-19.ts';
import { mirrorTable } from '../../labels/mirror.ts';
import { loadAddon, nativeAugmentation } from '../../native-addon/load-addon.ts';
import { Random } from '../../random/random.ts';
import { BatchFiller, type BatchPlan, batchBytes } from '../batches/batch-plan.ts';
import { decodedBytes } from '../decoded/decoded-dataset.ts';
import { resolveAugmentation } from './augment.ts';
import { plainKernels as plain } from './kernels.ts';
import { augmentationKernels, nativeKernels } from './native-kernels.ts';
import { colorMatrix } from './photometric.ts';
import type { Warp } from './warp.ts';

const loaded = loadAddon();
const functions = nativeAugmentation()!;
if ('reason' in loaded) console.log(`The add-on's work on images is not tested: ${loaded.reason}`);

const side = fc.oneof(fc.integer({ min: 1, max: 9 }), fc.integer({ min: 1, max: 150 }));
const size = fc.oneof(
  fc.integer({ min: 1, max: 9 }),
  fc.integer({ min: 1, max: 140 }),
  fc.constantFrom(63, 64, 65, 128),
);
const extremeWarps: fc.Arbitrary<Warp> = fc.record({
  rotation: fc.oneof(fc.double({ min: -180, max: 180, noNaN: true }), fc.constantFrom(0, 90, -90, 180)),
  scale: fc.oneof(fc.double({ min: 0.05, max: 20, noNaN: true }), fc.constantFrom(0.25, 0.5, 1, 2)),
  shiftX: fc.oneof(fc.double({ min: -3, max: 3, noNaN: true }), fc.constantFrom(-0.5, 0, 0.25)),
  shiftY: fc.oneof(fc.double({ min: -3, max: 3, noNaN: true }), fc.constantFrom(-0.25, 0, 0.5)),
  mirrored: fc.boolean(),
});
const usualWarps: fc.Arbitrary<Warp> = fc.record({
  rotation: fc.double({ min: -18, max: 18, noNaN: true }),
  scale: fc.double({ min: 0.8, max: 1.25, noNaN: true }),
  shiftX: fc.double({ min: -0.06, max: 0.06, noNaN: true }),
  shiftY: fc.double({ min: -0.06, max: 0.06, noNaN: true }),
  mirrored: fc.boolean(),
});
const warps = fc.oneof(extremeWarps, usualWarps, fc.constant(identityWarp));
const strength = fc.double({ min: 0, max: 2, noNaN: true });
const colors: fc.Arbitrary<ColorTransform> = fc.record({
  matrix: fc.option(
    fc.tuple(strength, strength, strength).map((values) => colorMatrix(...values)),
    { nil: undefined },
  ),
  gain: fc.constantFrom([1, 1, 1] as const, [1 / 63.75, 1 / 57, 1 / 58.4] as const),
  bias: fc.constantFrom([0, 0, 0] as const, [-2, -2.1, -1.8] as const, [-0, -0, -0] as const),
});

/** Random bytes on shared memory with nothing to spare behind them, as the last of the decoded images has it. */
function sharedBytes(count: number, seed: number): Uint8Array {
  const random = new Random(seed);
  const bytes = new Uint8Array(new SharedArrayBuffer(count));
  for (let i = 0; i < count; i++) bytes[i] = random.integer(256);
  return bytes;
}

function photoOf(width: number, height: number): Photo {
  return { width, height, data: sharedBytes(width * height * 3, width * 1000 + height) };
}

/** Some values before and behind, which must stay. */
const margin = 3;
const filled = (count: number) => new Float32Array(count + 2 * margin).fill(7);

/** Bits, so that 0 and -0 differ. */
function expectSameBits<T extends Float32Array | Int32Array | Uint8Array>(actual: T, expected: T): void {
  const [a, b] = [actual, expected].map(({ buffer }) => new Uint8Array(buffer));
  const wrong = a.findIndex((byte, i) => byte !== b[i]);
  if (wrong < 0) return;
  const place = Math.floor(wrong / actual.BYTES_PER_ELEMENT);
  expect(`${place}: ${actual[place]}`).toBe(`${place}: ${expected[place]}`);
}

describe.skipIf('reason' in loaded)('nativeKernels', () => {
  const native = nativeKernels(functions);

  it('are chosen where the add-on is there', () => {
    expect(augmentationKernels()).not.toBe(plain);
  });

  it('warp photos to the same bits', () => {
    fc.assert(
      fc.property(side, side, size, warps, colors, (width, height, pixels, warp, color) => {
        // Large boxes cover much of the image for every pixel.
        fc.pre((pixels ** 2 * (width * height)) / Math.min(1, warp.scale) ** 2 < 1e8);
        const photo = photoOf(width, height);
        const [actual, expected] = [native, plain].map((operations) => {
          const out = filled(3 * pixels * pixels);
          operations.warpPhoto(photo, warp, color, pixels, out, margin);
          return out;
        });
        expectSameBits(actual, expected);
      }),
      { numRuns: 600 },
    );
  });

  it('warp photos of the usual size to the same bits', () => {
    const photo = photoOf(512, 512);
    fc.assert(
      fc.property(usualWarps, colors, fc.constantFrom(256, 200, 512), (warp, color, pixels) => {
        const [actual, expected] = [native, plain].map((operations) => {
          const out = filled(3 * pixels * pixels);
          operations.warpPhoto(photo, warp, color, pixels, out, margin);
          return out;
        });
        expectSameBits(actual, expected);
      }),
      { numRuns: 30 },
    );
  });

  it('warp photos of one colour to the same rounding errors', () => {
    // Single precision hides in which order double precision was summed, unless what is left is the error alone.
    const byte = fc.integer({ min: 1, max: 255 });
    let errors = 0;
    fc.assert(
      fc.property(
        side,
        size,
        warps,
        colors,
        fc.tuple(byte, byte, byte),
        (width, pixels, warp, color, [red, green, blue]) => {
          fc.pre((pixels * width) ** 2 / Math.min(1, warp.scale) ** 2 < 1e8);
          const m = color.matrix ?? [1, 0, 0, 0, 0, 1, 0, 0, 0, 0, 1, 0];
          const [biasRed, biasGreen, biasBlue] = [0, 1, 2].map(
            (c) => -(m[4 * c] * red + m[4 * c + 1] * green + m[4 * c + 2] * blue + m[4 * c + 3]) * color.gain[c],
          );
          const data = Uint8Array.from({ length: 3 * width * width }, (_, i) => [red, green, blue][i % 3]);
          const [actual, expected] = [native, plain].map((operations) => {
            const out = filled(3 * pixels * pixels);
            const transform = { ...color, bias: [biasRed, biasGreen, biasBlue] as const };
            operations.warpPhoto({ width, height: width, data }, warp, transform, pixels, out, margin);
            return out;
          });
          expectSameBits(actual, expected);
          for (const value of actual) if (Math.abs(value) > 0 && Math.abs(value) < 1e-10) errors++;
        },
      ),
      { numRuns: 300 },
    );
    expect(errors).toBeGreaterThan(10_000);
  });

  it('warp labels to the same ids', () => {
    const relabel = mirrorTable(celebamask19);
    fc.assert(
      fc.property(
        side,
        side,
        size,
        warps,
        fc.constantFrom(0, 255),
        fc.boolean(),
        (width, height, pixels, warp, outside, bytes) => {
          const map = { width, height, data: sharedBytes(width * height, width + height) };
          const [actual, expected] = [native, plain].map((operations) => {
            const out = new (bytes ? Uint8Array : Int32Array)(pixels * pixels + 2 * margin).fill(7);
            operations.warpLabels(map, warp, relabel, outside, pixels, out, margin);
            return out;
          });
          expectSameBits(actual, expected);
        },
      ),
      { numRuns: 300 },
    );
  });

  it('blur to the same bits', () => {
    fc.assert(
      fc.property(size, fc.double({ min: 0.05, max: 12, noNaN: true }), (pixels, sigma) => {
        const random = new Random(pixels);
        const start = filled(3 * pixels * pixels).map(() => random.uniform(-2, 2));
        const [actual, expected] = [native, plain].map((operations) => {
          const planes = start.slice();
          operations.blurPlanes(planes, margin, pixels, sigma);
          return planes;
        });
        expectSameBits(actual, expected);
      }),
      { numRuns: 100 },
    );
  });

  it('add the same noise, and leave the generator where it would be', () => {
    fc.assert(
      fc.property(size, fc.integer(), strength, (pixels, seed, sigma) => {
        const [actual, expected] = [native, plain].map((operations) => {
          const planes = filled(3 * pixels * pixels);
          const random = new Random(seed);
          operations.addNoise(planes, margin, pixels, [sigma, 0, sigma / 2], random);
          return { planes, next: [random.next(), random.next(), random.next(), random.next(), random.next()] };
        });
        expectSameBits(actual.planes, expected.planes);
        expect(actual.next).toEqual(expected.next);
      }),
      { numRuns: 100 },
    );
  });

  it('fill the same batches', () => {
    const [count, side] = [4, 70];
    const buffer = sharedBytes(decodedBytes(count, side), 1).map((byte) => byte % 19).buffer;
    const shared = new SharedArrayBuffer(buffer.byteLength);
    new Uint8Array(shared).set(new Uint8Array(buffer));
    const plan: BatchPlan = {
      decoded: { labelSet: celebamask19.name, size: side, stems: ['a', 'b', 'c', 'd'], buffer: shared },
      batchSize: 3,
      size: 40,
      labelSize: 20,
      augmentation: resolveAugmentation({
        flip: 0.5,
        rotation: 20,
        scale: 0.3,
        shift: 0.1,
        brightness: 0.2,
        grayscale: 0.2,
        blur: 0.5,
        jpeg: 0.3,
        noise: 0.05,
        cutMix: 0.3,
      }),
      mirror: mirrorTable(celebamask19),
      normalization: defaultPreprocessing,
      seed: 1,
    };
    const [actual, expected] = [native, plain].map((operations) => {
      const filler = new BatchFiller(plan, operations);
      return Array.from({ length: 12 }, (_, step) => {
        const batch = new ArrayBuffer(batchBytes(plan));
        const indices = filler.fill(step, batch);
        return { indices, bytes: new Uint8Array(batch) };
      });
    });
    actual.forEach(({ indices, bytes }, step) => {
      expect(indices).toEqual(expected[step].indices);
      expectSameBits(bytes, expected[step].bytes);
    });
  });
});

describe.skipIf('reason' in loaded)('AddonAugmentation', () => {
  const numbers = (...values: number[]) => Float64Array.of(...values);
  const unchanged = Uint8Array.from({ length: 256 }, (_, id) => id);

  type WarpPhoto = Parameters<typeof functions.warpPhoto>;
  const photoArguments: WarpPhoto = [
    new Uint8Array(48),
    4,
    4,
    numbers(2, 0, 0, 0, 2, 0, 2, 2),
    false,
    numbers(1, 1, 1, 0, 0, 0),
    2,
    new Float32Array(14),
    2,
  ];
  type WarpLabels = Parameters<typeof functions.warpLabels>;
  const labelArguments: WarpLabels = [
    new Uint8Array(16),
    4,
    4,
    numbers(2, 0, 1, 0, 2, 1),
    false,
    unchanged,
    255,
    2,
    new Int32Array(5),
    1,
  ];
  type BlurPlanes = Parameters<typeof functions.blurPlanes>;
  const blurArguments: BlurPlanes = [new Float32Array(14), 2, 2, numbers(0.5, 0.25)];
  type AddNoise = Parameters<typeof functions.addNoise>;
  const noiseArguments: AddNoise = [new Float32Array(14), 2, 2, numbers(1, 1, 1), new Int32Array(4)];

  const detached = new Uint8Array(48);
  structuredClone(detached.buffer, { transfer: [detached.buffer] });

  const changed = <T extends unknown[]>(values: T, index: number, value: unknown): T =>
    values.map((old, i) => (i === index ? value : old)) as T;

  it('take what is right', () => {
    functions.warpPhoto(...photoArguments);
    functions.warpLabels(...labelArguments);
    functions.blurPlanes(...blurArguments);
    functions.addNoise(...noiseArguments);
  });

  const wrongPhotos: [number, unknown, RegExp][] = [
    [0, new Uint8Array(47), /"photo" holds 47 values, but must hold 48/],
    [0, detached, /"photo" holds 0 values/],
    [0, new Float32Array(48), /"photo" must be a Uint8Array/],
    [0, [1, 2, 3], /"photo" must be a Uint8Array/],
    [0, undefined, /"photo" must be a Uint8Array/],
    [1, 5, /"photo" holds 48 values, but must hold 60/],
    [1, 0, /"width" must be a whole number from 1 to/],
    [1, -4, /"width" must be/],
    [1, 2.5, /"width" must be/],
    [1, Number.NaN, /"width" must be/],
    [1, 2 ** 31, /"width" must be/],
    [1, 2 ** 27, /too large/],
    [2, '4', /"height" must be/],
    [3, numbers(2, 0, 0, 0, 2, 0, 2), /"boxes" has 7 numbers, but must have from 8 to 8/],
    [3, numbers(2, 0, Number.NaN, 0, 2, 0, 2, 2), /"boxes" holds nan/],
    [3, numbers(2, 0, 0, 0, Number.POSITIVE_INFINITY, 0, 2, 2), /"boxes" holds inf/],
    [3, numbers(2, 0, 1e9, 0, 2, 0, 2, 2), /leads too far/],
    [3, numbers(2, 0, 0, -1e29, 2, 0, 2, 2), /leads too far/],
    [3, numbers(2, 0, 0, 0, 2, 0, 0.5, 2), /at least one pixel/],
    [3, numbers(2, 0, 0, 0, 2, 0, 2, 1e12), /countable/],
    [4, 1, /"mirrored" must be true or false/],
    [5, numbers(1, 1, 1, 0, 0), /"color" has 5 numbers/],
    [5, numbers(1, 1, 1, 0, 0, 0, 1), /12 numbers/],
    [6, 0, /"size" must be/],
    [6, 3, /"out" holds 14 values, but must hold 27 from 2 on/],
    [6, 1e6, /"size" must be/],
    [7, new Float32Array(13), /"out" holds 13 values/],
    [7, new Float64Array(14), /"out" must be a Float32Array/],
    [8, 3, /"out" holds 14 values, but must hold 12 from 3 on/],
    [8, -1, /"offset" must be/],
    [8, 2 ** 53, /"offset" must be/],
    [8, undefined, /"offset" must be/],
  ];
  it('refuse photos that do not fit', () => {
    for (const [index, value, message] of wrongPhotos) {
      expect(() => functions.warpPhoto(...changed(photoArguments, index, value))).toThrow(message);
    }
  });

  const wrongLabels: [number, unknown, RegExp][] = [
    [0, new Uint8Array(15), /"map" holds 15 values, but must hold 16/],
    [2, 5, /"map" holds 16 values/],
    [3, numbers(2, 0, 1, 0, 2, 1e10), /leads too far/],
    [5, new Uint8Array(255), /"relabel" has 255 numbers/],
    [6, 256, /"outside" must be/],
    [8, new Int32Array(4), /"out" holds 4 values/],
    [8, new Uint8Array(4), /"out" holds 4 values/],
    [8, new Float32Array(5), /"out" must be an Int32Array/],
    [9, 2, /"out" holds 5 values/],
  ];
  it('refuse labels that do not fit', () => {
    for (const [index, value, message] of wrongLabels) {
      expect(() => functions.warpLabels(...changed(labelArguments, index, value))).toThrow(message);
    }
  });

  it('refuse planes and numbers that do not fit', () => {
    const blur = (index: number, value: unknown) => () => functions.blurPlanes(...changed(blurArguments, index, value));
    expect(blur(0, new Float32Array(13))).toThrow(/"planes" holds 13 values, but must hold 12 from 2 on/);
    expect(blur(1, 3)).toThrow(/"planes" holds 14 values/);
    expect(blur(2, 0)).toThrow(/"size" must be/);
    expect(blur(3, numbers())).toThrow(/"kernel" has 0 numbers/);
    expect(blur(3, new Float32Array(2))).toThrow(/"kernel" must be a Float64Array/);
    const noise = (index: number, value: unknown) => () => functions.addNoise(...changed(noiseArguments, index, value));
    expect(noise(0, new Float32Array(13))).toThrow(/"planes" holds 13 values/);
    expect(noise(3, numbers(1, 1))).toThrow(/"factors" has 2 numbers/);
    expect(noise(3, numbers(1, 1, Number.NaN))).toThrow(/"factors" holds nan/);
    expect(noise(4, new Int32Array(3))).toThrow(/"state" holds 3 values/);
  });
});
