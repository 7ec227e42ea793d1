import { expect, it } from 'vitest';
import { pixelGrid } from './grid-taps.ts';
import { RowUpsampler } from './row-upsampler.ts';

it('copies a plane at its own size', () => {
  const data = Float32Array.of(9, 9, 1, 2, 3, 4);
  const upsampler = new RowUpsampler(pixelGrid(2, 2), pixelGrid(2, 2));
  const row = new Float32Array(2);
  upsampler.write(data, 2, 0, row);
  expect([...row]).toEqual([1, 2]);
  upsampler.write(data, 2, 1, row);
  expect([...row]).toEqual([3, 4]);
});

it('puts pixel centres at halves and repeats the border', () => {
  const upsampler = new RowUpsampler(pixelGrid(2, 2), pixelGrid(4, 4));
  const row = new Float32Array(4);
  const rows = [0, 1, 2, 3].map((y) => {
    upsampler.write(Float32Array.of(0, 4, 8, 12), 0, y, row);
    return [...row];
  });
  expect(rows).toEqual([
    [0, 1, 3, 4],
    [2, 3, 5, 6],
    [6, 7, 9, 10],
    [8, 9, 11, 12],
  ]);
});
