import { describe, expect, it } from 'vitest';
import { runSteps } from '../scheduling/steps.ts';
import { blockMeansSteps } from './block-means.ts';
import type { Photo } from './image.ts';
import { resizePhoto } from './resize.ts';

function noise(width: number, height: number): Photo {
  return { width, height, data: Uint8Array.from({ length: width * height * 3 }, (_, i) => (i * 7919) % 251) };
}

describe('blockMeansSteps', () => {
  it('returns the photo itself for a factor of 1', () => {
    const photo = noise(5, 4);
    expect(runSteps(blockMeansSteps(photo, 1))).toBe(photo);
  });

  it.each([2, 3, 5])('gives the area averages of resizePhoto at a factor of %d', (factor) => {
    const photo = noise(7 * factor, 4 * factor);
    const { width, height, data } = runSteps(blockMeansSteps(photo, factor));
    expect([width, height]).toEqual([7, 4]);
    const { data: expected } = resizePhoto(photo, 7, 4);
    expect(Math.max(...data.map((value, i) => Math.abs(value - expected[i])))).toBeLessThanOrEqual(1);
    expect(data.filter((value, i) => value !== expected[i]).length).toBeLessThan(3);
  });

  it('leaves out what does not fill a block', () => {
    const photo = noise(8, 7);
    photo.data.fill(255, 6 * 8 * 3);
    for (let y = 0; y < 7; y++) photo.data.fill(255, (y * 8 + 6) * 3, (y * 8 + 8) * 3);
    const { width, height, data } = runSteps(blockMeansSteps(photo, 3));
    expect([width, height]).toEqual([2, 2]);
    expect(Math.max(...data)).toBeLessThan(255);
  });
});
