import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { defaultPreprocessing as normalization } from '../../image/preprocessing.ts';
import { Random } from '../../random/random.ts';
import { jpegPlanes } from './jpeg-artefacts.ts';

const { mean, std } = normalization;

/** Normalised planes from a function of channel and place, in grey levels of 0–255. */
function planesOf(size: number, level: (channel: number, x: number, y: number) => number): Float32Array {
  return Float32Array.from({ length: 3 * size * size }, (_, i) => {
    const [channel, pixel] = [Math.floor(i / size ** 2), i % size ** 2];
    return (level(channel, pixel % size, Math.floor(pixel / size)) / 255 - mean[channel]) / std[channel];
  });
}

const levels = (planes: Float32Array, size: number) =>
  Array.from(planes, (value, i) => 255 * (value * std[Math.floor(i / size ** 2)] + mean[Math.floor(i / size ** 2)]));

function rootMeanSquare(a: readonly number[], b: readonly number[]): number {
  return Math.sqrt(a.reduce((sum, value, i) => sum + (value - b[i]) ** 2, 0) / a.length);
}

const texture = (size: number) => {
  const random = new Random(3);
  return planesOf(size, (c, x, y) => 120 + 60 * Math.sin(x / 3 + c) + 30 * Math.cos(y / 2) + random.uniform(-15, 15));
};

describe('jpegPlanes', () => {
  it('keeps a constant image constant, up to a quantisation step of its mean', () => {
    fc.assert(
      fc.property(
        fc.tuple(fc.nat(255), fc.nat(255), fc.nat(255)),
        fc.integer({ min: 20, max: 100 }),
        fc.integer({ min: 1, max: 20 }),
        (color, quality, size) => {
          const planes = planesOf(size, (channel) => color[channel]);
          jpegPlanes(planes, 0, size, quality, normalization);
          const after = levels(planes, size);
          after.forEach((value, i) => {
            const channel = Math.floor(i / size ** 2);
            expect(value).toBeCloseTo(after[channel * size ** 2], 3);
            // Steps of 40 and 43 at quality 20, over 8 for the mean, half of that each way, chroma times 1.772.
            expect(Math.abs(value - color[channel])).toBeLessThan(8);
          });
        },
      ),
    );
  });

  it('is nearly the identity at quality 100, and loses more the lower the quality', () => {
    const before = texture(40);
    const errors = [100, 80, 50, 20].map((quality) => {
      const planes = before.slice();
      jpegPlanes(planes, 0, 40, quality, normalization);
      return rootMeanSquare(levels(planes, 40), levels(before, 40));
    });
    expect(errors[0]).toBeLessThan(0.6);
    expect(errors[1]).toBeGreaterThan(1.5);
    expect(errors[2]).toBeGreaterThan(1.05 * errors[1]);
    expect(errors[3]).toBeGreaterThan(1.05 * errors[2]);
    expect(errors[3]).toBeLessThan(25);
  });

  it('leaves jumps at the edges of its blocks of 8', () => {
    const size = 64;
    const planes = planesOf(size, (_, x, y) => 0.3 * x + 0.2 * y + 100);
    jpegPlanes(planes, 0, size, 20, normalization);
    const after = levels(planes, size);
    const jumps = [0, 0];
    for (let y = 0; y < size; y++) {
      for (let x = 1; x < size; x++) {
        const edge = x % 8 === 0;
        jumps[edge ? 1 : 0] += Math.abs(after[y * size + x] - after[y * size + x - 1]) / (edge ? 7 : 56);
      }
    }
    expect(jumps[1]).toBeGreaterThan(2 * jumps[0]);
  });

  it('transforms a block as the definition of the DCT says', () => {
    // A luma wave that is one basis function survives alone, as whole steps of the table: 2 · 12 at quality 50 for (1, 0).
    const amplitude = 24;
    const wave = (x: number) => (amplitude / 8) * Math.SQRT2 * Math.cos(((2 * x + 1) * Math.PI) / 16);
    const planes = planesOf(8, (_, x) => 128 + 0.97 * wave(x));
    jpegPlanes(planes, 0, 8, 50, normalization);
    // The step of (0, 1) is 11: 0.97 · 24 comes to 2 · 11.
    levels(planes, 8).forEach((value, i) => {
      expect(value).toBeCloseTo(128 + (22 / 24) * wave(i % 8), 3);
    });
  });

  it('stays within what a photo can hold, and writes nowhere else', () => {
    const random = new Random(5);
    const planes = new Float32Array(4 + 3 * 11 * 11 + 4).fill(9);
    planes.set(
      planesOf(11, () => 255 * random.integer(2)),
      4,
    );
    jpegPlanes(planes, 4, 11, 20, normalization);
    expect([...planes.subarray(0, 4), ...planes.subarray(-4)]).toEqual(new Array(8).fill(9));
    for (const value of planes.subarray(4, -4)) expect(Math.abs(value)).toBeLessThanOrEqual(2 + 1e-5);
  });
});
