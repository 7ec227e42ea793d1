import { describe, expect, it } from 'vitest';
import { celebamask19 } from '../labels/celebamask-19.ts';
import type { LabelMap, Photo } from './image.ts';
import { blendOverlay, colorize } from './overlay.ts';

const gray: Photo = { width: 5, height: 5, data: new Uint8Array(75).fill(100) };

function labelsOf(rows: readonly string[], ids: Record<string, number>): LabelMap {
  return { width: rows[0].length, height: rows.length, data: Uint8Array.from(rows.join(''), (c) => ids[c]) };
}

const labels = labelsOf(['.....', '.sss.', '.sss.', '.sss.', '..x..'], { '.': 0, s: 1, x: 255 });

function pixel(photo: Photo, x: number, y: number): number[] {
  return [...photo.data.slice((y * photo.width + x) * 3, (y * photo.width + x) * 3 + 3)];
}

describe('colorize', () => {
  it('paints ids in the colours of the set, and unknown ids black', () => {
    const image = colorize(labels, celebamask19);
    expect([image.width, image.height]).toEqual([5, 5]);
    expect(pixel(image, 0, 0)).toEqual([0, 0, 0]);
    expect(pixel(image, 2, 2)).toEqual([204, 0, 0]);
    expect(pixel(image, 2, 4)).toEqual([0, 0, 0]);
  });
});

describe('blendOverlay', () => {
  it('blends the class colour by its opacity', () => {
    const image = blendOverlay(gray, labels, celebamask19, { opacity: 0.25, contours: false });
    expect(pixel(image, 2, 2)).toEqual([126, 75, 75]);
    expect(pixel(image, 1, 1)).toEqual([126, 75, 75]);
  });

  it('leaves background and unknown ids untouched, and the given photo too', () => {
    const before = gray.data.slice();
    const image = blendOverlay(gray, labels, celebamask19);
    labels.data.forEach((id, i) => {
      const same = [0, 1, 2].every((k) => image.data[i * 3 + k] === gray.data[i * 3 + k]);
      expect(same).toBe(id === 0 || id === 255);
    });
    expect(gray.data).toEqual(before);
  });

  it('draws contours on one side of a border only', () => {
    const image = blendOverlay(gray, labels, celebamask19, { contours: true });
    const middle = pixel(image, 2, 2);
    expect(pixel(image, 1, 2)).not.toEqual(middle);
    expect(pixel(image, 2, 1)).toEqual(pixel(image, 1, 2));
    expect(pixel(image, 0, 2)).toEqual([100, 100, 100]);
  });

  it('is the photo itself at opacity 0 without contours', () => {
    expect(blendOverlay(gray, labels, celebamask19, { opacity: 0, contours: false }).data).toEqual(gray.data);
  });

  it('refuses other sizes and opacities out of range', () => {
    const wide = { width: 25, height: 1, data: labels.data };
    expect(() => blendOverlay(gray, wide, celebamask19)).toThrow(/photo is 5×5, but its labels are 25×1/);
    expect(() => blendOverlay(gray, labels, celebamask19, { opacity: 1.5 })).toThrow(/opacity is 1.5/);
    expect(() => blendOverlay(gray, labels, celebamask19, { opacity: Number.NaN })).toThrow(RangeError);
  });
});
