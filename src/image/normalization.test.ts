import { expect, it } from 'vitest';
import { denormalizePhoto, normalizePhoto } from './normalization.ts';

const photo = { width: 2, height: 1, data: Uint8Array.of(0, 51, 102, 255, 204, 153) };
const normalization = { mean: [0, 0.2, 0.4], std: [1, 0.1, 0.5] } as const;

it('gives planes of (value / 255 − mean) / std', () => {
  const target = new Float32Array(6);
  normalizePhoto(photo, normalization, target);
  const expected = [0, 1, 0, 6, 0, 0.4];
  target.forEach((value, index) => {
    expect(value).toBeCloseTo(expected[index], 5);
  });
});

it('writes only as much as the photo has pixels', () => {
  const target = new Float32Array(9).fill(7);
  normalizePhoto(photo, normalization, target.subarray(0, 6));
  expect([...target.slice(6)]).toEqual([7, 7, 7]);
});

it('is taken back to the byte; what augmentation drove out of range is cut', () => {
  const planes = new Float32Array(6);
  normalizePhoto(photo, normalization, planes);
  expect(denormalizePhoto(planes, photo, normalization)).toEqual(photo);
  planes[0] = -0.1;
  planes[1] = 1.2;
  expect([...denormalizePhoto(planes, photo, normalization).data]).toEqual([0, 51, 102, 255, 204, 153]);
});
