import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { identityWarp } from '../../../test/image-fixture.ts';
import type { Normalization } from '../../image/normalization.ts';
import { celebamask19 } from '../../labels/celebamask-19.ts';
import { mirrorTable } from '../../labels/mirror.ts';
import { Random } from '../../random/random.ts';
import {
  type AugmentationOptions,
  applyAugmentation,
  augmentPair,
  drawAugmentation,
  noAugmentation,
  resolveAugmentation,
} from './augment.ts';

const mirror = mirrorTable(celebamask19);
const normalization: Normalization = { mean: [0.5, 0.5, 0.5], std: [0.25, 0.25, 0.25] };

/** Blocks of labels; the red of the photo is 10 times the label, so that each tells what the other must be. */
function encodedPair(size: number, classes: number, seed = 1) {
  const random = new Random(seed);
  const cell = Math.ceil(size / 4);
  const ids = Uint8Array.from({ length: 16 }, () => random.integer(classes));
  const labels = Uint8Array.from(
    { length: size * size },
    (_, i) => ids[Math.floor(Math.floor(i / size) / cell) * 4 + Math.floor((i % size) / cell)],
  );
  const photo = Uint8Array.from({ length: size * size * 3 }, (_, i) => labels[Math.floor(i / 3)] * 10 + (i % 3));
  return { photo: { width: size, height: size, data: photo }, labels: { width: size, height: size, data: labels } };
}

function augment(
  pair: ReturnType<typeof encodedPair>,
  options: Partial<AugmentationOptions>,
  size: number,
  labelSize = size,
  seed = 1,
) {
  const images = new Float32Array(3 * size * size);
  const labels = new Int32Array(labelSize * labelSize);
  const settings = { size, labelSize, options: resolveAugmentation(options), mirror, normalization };
  const drawn = augmentPair(pair.photo, pair.labels, settings, new Random(seed), {
    images,
    imageOffset: 0,
    labels,
    labelOffset: 0,
  });
  return { images, labels, drawn };
}

