import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { LabelMap, Photo } from './image.ts';
import { letterboxLabels, letterboxOf, paddingValue } from './letterbox.ts';
import {
  contentBox,
  defaultPreprocessing,
  photoToInput,
  type ResizeRule,
  squareLabels,
  squarePhoto,
} from './preprocessing.ts';
import { resizeLabels, resizePhoto } from './resize.ts';

const letterbox: ResizeRule = 'letterbox-area-bilinear';
const extent = fc.integer({ min: 1, max: 3000 });
const side = fc.integer({ min: 32, max: 600 });

function photoOf(width: number, height: number): Photo {
  return { width, height, data: Uint8Array.from({ length: width * height * 3 }, (_, at) => (at * 7 + 3) % 100) };
}

function mapOf(width: number, height: number): LabelMap {
  return { width, height, data: Uint8Array.from({ length: width * height }, (_, at) => (at * 5) % 19) };
}

describe('letterboxOf', () => {
  it.each([
    [{ width: 400, height: 200 }, 256, { x: 0, y: 64, width: 256, height: 128 }],
    [{ width: 200, height: 400 }, 256, { x: 64, y: 0, width: 128, height: 256 }],
    [{ width: 77, height: 77 }, 256, { x: 0, y: 0, width: 256, height: 256 }],
    [{ width: 1, height: 5000 }, 64, { x: 31, y: 0, width: 2, height: 64 }],
    [{ width: 5000, height: 1 }, 33, { x: 0, y: 16, width: 33, height: 1 }],
    [{ width: 3, height: 2 }, 64, { x: 0, y: 11, width: 64, height: 42 }],
  ])('of %j in %i', (shape, size, box) => {
    expect(letterboxOf(shape, size)).toEqual(box);
  });

  it('is centred, fills one axis, and keeps the aspect ratio up to a pixel', () => {
    fc.assert(
      fc.property(extent, extent, side, (width, height, size) => {
        const box = letterboxOf({ width, height }, size);
        expect([box.x * 2 + box.width, box.y * 2 + box.height]).toEqual([size, size]);
        expect(Math.max(box.width, box.height)).toBe(size);
        const longest = Math.max(width, height);
        for (const [pixels, shown] of [
          [width, box.width],
          [height, box.height],
        ]) {
          expect(shown).toBeGreaterThanOrEqual(1);
          const exact = (size * pixels) / longest;
          expect(Math.abs(shown - exact)).toBeLessThanOrEqual(Math.max(1, 2 - exact));
        }
        expect(letterboxOf({ width: height, height: width }, size)).toEqual({
          x: box.y,
          y: box.x,
          width: box.height,
          height: box.width,
        });
      }),
      { numRuns: 500 },
    );
  });
});

describe('a letterboxed photo', () => {
  it('is the resized photo on grey', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 90 }), fc.integer({ min: 1, max: 90 }), (width, height) => {
        const photo = photoOf(width, height);
        const box = letterboxOf(photo, 40);
        const square = squarePhoto(photo, 40, letterbox);
        const inner = resizePhoto(photo, box.width, box.height);
        for (let y = 0; y < 40; y++) {
          for (let x = 0; x < 40; x++) {
            const [column, row] = [x - box.x, y - box.y];
            const inside = column >= 0 && row >= 0 && column < box.width && row < box.height;
            const expected = inside ? inner.data[(row * box.width + column) * 3 + 1] : paddingValue;
            expect(square.data[(y * 40 + x) * 3 + 1]).toBe(expected);
          }
        }
      }),
      { numRuns: 30 },
    );
  });

  it('that is square is a stretched one', () => {
    for (const size of [10, 40, 77]) {
      const photo = photoOf(size, size);
      const stretched = { ...defaultPreprocessing, size: 40 };
      expect(photoToInput(photo, { ...stretched, resize: letterbox })).toEqual(photoToInput(photo, stretched));
      expect(squareLabels(mapOf(size, size), 40, letterbox)).toEqual(resizeLabels(mapOf(size, size), 40, 40));
      expect(contentBox(photo, { resize: letterbox, size: 40 })).toEqual({ x: 0, y: 0, width: 40, height: 40 });
    }
  });

  it('has padding of nearly 0 in the input of a network', () => {
    const input = photoToInput(photoOf(20, 10), { ...defaultPreprocessing, resize: letterbox, size: 32 });
    expect(input[0]).toBeCloseTo((128 / 255 - 0.5) / 0.25, 6);
  });
});

describe('letterboxed labels', () => {
  it('are the resized labels among ignored pixels', () => {
    const map = mapOf(30, 20);
    const square = letterboxLabels(map, 60);
    const inner = resizeLabels(map, 60, 40);
    expect([...square.data.subarray(0, 600)]).toEqual(new Array(600).fill(255));
    expect([...square.data.subarray(600, 3000)]).toEqual([...inner.data]);
    expect([...square.data.subarray(3000)]).toEqual(new Array(600).fill(255));
  });

  it('cover what the photo does, though they may have another size', () => {
    const photo = { width: 1001, height: 500 };
    const map = { width: 100, height: 50, data: new Uint8Array(5000).fill(3) };
    for (const size of [64, 100, 333]) {
      const { data } = letterboxLabels(map, size, photo);
      const { x, y, width, height } = letterboxOf(photo, size);
      expect(data.filter((id) => id === 3)).toHaveLength(width * height);
      expect(data[y * size + x]).toBe(3);
    }
  });
});
