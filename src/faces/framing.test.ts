import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { landmarksAt } from '../../test/face-fixture.ts';
import { axesOf, cornersOf, framingOf, isFramed } from './framing.ts';

const size = { width: 512, height: 512 };
const framed = { x: 256, y: 256, side: 512, angle: 0 };

describe('framingOf', () => {
  it('finds the square of CelebA-HQ at any place, size and angle', () => {
    const place = fc.double({ min: -500, max: 4000, noNaN: true });
    fc.assert(
      fc.property(
        place,
        place,
        fc.double({ min: 20, max: 3000, noNaN: true }),
        fc.double({ min: -179, max: 179, noNaN: true }),
        (x, y, side, angle) => {
          const found = framingOf(landmarksAt({ x, y, side, angle }));
          expect(found.x).toBeCloseTo(x, 6);
          expect(found.y).toBeCloseTo(y, 6);
          expect(found.side).toBeCloseTo(side, 6);
          expect(found.angle).toBeCloseTo(angle, 6);
        },
      ),
    );
  });

  it('goes by the distance of the mouth in a profile, whose eyes are close together', () => {
    const front = landmarksAt(framed);
    const between = { x: (front.rightEye.x + front.leftEye.x) / 2, y: front.rightEye.y };
    const profile = { ...front, rightEye: between, leftEye: between, rightEar: between, leftEar: between };
    expect(framingOf(profile).side).toBeCloseTo(3.4 * Math.hypot(between.x - front.mouth.x, between.y - front.mouth.y));
    expect(framingOf(profile).side).toBeGreaterThan(0.8 * 512);
  });

  it('is mirrored with the face', () => {
    const { rightEye, leftEye, nose, mouth, rightEar, leftEar } = landmarksAt({ x: 100, y: 80, side: 60, angle: 25 });
    const flip = ({ x, y }: { x: number; y: number }) => ({ x: -x, y });
    const mirrored = framingOf({
      rightEye: flip(leftEye),
      leftEye: flip(rightEye),
      nose: flip(nose),
      mouth: flip(mouth),
      rightEar: flip(leftEar),
      leftEar: flip(rightEar),
    });
    expect(mirrored.x).toBeCloseTo(-100);
    expect(mirrored.y).toBeCloseTo(80);
    expect(mirrored.angle).toBeCloseTo(-25);
  });
});

describe('isFramed', () => {
  it.each([
    ['the framing itself', framed, true],
    ['a little of everything', { x: 230, y: 290, side: 450, angle: -12 }, true],
    ['half the size', { ...framed, side: 256 }, false],
    ['twice the size', { ...framed, side: 1024 }, false],
    ['turned', { ...framed, angle: 30 }, false],
    ['upside down', { ...framed, angle: -180 }, false],
    ['to the left', { ...framed, x: 190 }, false],
    ['low', { ...framed, y: 330 }, false],
  ])('%s', (_, framing, expected) => {
    expect(isFramed(size, framing)).toBe(expected);
  });

  it('is never true of a photo that is not about square, which would be stretched', () => {
    expect(isFramed({ width: 640, height: 480 }, { x: 320, y: 240, side: 560, angle: 0 })).toBe(false);
  });
});

it('corners go clockwise from the upper left one of the upright face', () => {
  const [first, second, third, fourth] = cornersOf({ x: 100, y: 50, side: 20, angle: 90 });
  expect(first.x).toBeCloseTo(110);
  expect(first.y).toBeCloseTo(40);
  expect([second.x, second.y].map(Math.round)).toEqual([110, 60]);
  expect([third.x, third.y].map(Math.round)).toEqual([90, 60]);
  expect([fourth.x, fourth.y].map(Math.round)).toEqual([90, 40]);
  expect(axesOf({ ...framed, angle: 90 }).right.y).toBeCloseTo(1);
});
