import { describe, expect, it } from 'vitest';
import type { Photo } from '../image/image.ts';
import { plainPhotoKernels } from '../image/photo-kernels.ts';
import { boxesOfFraming, type Framing, pointOfFraming } from './framing.ts';

const plain = { gain: [1, 1, 1], bias: [0, 0, 0] } as const;

/** Red grows to the right, green downwards. */
function slopes(width: number, height: number): Photo {
  const data = Uint8Array.from({ length: width * height * 3 }, (_, i) => {
    const pixel = Math.floor(i / 3);
    return [pixel % width, Math.floor(pixel / width), 7][i % 3];
  });
  return { width, height, data };
}

function draw(photo: Photo, square: Framing, size: number): Promise<Float32Array> {
  return plainPhotoKernels.drawBoxes(photo, boxesOfFraming(square, size), plain, size);
}

describe('boxesOfFraming', () => {
  it('copies a square of whole pixels', async () => {
    const square = { x: 6, y: 5, side: 4, angle: 0 };
    const out = await draw(slopes(12, 10), square, 4);
    expect([...out.subarray(0, 4)]).toEqual([4, 5, 6, 7]);
    expect([...out.subarray(16, 32)]).toEqual([3, 3, 3, 3, 4, 4, 4, 4, 5, 5, 5, 5, 6, 6, 6, 6]);
    expect(new Set(out.subarray(32))).toEqual(new Set([7]));
  });

  it('averages the pixels of a larger square', async () => {
    const out = await draw(slopes(12, 10), { x: 6, y: 5, side: 4, angle: 0 }, 2);
    expect([...out.subarray(0, 8)]).toEqual([4.5, 6.5, 4.5, 6.5, 3.5, 3.5, 5.5, 5.5]);
  });

  it('turns what is turned clockwise upright', async () => {
    const out = await draw(slopes(12, 10), { x: 6, y: 5, side: 4, angle: 90 }, 4);
    // To the right in the result is downwards in the photo.
    expect([...out.subarray(16, 20)]).toEqual([3, 4, 5, 6]);
    expect([...out.subarray(0, 4)]).toEqual([7, 7, 7, 7]);
  });

  it.each([0, 33, 90, 137, -70])('agrees with pointOfFraming at %d degrees', async (angle) => {
    const square = { x: 50.25, y: 44.5, side: 30, angle };
    const size = 16;
    const out = await draw(slopes(100, 90), square, size);
    for (const [u, v] of [
      [0, 0],
      [15, 3],
      [7, 12],
    ] as const) {
      const { x, y } = pointOfFraming(square, size, { x: u + 0.5, y: v + 0.5 });
      expect(out[v * size + u]).toBeCloseTo(x - 0.5, 1);
      expect(out[size * size + v * size + u]).toBeCloseTo(y - 0.5, 1);
    }
  });

  it('repeats the border outside the photo', async () => {
    const out = await draw(slopes(8, 8), { x: 0, y: 4, side: 4, angle: 0 }, 4);
    expect([...out.subarray(0, 4)]).toEqual([0, 0, 0, 1]);
  });
});
