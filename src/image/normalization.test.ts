import { expect, it } from 'vitest';
import { defaultNormalization, normalizePhoto } from './normalization.ts';

const photo = { width: 2, height: 1, data: Uint8Array.of(0, 51, 102, 255, 204, 153) };

it('gives planes of (value / 255 − mean) / std', () => {
  const target = new Float32Array(6);
  normalizePhoto(photo, { mean: [0, 0.2, 0.4], std: [1, 0.1, 0.5] }, target);
  const expected = [0, 1, 0, 6, 0, 0.4];
  target.forEach((value, index) => {
    expect(value).toBeCloseTo(expected[index], 5);
  });
});

it('by default is centred, from −2 to 2', () => {
  const target = new Float32Array(6);
  normalizePhoto(photo, defaultNormalization, target);
  expect(target[0]).toBe(-2);
  expect(target[1]).toBeCloseTo(2, 6);
});

it('writes only as much as the photo has pixels', () => {
  const target = new Float32Array(9).fill(7);
  normalizePhoto(photo, defaultNormalization, target.subarray(0, 6));
  expect([...target.slice(6)]).toEqual([7, 7, 7]);
});
