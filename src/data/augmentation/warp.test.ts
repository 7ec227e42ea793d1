import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { identityWarp } from '../../../test/image-fixture.ts';
import type { LabelMap, Photo } from '../../image/image.ts';
import { resizeLabels, resizePhoto } from '../../image/resize.ts';
import { Random } from '../../random/random.ts';
import { type Warp, warpLabels, warpPhoto } from './warp.ts';

/** Values as they are: 0–255. */
const plain = { gain: [1, 1, 1], bias: [0, 0, 0] } as const;
const unchanged = Uint8Array.from({ length: 256 }, (_, id) => id);

function noisePhoto(width: number, height: number, seed = 1): Photo {
  const random = new Random(seed);
  return { width, height, data: Uint8Array.from({ length: width * height * 3 }, () => random.integer(256)) };
}

/** Interleaved values, for comparison with a photo. */
function warped(photo: Photo, warp: Partial<Warp>, size: number): number[] {
  const planes = new Float32Array(3 * size * size);
  warpPhoto(photo, { ...identityWarp, ...warp }, plain, size, planes, 0);
  return Array.from(planes, (_, i) => planes[(i % 3) * size * size + Math.floor(i / 3)]);
}

function warpedLabels(map: LabelMap, warp: Partial<Warp>, size: number, outside = 255): number[] {
  const out = new Uint8Array(size * size);
  warpLabels(map, { ...identityWarp, ...warp }, unchanged, outside, size, out, 0);
  return [...out];
}

const side = fc.integer({ min: 1, max: 24 });
const warps: fc.Arbitrary<Warp> = fc.record({
  rotation: fc.double({ min: -180, max: 180, noNaN: true }),
  scale: fc.double({ min: 0.3, max: 3, noNaN: true }),
  shiftX: fc.double({ min: -1, max: 1, noNaN: true }),
  shiftY: fc.double({ min: -1, max: 1, noNaN: true }),
  mirrored: fc.boolean(),
});

describe('warpPhoto', () => {
  it('is the exact mean of 2×2 for a plain 512 to 256, as resizePhoto rounds it', () => {
    const photo = noisePhoto(512, 512);
    const values = warped(photo, {}, 256);
    const sum = (x: number, y: number, c: number) =>
      [0, 1].flatMap((dy) => [0, 1].map((dx) => photo.data[((y + dy) * 512 + x + dx) * 3 + c])).reduce((a, b) => a + b);
    const wrong = values.filter((value, i) => {
      const pixel = Math.floor(i / 3);
      return value !== sum(2 * (pixel % 256), 2 * Math.floor(pixel / 256), i % 3) / 4;
    });
    expect(wrong).toEqual([]);
    expect(Uint8Array.from(values, (value) => value + 0.5)).toEqual(resizePhoto(photo, 256, 256).data);
  });

  it('agrees with resizePhoto at any size when nothing is warped', () => {
    fc.assert(
      fc.property(side, side, side, (width, height, size) => {
        const photo = noisePhoto(width, height, width * 100 + height);
        const expected = resizePhoto(photo, size, size).data;
        warped(photo, {}, size).forEach((value, i) => {
          expect(Math.abs(value - expected[i])).toBeLessThanOrEqual(0.5 + 1e-4);
        });
      }),
    );
  });

  it('turns a tiny image clockwise by 90°', () => {
    // a b      c a
    // c d  →   d b
    const photo = { width: 2, height: 2, data: Uint8Array.of(10, 0, 0, 20, 0, 0, 30, 0, 0, 40, 0, 0) };
    const red = warped(photo, { rotation: 90 }, 2).filter((_, i) => i % 3 === 0);
    expect(red.map(Math.round)).toEqual([30, 10, 40, 20]);
  });

  it('shifts by whole pixels and repeats the border', () => {
    const photo = { width: 4, height: 4, data: noisePhoto(4, 4).data };
    const values = warped(photo, { shiftX: 0.25, shiftY: -0.5 }, 4);
    for (let y = 0; y < 4; y++) {
      for (let x = 0; x < 4; x++) {
        const from = (Math.min(3, y + 2) * 4 + Math.max(0, x - 1)) * 3;
        expect(values.slice((y * 4 + x) * 3, (y * 4 + x) * 3 + 3)).toEqual([...photo.data.slice(from, from + 3)]);
      }
    }
  });

  it('enlarges about the centre', () => {
    // Scale 2 of 4×4 shows the middle 2×2, bilinearly enlarged: its corners sit a quarter of a pixel outside.
    const data = new Uint8Array(48);
    for (const pixel of [5, 6, 9, 10]) data.fill(200, pixel * 3, pixel * 3 + 3);
    const red = warped({ width: 4, height: 4, data }, { scale: 2 }, 4).filter((_, i) => i % 3 === 0);
    expect(red[5]).toBe(200);
    expect(red[0]).toBeCloseTo(200 * 0.75 * 0.75, 3);
  });

  it('mirrors any warp exactly', () => {
    fc.assert(
      fc.property(side, side, warps, (width, size, warp) => {
        const photo = noisePhoto(width, width);
        const straight = warped(photo, { ...warp, mirrored: false }, size);
        const mirrored = warped(photo, { ...warp, mirrored: true }, size);
        mirrored.forEach((value, i) => {
          const pixel = Math.floor(i / 3);
          const x = size - 1 - (pixel % size);
          expect(value).toBe(straight[(Math.floor(pixel / size) * size + x) * 3 + (i % 3)]);
        });
      }),
    );
  });

  it('stays within the values of the photo under any warp', () => {
    fc.assert(
      fc.property(side, side, side, warps, (width, height, size, warp) => {
        const photo = noisePhoto(width, height);
        const values = warped(photo, warp, size);
        const low = Math.min(...photo.data);
        const high = Math.max(...photo.data);
        for (const value of values) expect(value >= low - 1e-3 && value <= high + 1e-3).toBe(true);
      }),
    );
  });
});