describe('augmentPair', () => {
  it('normalises and does nothing else when all is off', () => {
    const pair = encodedPair(16, 19);
    const { images, labels } = augment(pair, {}, 16);
    expect([...labels]).toEqual([...pair.labels.data]);
    images.forEach((value, i) => {
      const [c, pixel] = [Math.floor(i / 256), i % 256];
      expect(value).toBeCloseTo((pair.photo.data[pixel * 3 + c] / 255 - 0.5) / 0.25, 5);
    });
  });

  it('flips x exactly and swaps the sides of pairs', () => {
    const pair = encodedPair(16, 19, 5);
    const { images, labels } = augment(pair, { flip: 1 }, 16);
    const plain = augment(pair, {}, 16);
    let swapped = 0;
    for (let y = 0; y < 16; y++) {
      for (let x = 0; x < 16; x++) {
        const source = pair.labels.data[y * 16 + 15 - x];
        expect(labels[y * 16 + x]).toBe(mirror[source]);
        if (mirror[source] !== source) swapped++;
        for (let c = 0; c < 3; c++) {
          expect(images[c * 256 + y * 16 + x]).toBe(plain.images[c * 256 + y * 16 + 15 - x]);
        }
      }
    }
    expect(swapped).toBeGreaterThan(0);
  });

  it('leaves ids alone in a flip without swap', () => {
    const pair = encodedPair(16, 19, 5);
    const { labels } = augment(pair, { flip: 1, flipSwap: false }, 16);
    labels.forEach((id, i) => {
      expect(id).toBe(pair.labels.data[Math.floor(i / 16) * 16 + 15 - (i % 16)]);
    });
  });

  it('keeps photo and labels together under any warp', () => {
    let compared = 0;
    fc.assert(
      fc.property(fc.integer(), fc.constantFrom(48, 24), (seed, labelSize) => {
        const pair = encodedPair(96, 19, seed);
        const options = { flip: 0.5, flipSwap: false, rotation: 30, scale: 0.4, shift: 0.2 };
        const { images, labels } = augment(pair, options, 48, labelSize, seed);
        const ratio = 48 / labelSize;
        const red = (x: number, y: number) => Math.round((images[y * 48 + x] * 0.25 + 0.5) * 255);
        for (let y = 1; y < labelSize - 1; y++) {
          for (let x = 1; x < labelSize - 1; x++) {
            const id = labels[y * labelSize + x];
            const flat = [-1, 0, 1].every((dy) =>
              [-1, 0, 1].every((dx) => labels[(y + dy) * labelSize + x + dx] === id),
            );
            if (id === 255 || !flat) continue;
            for (let k = 0; k < ratio * ratio; k++) {
              const value = red(x * ratio + (k % ratio), y * ratio + Math.floor(k / ratio));
              expect(value).toBe(id * 10);
            }
            compared++;
          }
        }
      }),
      { numRuns: 60 },
    );
    expect(compared).toBeGreaterThan(5000);
  });

  it('holds only ids of the source, their mirror images, and 255', () => {
    fc.assert(
      fc.property(fc.integer(), fc.boolean(), fc.boolean(), (seed, flipSwap, ignore) => {
        const pair = encodedPair(20, 19, seed);
        const outside = ignore ? 'ignore' : 'texture';
        const options = { flip: 0.5, flipSwap, rotation: 180, scale: 1, shift: 1, outside } as const;
        const allowed = new Set<number>(pair.labels.data);
        if (flipSwap) for (const id of pair.labels.data) allowed.add(mirror[id]);
        allowed.add(ignore ? 255 : 0);
        for (const id of augment(pair, options, 16, 8, seed).labels) expect(allowed).toContain(id);
      }),
    );
  });

  it('clamps colours to what a photo can hold', () => {
    const pair = encodedPair(16, 19);
    const { images } = augment(pair, { brightness: 1, contrast: 1, saturation: 1, grayscale: 0.5 }, 16);
    for (const value of images) expect(value >= -2 - 1e-5 && value <= 2 + 1e-5).toBe(true);
  });

  it('makes a grey photo when asked to', () => {
    const { images } = augment(encodedPair(8, 19), { grayscale: 1 }, 8);
    for (let i = 0; i < 64; i++) expect(images[i + 64]).toBeCloseTo(images[i], 5);
  });

  it('writes at the offsets and nowhere else', () => {
    const pair = encodedPair(8, 19);
    const images = new Float32Array(5 + 48 + 5).fill(9);
    const labels = new Int32Array(3 + 4 + 3).fill(9);
    const options = resolveAugmentation({ blur: 1, noise: 0.1, flip: 1 });
    const settings = { size: 4, labelSize: 2, options, mirror, normalization };
    augmentPair(pair.photo, pair.labels, settings, new Random(1), { images, imageOffset: 5, labels, labelOffset: 3 });
    expect([...images.subarray(0, 5), ...images.subarray(53)]).toEqual(new Array(10).fill(9));
    expect([...labels.subarray(0, 3), ...labels.subarray(7)]).toEqual(new Array(6).fill(9));
    expect(images.subarray(5, 53).every((value) => value !== 9)).toBe(true);
    expect(() =>
      augmentPair(pair.photo, pair.labels, settings, new Random(1), {
        images,
        imageOffset: 20,
        labels,
        labelOffset: 3,
      }),
    ).toThrow(/images array has 58 elements; writing 48 from 20 on does not fit/);
  });

  it('depends on the random generator alone', () => {
    const pair = encodedPair(16, 19);
    const options = { flip: 0.5, rotation: 20, scale: 0.2, shift: 0.1, brightness: 0.2, blur: 0.5, noise: 0.05 };
    expect(augment(pair, options, 16, 8, 4)).toEqual(augment(pair, options, 16, 8, 4));
    expect(augment(pair, options, 16, 8, 4).drawn).not.toEqual(augment(pair, options, 16, 8, 5).drawn);
  });

  it('adds noise, blur and JPEG only to the photo', () => {
    const pair = encodedPair(16, 19);
    const settings = { size: 16, labelSize: 16, options: noAugmentation, mirror, normalization };
    const target = { images: new Float32Array(768), imageOffset: 0, labels: new Int32Array(256), labelOffset: 0 };
    const plain = augment(pair, {}, 16);
    for (const change of [
      { blur: 1, jpeg: 0, noise: 0 },
      { blur: 0, jpeg: 30, noise: 0 },
      { blur: 0, jpeg: 0, noise: 0.1 },
    ]) {
      applyAugmentation(pair.photo, pair.labels, { warp: identityWarp, ...change }, settings, new Random(1), target);
      expect(target.images).not.toEqual(plain.images);
      expect(target.labels).toEqual(plain.labels);
    }
  });
});

