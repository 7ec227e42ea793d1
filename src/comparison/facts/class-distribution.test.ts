import { expect, it } from 'vitest';
import { classDistribution } from './class-distribution.ts';

it('gives shares of pixels and images, and quantiles over the images with the class', () => {
  const pixels = [
    [90, 10, 0],
    [80, 20, 0],
    // Half of this image is ignored.
    [50, 0, 0],
  ];
  const images = pixels.map((pixels, index) => ({ stem: String(index), f: 0, pixels }));
  const { classes, ...others } = classDistribution('val', images, 3);
  expect(others).toEqual({ split: 'val', images: 3 });
  expect(classes[0]).toMatchObject({ id: 0, share: 220 / 250, images: 1 });
  expect(classes[0].quantiles?.[2]).toBe(0.9);
  expect(classes[1]).toMatchObject({ share: 30 / 250, images: 2 / 3 });
  expect(classes[1].quantiles).toEqual([
    expect.closeTo(0.105, 10),
    expect.closeTo(0.125, 10),
    expect.closeTo(0.15, 10),
    expect.closeTo(0.175, 10),
    expect.closeTo(0.195, 10),
  ]);
  expect(classes[2]).toEqual({ id: 2, share: 0, images: 0 });
});