describe('warpLabels', () => {
  it('agrees with resizeLabels at any size when nothing is warped', () => {
    fc.assert(
      fc.property(side, side, side, (width, height, size) => {
        const map = { width, height, data: Uint8Array.from({ length: width * height }, (_, i) => i % 251) };
        expect(warpedLabels(map, {}, size)).toEqual([...resizeLabels(map, size, size).data]);
      }),
    );
  });

  it('turns clockwise by 90° and back', () => {
    const map = { width: 3, height: 3, data: Uint8Array.of(1, 2, 3, 4, 5, 6, 7, 8, 9) };
    expect(warpedLabels(map, { rotation: 90 }, 3)).toEqual([7, 4, 1, 8, 5, 2, 9, 6, 3]);
    expect(warpedLabels(map, { rotation: -90 }, 3)).toEqual([3, 6, 9, 2, 5, 8, 1, 4, 7]);
    expect(warpedLabels(map, { rotation: 180 }, 3)).toEqual([9, 8, 7, 6, 5, 4, 3, 2, 1]);
  });

  it('marks what comes from outside', () => {
    const map = { width: 2, height: 2, data: Uint8Array.of(1, 2, 3, 4) };
    expect(warpedLabels(map, { shiftX: 0.5 }, 2)).toEqual([255, 1, 255, 3]);
    expect(warpedLabels(map, { shiftY: -0.5 }, 2, 0)).toEqual([3, 4, 0, 0]);
    expect(warpedLabels(map, { scale: 0.5 }, 4)).toEqual([
      255, 255, 255, 255, 255, 1, 2, 255, 255, 3, 4, 255, 255, 255, 255, 255,
    ]);
  });

  it('gives only ids of the source, or the one for outside', () => {
    fc.assert(
      fc.property(side, side, side, warps, fc.uint8Array({ minLength: 3, maxLength: 3 }), (w, h, size, warp, ids) => {
        const map = { width: w, height: h, data: Uint8Array.from({ length: w * h }, (_, i) => ids[i % 3]) };
        for (const id of warpedLabels(map, warp, size)) expect([...ids, 255]).toContain(id);
      }),
    );
  });
});
