import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { runSteps } from '../scheduling/steps.ts';
import { FaceparseError } from '../text/errors.ts';
import { isRawImage, type RawImage, rawToPhotoSteps } from './raw-image.ts';

const toPhoto = (image: RawImage) => runSteps(rawToPhotoSteps(image));

describe('rawToPhotoSteps', () => {
  it('takes RGB as it is, without a copy, from any array of bytes', () => {
    const data = Uint8ClampedArray.of(1, 2, 3, 4, 5, 6);
    const photo = toPhoto({ width: 2, height: 1, data });
    expect(photo).toEqual({ width: 2, height: 1, data: Uint8Array.of(1, 2, 3, 4, 5, 6) });
    expect(photo.data.buffer).toBe(data.buffer);
    expect(toPhoto({ width: 1, height: 1, data: Buffer.from([7, 8, 9]) }).data).toEqual(Uint8Array.of(7, 8, 9));
    const part = new Uint8Array([0, 0, 7, 8, 9]).subarray(2);
    expect(toPhoto({ width: 1, height: 1, data: part }).data).toEqual(Uint8Array.of(7, 8, 9));
  });

  it('lays RGBA on white', () => {
    const data = Uint8Array.of(10, 20, 30, 255, 10, 20, 30, 0, 0, 100, 200, 51);
    expect([...toPhoto({ width: 3, height: 1, data }).data]).toEqual([10, 20, 30, 255, 255, 255, 204, 224, 244]);
  });

  it('repeats grey', () => {
    const data = Uint8Array.of(5, 6);
    expect([...toPhoto({ width: 1, height: 2, data, channels: 1 }).data]).toEqual([5, 5, 5, 6, 6, 6]);
  });

  it('gives H×W×3 for every size and number of channels', () => {
    const side = fc.integer({ min: 1, max: 20 });
    fc.assert(
      fc.property(side, side, fc.constantFrom(1, 3, 4), (width, height, channels) => {
        const data = new Uint8Array(width * height * channels).fill(200);
        const photo = toPhoto({ width, height, data });
        expect(photo).toMatchObject({ width, height });
        expect(photo.data).toHaveLength(width * height * 3);
      }),
    );
  });

  it.each<[object, string]>([
    [{ width: 0, height: 2, data: new Uint8Array(3) }, 'the width of a raw image must be a positive integer, not 0'],
    [
      { width: 2, height: 1.5, data: new Uint8Array(3) },
      'the height of a raw image must be a positive integer, not 1.5',
    ],
    [{ width: '2', height: 2, data: new Uint8Array(12) }, 'the width of a raw image must be a positive integer, not 2'],
    [
      { width: 4, height: 4, data: new Uint8Array(50) },
      'a raw image of 4×4 needs 48 bytes (RGB) or 64 (RGBA), but its data has 50 bytes',
    ],
    [
      { width: 4, height: 4, data: new Uint8Array(48), channels: 4 },
      'a raw image of 4×4 needs 64 bytes for 4 channels, but its data has 48 bytes',
    ],
    [
      { width: 1, height: 1, data: new Uint8Array(2), channels: 2 },
      /1 \(grey\), 3 \(RGB\) or 4 \(RGBA\) channels, not 2/,
    ],
    [
      { width: 1, height: 1, data: new Float32Array(3) },
      'the data of a raw image must be a Uint8Array or Uint8ClampedArray of 0 to 255, not Float32Array',
    ],
    [{ width: 1, height: 1, data: [1, 2, 3] }, /not Array$/],
    [{ width: 20_000, height: 20_000, data: new Uint8Array(3) }, /20000×20000, more than 100 megapixels/],
    [{ width: 1, height: 65_536, data: new Uint8Array(3) }, /1×65536, more than 65535 pixels on one side/],
  ] as [object, string][])('refuses %o', (image, message) => {
    expect(() => toPhoto(image as RawImage)).toThrow(message);
    expect(() => toPhoto(image as RawImage)).toThrow(FaceparseError);
  });
});

it('isRawImage is about the form, right or wrong', () => {
  expect(isRawImage({ width: 1, height: 1, data: null })).toBe(true);
  for (const other of [null, undefined, 'a', { width: 1, height: 2 }, new Uint8Array(4)])
    expect(isRawImage(other)).toBe(false);
});
