import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { boxesOfFraming } from '../faces/framing.ts';
import type { Photo } from '../image/image.ts';
import { defaultPreprocessing, photoToInput, resizeRules } from '../image/preprocessing.ts';
import { loadAddon, nativePixels } from '../native-addon/load-addon.ts';
import { upsampledArgmax } from '../parser/grid/argmax.ts';
import { ProbabilityAverage } from '../parser/grid/averaging.ts';
import type { ClassScores } from '../parser/grid/grid-classes.ts';
import { plainKernels } from '../parser/grid/kernels.ts';
import { Random } from '../random/random.ts';
import { nativeKernels, pixelKernels } from './pixel-kernels.ts';

const loaded = loadAddon();
const functions = nativePixels()!;
if ('reason' in loaded) console.log(`The add-on's work on pixels is not tested: ${loaded.reason}`);

type Kind = 'noise' | 'smooth' | 'tied' | 'equal' | 'large';

/** Scores of a kind: without structure, of regions with borders, with many ties, all equal, or with large offsets. */
function scoresOf(shape: ClassScores['shape'], kind: Kind, seed: number): ClassScores {
  const [classes, height, width] = shape;
  const random = new Random(seed);
  const waves = Array.from({ length: classes }, () => [
    random.uniform() * 9,
    random.uniform() * 0.5,
    random.uniform() * 0.5,
  ]);
  const data = Float32Array.from({ length: classes * height * width }, (_, i) => {
    if (kind === 'equal') return 0;
    if (kind === 'tied') return Math.round(random.normal());
    if (kind === 'large') return 1e6 + random.normal() * 0.1;
    if (kind === 'noise') return random.normal() * 10 ** (random.uniform() * 6);
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

/** Bits, so that 0 and -0 differ. */
function expectSameBits(actual: Float32Array, expected: Float32Array): void {
  expect(actual.length).toBe(expected.length);
  const [a, b] = [actual, expected].map(({ buffer, byteOffset, length }) => new Int32Array(buffer, byteOffset, length));
  const wrong = a.findIndex((bits, i) => bits !== b[i]);
  if (wrong >= 0) expect(`${wrong}: ${actual[wrong]}`).toBe(`${wrong}: ${expected[wrong]}`);
}

function photoOf(width: number, height: number, seed: number): Photo {
  const random = new Random(seed);
  return { width, height, data: Uint8Array.from({ length: width * height * 3 }, () => random.integer(256)) };
}

describe.skipIf('reason' in loaded)('nativeKernels', () => {
  const native = nativeKernels(functions);

  it('are chosen where the add-on is there', () => {
    expect(pixelKernels()).not.toBe(plainKernels);
  });

  it('draw squares of photos like the plain kernels', async () => {
    const number = (min: number, max: number) => fc.double({ min, max, noNaN: true });
    await fc.assert(
      fc.asyncProperty(
        fc.tuple(side, side, side),
        fc.tuple(number(-60, 90), number(-60, 90), number(0.5, 200), number(-200, 200)),
        fc.nat(),
        async ([width, height, size], [x, y, extent, angle], seed) => {
          const photo = photoOf(width, height, seed);
          const boxes = boxesOfFraming({ x, y, side: extent, angle }, size);
          const color = { gain: [0.25, 1 / 255, 3], bias: [-1, 0.5, 0.1] } as const;
          const [actual, expected] = await Promise.all(
            [native, plainKernels].map((kernels) => kernels.drawBoxes(photo, boxes, color, size)),
          );
          expectSameBits(actual, expected);
        },
      ),
      { numRuns: 300 },
    );
  });

  it('take the means of blocks like the plain kernels', async () => {
    await fc.assert(
      fc.asyncProperty(fc.tuple(side, side), part, fc.nat(), async ([width, height], share, seed) => {
        const photo = photoOf(width, height, seed);
        const factor = 1 + Math.floor(share * (Math.min(width, height) - 1));
        expect(await native.blockMeans(photo, factor)).toEqual(await plainKernels.blockMeans(photo, factor));
      }),
      { numRuns: 300 },
    );
    const white = { width: 4000, height: 400, data: new Uint8Array(4000 * 400 * 3).fill(255) };
    expect((await native.blockMeans(white, 400)).data.every((value) => value === 255)).toBe(true);
  });

  it.each([
    ['a factor above the height', 3, 2, 3, 99],
    ['too short a photo', 40, 40, 2, 99_999],
    ['too short a result', 4, 4, 1, 0],
  ])('blockMeans refuses %s', (_, width, height, factor, room) => {
    const call = () => functions.blockMeans(new Uint8Array(48), width, height, factor, new Uint8Array(room));
    expect(call).toThrow(/blockMeans/);
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

  it('give the probabilities of the plain average, mirrored or not, and its logarithms', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.tuple(classCount, side, side),
        fc.tuple(side, side),
        kinds,
        fc.array(fc.boolean(), { minLength: 1, maxLength: 4 }),
        fc.nat(),
        async ([classes, height, width], [gridHeight, gridWidth], kind, views, seed) => {
          const grid = { shape: [classes, gridHeight, gridWidth] } as const;
          const mirror = Uint8Array.from({ length: 256 }, (_, id) => (id < classes - 1 ? id ^ 1 : id)).map((id) =>
            Math.min(id, classes - 1),
          );
          const [actual, expected] = await Promise.all(
            [native, plainKernels].map(async (kernels) => {
              const average = new ProbabilityAverage(grid, mirror, kernels);
              for (const [view, mirrored] of views.entries()) {
                await average.add(scoresOf([classes, height, width], kind, seed + view), mirrored);
              }
              return average.logProbabilities();
            }),
          );
          expectSameBits(actual.data, expected.data);
        },
      ),
      { numRuns: 300 },
    );
  });

  it('give the inputs of photoToInput, stretched or letterboxed', async () => {
    const photoSide = fc.oneof(fc.integer({ min: 1, max: 9 }), fc.integer({ min: 1, max: 300 }));
    const size = fc.oneof(fc.integer({ min: 32, max: 200 }), fc.constantFrom(32, 64, 96));
    const rules = fc.record({
      resize: fc.constantFrom(...resizeRules),
      mean: fc.constantFrom([0.5, 0.5, 0.5] as const, [0.485, 0.456, 0.406] as const),
      std: fc.constantFrom([0.25, 0.25, 0.25] as const, [0.229, 0.224, 0.225] as const),
    });
    await fc.assert(
      fc.asyncProperty(photoSide, photoSide, size, rules, async (width, height, pixels, preprocessing) => {
        const random = new Random(width * 1000 + height);
        // Nothing to spare behind the last pixel.
        const data = Uint8Array.from({ length: width * height * 3 }, () => random.integer(256));
        const call = [
          { width, height, data },
          { ...preprocessing, size: pixels },
        ] as const;
        expectSameBits(await native.photoToInput(...call), photoToInput(...call));
      }),
      { numRuns: 400 },
    );
  });

  it.each([
    [512, 512, 384],
    [1920, 1080, 384],
    [3000, 4000, 256],
    [400, 300, 448],
  ])('give the input of a photo of %i×%i at %i', async (width, height, size) => {
    const random = new Random(size);
    const photo = { width, height, data: Uint8Array.from({ length: width * height * 3 }, () => random.integer(256)) };
    for (const resize of resizeRules) {
      const preprocessing = { ...defaultPreprocessing, size, resize };
      expectSameBits(await native.photoToInput(photo, preprocessing), photoToInput(photo, preprocessing));
    }
  });

  it('refuse photos whose data do not match their size, as the plain ones do', async () => {
    const photo = { width: 4, height: 4, data: new Uint8Array(47) };
    const preprocessing = { ...defaultPreprocessing, size: 32 };
    const errors = await Promise.all(
      [native, plainKernels].map((kernels) => kernels.photoToInput(photo, preprocessing).catch(String)),
    );
    expect(errors[0]).toMatch(/48 bytes/);
    expect(errors[0]).toBe(errors[1]);
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

  type Faults = readonly (readonly [index: number, value: unknown, message: RegExp])[];

  function expectFaults<T extends readonly unknown[]>(work: (...call: T) => unknown, call: T, faults: Faults): void {
    for (const [index, value, message] of faults) {
      const wrong = call.map((argument, i) => (i === index ? value : argument)) as unknown as T;
      expect(() => work(...wrong), String(message)).toThrow(message);
    }
  }

  const floats = new Float32Array(8);
  const taps = [Int32Array.of(0, 1), Float64Array.of(0, 0.5)] as const;
  const tapFaults: Faults = [
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
    [6, Int32Array.of(0, 2), /"columns" leads to 2, outside/],
    [7, Float64Array.of(Number.NaN, 0), /"columnFractions" holds nan/i],
  ];

  it('refuse what does not fit an argmax', async () => {
    const call = [floats, 2, 2, 2, ...taps, ...taps, new Uint8Array(4), new Float64Array(256)] as const;
    await functions.argmax(...call);
    expectFaults<typeof call>(functions.argmax, call, [
      ...tapFaults,
      [8, new Uint8Array(3), /"labels" holds 3 values, but must hold 4/],
      [9, new Float64Array(255), /"pixels" holds 255/],
      [9, undefined, /"pixels" must be a Float64Array/],
    ]);
  });

  it('refuse what does not fit an average', async () => {
    const call = [floats, 2, 2, 2, ...taps, ...taps, Uint8Array.of(1, 0), true, new Float32Array(8)] as const;
    await functions.addProbabilities(...call);
    expectFaults<typeof call>(functions.addProbabilities, call, [
      ...tapFaults,
      [8, Uint8Array.of(0), /"targets" has 1 numbers/],
      [8, Uint8Array.of(0, 2), /"targets" holds 2/],
      [9, 1, /"mirrored" must be true or false/],
      [10, new Float32Array(7), /"sums" holds 7 values, but must hold 8/],
    ]);
    const logarithms = [floats, 1, Float64Array.of(1e-30), new Float32Array(8)] as const;
    await functions.meanLogarithms(...logarithms);
    expectFaults<typeof logarithms>(functions.meanLogarithms, logarithms, [
      [1, 0, /"views"/],
      [2, Float64Array.of(0), /"least" holds/],
      [3, new Float32Array(7), /"out" holds 7/],
    ]);
  });

  it('refuse what does not fit an input', async () => {
    const axis = [Int32Array.of(0, 2), Int32Array.of(2, 2), new Float64Array(4).fill(1)] as const;
    const [one, tables, out] = [Float64Array.of(4), new Float32Array(768), new Float32Array(27)];
    const call = [new Uint8Array(48), 4, 4, 3, ...axis, ...axis, one, 1, 1, 128, tables, out] as const;
    await functions.photoToInput(...call);
    expectFaults<typeof call>(functions.photoToInput, call, [
      [0, new Uint8Array(47), /"photo" holds 47 values, but must hold 48/],
      [1, 2 ** 28 + 1, /"width"/],
      [2, 0, /"height"/],
      [3, 1, /"starts" has 2 numbers/],
      [4, Int32Array.of(0, 3), /2 source pixels from 3 are outside of the photo/],
      [4, Int32Array.of(-1, 0), /from -1 are outside/],
      [5, Int32Array.of(2, 0), /0 source pixels/],
      [5, Int32Array.of(3, 2), /3 source pixels from 0/],
      [5, Int32Array.of(2), /do not match/],
      [6, new Float64Array(3), /do not match/],
      [6, new Float64Array(4).fill(-1), /"weights" holds -1/],
      [7, Int32Array.of(0, 3), /outside of the photo/],
      [10, Float64Array.of(0), /"area" holds 0/],
      [11, 2, /"x" must be a whole number from 0 to 1/],
      [12, 2, /"y"/],
      [13, 256, /"padding"/],
      [14, new Float32Array(767), /"tables" has 767/],
      [15, new Float32Array(26), /"out" holds 26 values, but must hold 27/],
    ]);
  });
});
