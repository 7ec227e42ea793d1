import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Photo } from './image.ts';
import { resizeLabels, resizePhoto, resizePhotoSteps } from './resize.ts';

const side = fc.integer({ min: 1, max: 17 });

const photos: fc.Arbitrary<Photo> = fc
  .tuple(side, side)
  .chain(([width, height]) =>
    fc
      .uint8Array({ minLength: width * height * 3, maxLength: width * height * 3 })
      .map((data) => ({ width, height, data })),
  );

/** One channel with the same value in R, G and B, from rows of numbers. */
function gray(rows: number[][]): Photo {
  return {
    width: rows[0].length,
    height: rows.length,
    data: Uint8Array.from(rows.flat().flatMap((value) => [value, value, value])),
  };
}

const firstChannel = (photo: Photo) => Array.from(photo.data).filter((_, i) => i % 3 === 0);

describe('resizePhoto', () => {
  it('shrinks 2:1 to the rounded mean of each 2×2 block', () => {
    fc.assert(
      fc.property(
        fc.tuple(fc.integer({ min: 1, max: 9 }), fc.integer({ min: 1, max: 9 })).chain(([w, h]) =>
          fc.record({
            width: fc.constant(2 * w),
            height: fc.constant(2 * h),
            data: fc.uint8Array({ minLength: 12 * w * h, maxLength: 12 * w * h }),
          }),
        ),
        (photo) => {
          const half = resizePhoto(photo, photo.width / 2, photo.height / 2);
          const at = (x: number, y: number, c: number) => photo.data[(y * photo.width + x) * 3 + c];
          half.data.forEach((value, i) => {
            const c = i % 3;
            const x = 2 * (Math.floor(i / 3) % half.width);
            const y = 2 * Math.floor(i / 3 / half.width);
            const sum = at(x, y, c) + at(x + 1, y, c) + at(x, y + 1, c) + at(x + 1, y + 1, c);
            expect(value).toBe(Math.floor(sum / 4 + 0.5));
          });
        },
      ),
    );
  });

  it('weights partly covered pixels by the covered part', () => {
    // 3 → 2: outputs cover [0, 1.5) and [1.5, 3).
    expect(firstChannel(resizePhoto(gray([[30, 60, 120]]), 2, 1))).toEqual([40, 100]);
    // 5 → 2: outputs cover [0, 2.5) and [2.5, 5).
    expect(firstChannel(resizePhoto(gray([[10], [20], [40], [80], [100]]), 1, 2))).toEqual([20, 80]);
  });

  it('enlarges bilinearly with half-pixel centres and repeated borders', () => {
    expect(firstChannel(resizePhoto(gray([[0, 100]]), 4, 1))).toEqual([0, 25, 75, 100]);
    expect(firstChannel(resizePhoto(gray([[0, 100]]), 4, 2))).toEqual([0, 25, 75, 100, 0, 25, 75, 100]);
  });

  it('may shrink one axis and enlarge the other', () => {
    const tall = [[0, 40, 100, 200]];
    expect(firstChannel(resizePhoto(gray(tall), 2, 3))).toEqual([20, 150, 20, 150, 20, 150]);
  });

  it('keeps the range of values, and a constant image constant', () => {
    fc.assert(
      fc.property(photos, side, side, (photo, width, height) => {
        const result = resizePhoto(photo, width, height);
        for (let c = 0; c < 3; c++) {
          const before = photo.data.filter((_, i) => i % 3 === c);
          const after = result.data.filter((_, i) => i % 3 === c);
          expect(Math.min(...after)).toBeGreaterThanOrEqual(Math.min(...before));
          expect(Math.max(...after)).toBeLessThanOrEqual(Math.max(...before));
        }
      }),
    );
  });

  it('copies at the same size', () => {
    const photo = gray([[1, 2]]);
    const copy = resizePhoto(photo, 2, 1);
    expect(copy).toEqual(photo);
    expect(copy.data).not.toBe(photo.data);
  });

  it('takes memory for a few rows only, for strips too', () => {
    const strip = { width: 1, height: 60_000, data: new Uint8Array(180_000) };
    const before = process.memoryUsage().arrayBuffers;
    const steps = resizePhotoSteps(strip, 4096, 32);
    for (let i = 0; i < 3; i++) steps.next();
    expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(2 ** 26);
  });

  it('refuses impossible sizes and data that do not fit', () => {
    const photo = gray([[1, 2]]);
    expect(() => resizePhoto(photo, 0, 1)).toThrow(/cannot be resized to 0×1/);
    expect(() => resizePhoto(photo, 1.5, 1)).toThrow(/whole numbers/);
    expect(() => resizePhoto(photo, 1e9, 1e9)).toThrow(/32768/);
    expect(() => resizePhoto({ ...photo, width: 3 }, 1, 1)).toThrow(/3×1 photo needs 9 bytes/);
  });
});

describe('resizeLabels', () => {
  it('takes the source pixel under the centre', () => {
    const map = { width: 4, height: 1, data: Uint8Array.of(1, 2, 3, 4) };
    expect([...resizeLabels(map, 2, 1).data]).toEqual([2, 4]);
    expect([...resizeLabels(map, 1, 1).data]).toEqual([3]);
    expect([...resizeLabels(map, 8, 1).data]).toEqual([1, 1, 2, 2, 3, 3, 4, 4]);
  });

  it('follows floor((i + 0.5) · scale) on both axes', () => {
    fc.assert(
      fc.property(side, side, side, side, (width, height, toWidth, toHeight) => {
        const data = Uint8Array.from({ length: width * height }, (_, i) => i % 256);
        const result = resizeLabels({ width, height, data }, toWidth, toHeight);
        result.data.forEach((value, i) => {
          const x = Math.floor((((2 * (i % toWidth) + 1) / 2) * width) / toWidth + 1e-9);
          const y = Math.floor((((2 * Math.floor(i / toWidth) + 1) / 2) * height) / toHeight + 1e-9);
          expect(value).toBe(data[y * width + x]);
        });
      }),
    );
  });
});
