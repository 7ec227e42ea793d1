import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { FaceparseError } from '../text/errors.ts';
import type { Photo } from './image.ts';
import {
  checkPreprocessing,
  defaultPreprocessing,
  inputToPhoto,
  type Preprocessing,
  photoToInput,
} from './preprocessing.ts';
import { resizePhoto } from './resize.ts';

const imageNet: Preprocessing = {
  size: 32,
  resize: 'stretch-area-bilinear',
  mean: [0.485, 0.456, 0.406],
  std: [0.229, 0.224, 0.225],
};

function gradient(width: number, height: number): Photo {
  const data = Uint8Array.from({ length: width * height * 3 }, (_, at) => (at * 7) % 256);
  return { width, height, data };
}

describe('photoToInput', () => {
  it('resizes by the rule, then normalises each channel by its own numbers', () => {
    const photo = gradient(50, 20);
    const input = photoToInput(photo, imageNet);
    const { data } = resizePhoto(photo, 32, 32);
    expect(input).toHaveLength(3 * 32 * 32);
    input.forEach((value, at) => {
      const [channel, pixel] = [Math.floor(at / 1024), at % 1024];
      const { mean, std } = imageNet;
      expect(value).toBeCloseTo((data[pixel * 3 + channel] / 255 - mean[channel]) / std[channel], 5);
    });
  });

  it('is inverted by inputToPhoto, but for the size', () => {
    fc.assert(
      fc.property(
        fc.array(fc.double({ min: -10, max: 10, noNaN: true }), { minLength: 3, maxLength: 3 }),
        fc.array(fc.double({ min: 0.001, max: 10, noNaN: true }), { minLength: 3, maxLength: 3 }),
        (mean, std) => {
          const preprocessing = checkPreprocessing({ ...imageNet, mean, std }, 'it');
          const photo = gradient(32, 32);
          expect(inputToPhoto(photoToInput(photo, preprocessing), preprocessing)).toEqual(photo);
        },
      ),
      { numRuns: 50 },
    );
  });
});

it('networks without a preference are given values from −2 to 2', () => {
  const photo = { width: 1, height: 2, data: Uint8Array.of(0, 0, 0, 255, 255, 255) };
  const input = photoToInput(photo, { ...defaultPreprocessing, size: 32 });
  expect([input[0], input[1023]].map((value) => Number(value.toFixed(5)))).toEqual([-2, 2]);
});

describe('checkPreprocessing', () => {
  it('gives back what is right, without what else is there', () => {
    expect(checkPreprocessing({ ...imageNet, more: 1 } as Preprocessing, 'it')).toEqual(imageNet);
  });

  it.each<[Partial<Record<keyof Preprocessing, unknown>>, RegExp]>([
    [{ size: 31 }, /^runs\/a has a size of 31, .* from 32 to 4096; it may be damaged\.$/],
    [{ size: 4097 }, /a size of 4097/],
    [{ size: 64.5 }, /a size of 64\.5/],
    [{ size: 'large' }, /a size of "large"/],
    [{ size: undefined }, /a size of nothing/],
    [
      { resize: 'letterbox' },
      /requires the resize rule "letterbox", but this version supports only stretch-area-bilinear, letterbox-area-bilinear; a newer/,
    ],
    [{ resize: undefined }, /the resize rule nothing/],
    [{ resize: 'toString' }, /the resize rule "toString"/],
    [
      { mean: [0.5, 0.5] },
      /a mean of \[0\.5,0\.5\], but it must be three numbers from -10 to 10, for red, green and blue/,
    ],
    [{ mean: [0.5, 0.5, 0.5, 0.5] }, /a mean of/],
    [{ mean: [0, 0, Number.NaN] }, /a mean of/],
    [{ mean: [0, 0, Number.POSITIVE_INFINITY] }, /a mean of/],
    [{ mean: [0, 0, 1e300] }, /a mean of \[0,0,1e\+300\]/],
    [{ mean: ['0', '0', '0'] }, /a mean of/],
    [{ mean: { length: 3 } }, /a mean of/],
    [{ std: [0.2, 0.2, 0] }, /a std of \[0\.2,0\.2,0\], but it must be three numbers from 0\.001 to 10/],
    [{ std: [0.2, 0.2, -0.2] }, /a std of/],
    [{ std: [0.2, 0.2, 1e-300] }, /a std of/],
    [{ std: 0.25 }, /a std of 0\.25/],
    [{ std: `a\n${'x'.repeat(1000)}` }, /a std of "a\\nx{56}…, but/],
  ])('refuses %j, in one line', (change, message) => {
    const check = () => checkPreprocessing({ ...imageNet, ...change }, 'runs/a');
    expect(check).toThrow(FaceparseError);
    expect(check).toThrow(message);
    expect(check).not.toThrow(/\n/);
  });
});
