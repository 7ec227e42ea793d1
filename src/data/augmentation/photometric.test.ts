import { describe, expect, it } from 'vitest';
import { Random } from '../../random/random.ts';
import { addNoise, blurPlanes, colorMatrix } from './photometric.ts';

const apply = (matrix: readonly number[], [r, g, b]: number[]) =>
  [0, 1, 2].map((c) => matrix[4 * c] * r + matrix[4 * c + 1] * g + matrix[4 * c + 2] * b + matrix[4 * c + 3]);

describe('colorMatrix', () => {
  it('is absent when nothing changes', () => {
    expect(colorMatrix(1, 1, 1)).toBeUndefined();
  });

  it('brightens, spreads about mid-grey, and saturates about the luma', () => {
    expect(apply(colorMatrix(1.5, 1, 1)!, [10, 20, 30])).toEqual([15, 30, 45]);
    expect(apply(colorMatrix(1, 2, 1)!, [127.5, 100, 200])).toEqual([127.5, 72.5, 272.5]);
    const gray = apply(colorMatrix(1, 1, 0)!, [100, 50, 200]);
    for (const value of gray) expect(value).toBeCloseTo(0.299 * 100 + 0.587 * 50 + 0.114 * 200, 9);
    // Grey stays grey at any saturation.
    for (const value of apply(colorMatrix(1, 1, 1.7)!, [80, 80, 80])) expect(value).toBeCloseTo(80, 9);
  });
});

describe('blurPlanes', () => {
  it('spreads a point as a Gaussian, the same in both directions, and keeps the sum', () => {
    const size = 15;
    const planes = new Float32Array(2 + 3 * size * size);
    const centre = 2 + 7 * size + 7;
    planes[centre] = 1;
    blurPlanes(planes, 2, size, 1);
    expect(planes.reduce((sum, value) => sum + value, 0)).toBeCloseTo(1, 5);
    expect(planes[centre + 1] / planes[centre]).toBeCloseTo(Math.exp(-0.5), 5);
    expect(planes[centre + 2 * size] / planes[centre]).toBeCloseTo(Math.exp(-2), 5);
    expect(planes[centre + size - 1]).toBeCloseTo(planes[centre - size + 1], 7);
    // The other planes and what lies before are untouched.
    expect(planes.subarray(0, 2)).toEqual(new Float32Array(2));
    expect(planes.subarray(2 + size * size).every((value) => value === 0)).toBe(true);
  });

  it('keeps a constant plane constant up to its borders', () => {
    const planes = new Float32Array(3 * 16).fill(0.25);
    blurPlanes(planes, 0, 4, 1.2);
    for (const value of planes) expect(value).toBeCloseTo(0.25, 6);
  });
});

describe('addNoise', () => {
  it('has the deviation that was asked for in each plane, and no bias', () => {
    const size = 128;
    const planes = new Float32Array(3 * size * size);
    addNoise(planes, 0, size, [0.1, 0.2, 0], new Random(1));
    [0.1, 0.2, 0].forEach((sigma, channel) => {
      const plane = planes.subarray(channel * size * size, (channel + 1) * size * size);
      const mean = plane.reduce((sum, value) => sum + value, 0) / plane.length;
      const variance = plane.reduce((sum, value) => sum + (value - mean) ** 2, 0) / plane.length;
      expect(Math.abs(mean)).toBeLessThanOrEqual(0.04 * sigma);
      expect(Math.abs(Math.sqrt(variance) - sigma)).toBeLessThanOrEqual(0.02 * sigma);
    });
  });
});