describe('drawAugmentation', () => {
  it('leaves everything as it is when all is off', () => {
    expect(drawAugmentation(noAugmentation, new Random(1))).toEqual({
      warp: {
        rotation: expect.closeTo(0),
        scale: 1,
        shiftX: expect.closeTo(0),
        shiftY: expect.closeTo(0),
        mirrored: false,
      },
      color: undefined,
      blur: 0,
      jpeg: 0,
      noise: 0,
    });
  });

  it('covers the ranges it names, and no more', () => {
    const options = resolveAugmentation({
      flip: 0.5,
      rotation: 15,
      scale: 0.25,
      shift: 0.1,
      noise: 0.2,
      blur: 0.3,
      jpeg: 0.4,
    });
    const all = Array.from({ length: 4000 }, (_, i) => drawAugmentation(options, new Random(1, i)));
    const range = (values: number[]) => [Math.min(...values), Math.max(...values)];
    const near = (actual: number[], expected: number[]) => {
      const width = expected[1] - expected[0];
      expect(actual[0]).toBeGreaterThanOrEqual(expected[0]);
      expect(actual[0]).toBeLessThan(expected[0] + width / 100);
      expect(actual[1]).toBeLessThanOrEqual(expected[1]);
      expect(actual[1]).toBeGreaterThan(expected[1] - width / 100);
    };
    near(range(all.map(({ warp }) => warp.rotation)), [-15, 15]);
    near(range(all.map(({ warp }) => Math.log(warp.scale))), [-0.25 - 1e-9, 0.25 + 1e-9]);
    near(range(all.map(({ warp }) => warp.shiftX)), [-0.1, 0.1]);
    near(range(all.map(({ warp }) => warp.shiftY)), [-0.1, 0.1]);
    near(range(all.map(({ noise }) => noise)), [0, 0.2]);
    near(range(all.map(({ blur }) => blur).filter((blur) => blur > 0)), [0.4, 1.2]);
    near(range(all.map(({ jpeg }) => jpeg).filter((jpeg) => jpeg > 0)), [20, 80]);
    expect(all.filter(({ jpeg }) => jpeg > 0).length / all.length).toBeCloseTo(0.4, 1);
    expect(all.filter(({ warp }) => warp.mirrored).length / all.length).toBeCloseTo(0.5, 1);
    expect(all.filter(({ blur }) => blur > 0).length / all.length).toBeCloseTo(0.3, 1);
  });

  it('makes faces smaller, but not larger, by shrinking', () => {
    const options = resolveAugmentation({ shrink: 1.4 });
    const all = Array.from({ length: 4000 }, (_, i) => drawAugmentation(options, new Random(1, i)));
    const exponents = all.map(({ warp }) => -Math.log(warp.scale)).sort((a, b) => a - b);
    expect(exponents[0]).toBeGreaterThanOrEqual(-1e-9);
    expect(exponents[3999]).toBeLessThan(1.4);
    expect(exponents[1000]).toBeCloseTo(0.35, 1);
    expect(exponents[3000]).toBeCloseTo(1.05, 1);
  });

  it('draws the same for the others when one option is switched on', () => {
    const base = drawAugmentation(resolveAugmentation({ rotation: 10, noise: 0.1 }), new Random(3));
    const more = drawAugmentation(
      resolveAugmentation({ rotation: 10, noise: 0.1, flip: 1, shift: 0.1, shrink: 1 }),
      new Random(3),
    );
    expect(more.warp.rotation).toBe(base.warp.rotation);
    expect(more.noise).toBe(base.noise);
    // What is drawn after it, such as the noise's values, stays too.
    const [without, withJpeg] = [new Random(3), new Random(3)];
    drawAugmentation(noAugmentation, without);
    drawAugmentation(resolveAugmentation({ jpeg: 1 }), withJpeg);
    expect(withJpeg.next()).toBe(without.next());
  });
});

describe('resolveAugmentation', () => {
  it('names what is out of range', () => {
    expect(() => resolveAugmentation({ flip: 1.5 })).toThrow(/"flip" is 1.5; it must be from 0 \(off\) to 1/);
    expect(() => resolveAugmentation({ rotation: -3 })).toThrow(/"rotation" is -3/);
    expect(() => resolveAugmentation({ scale: Number.NaN })).toThrow(/"scale" is NaN/);
    expect(() => resolveAugmentation({ jpeg: 2 })).toThrow(/"jpeg" is 2/);
    expect(() => resolveAugmentation({ cutMix: -1 })).toThrow(/"cutMix" is -1/);
    expect(() => resolveAugmentation({ copyPaste: { probability: 2, classes: [] } })).toThrow(/probability" is 2/);
    expect(() => resolveAugmentation({ outside: 'hair' as never })).toThrow(/"outside" is hair/);
    expect(() => resolveAugmentation({ shrink: 3 })).toThrow(/"shrink" is 3; it must be from 0 \(off\) to 2/);
  });
});
