import { describe, expect, it } from 'vitest';
import { wrapAngle } from '../../faces/framing.ts';
import { Random } from '../../random/random.ts';
import { FramingFilter } from './framing-filter.ts';
import { OneEuroFilter } from './one-euro-filter.ts';

const frame = 1 / 30;

/** Standard deviation. */
function spread(values: readonly number[]): number {
  const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
  return Math.sqrt(values.reduce((sum, value) => sum + (value - mean) ** 2, 0) / values.length);
}

describe('OneEuroFilter', () => {
  it('takes noise out of a value that stands still', () => {
    const random = new Random(1);
    const filter = new OneEuroFilter({ minCutoff: 0.5, beta: 0 });
    const measured = Array.from({ length: 300 }, () => 10 + random.normal());
    const steady = measured.map((value) => filter.step([value], frame)[0]);
    expect(spread(steady.slice(60))).toBeLessThan(0.4 * spread(measured.slice(60)));
  });

  it('follows a moving value the sooner the larger beta is', () => {
    const lagOf = (beta: number) => {
      const filter = new OneEuroFilter({ minCutoff: 0.5, beta });
      let value = 0;
      for (let n = 0; n <= 90; n++) [value] = filter.step([n * frame], frame);
      return 3 - value;
    };
    expect(lagOf(16)).toBeLessThan(0.02);
    expect(lagOf(0)).toBeGreaterThan(10 * lagOf(16));
  });

  it('starts with the first value, and does not move without time', () => {
    const filter = new OneEuroFilter({ minCutoff: 1, beta: 1 });
    expect(filter.step([3, 4], 0)).toEqual([3, 4]);
    expect(filter.step([5, 6], 0)).toEqual([5, 6]);
  });
});

describe('FramingFilter', () => {
  it('does not move the square of a face that stands still', () => {
    const random = new Random(2);
    const filter = new FramingFilter(1);
    const places = Array.from({ length: 120 }, () =>
      filter.step(
        {
          x: 300 + random.normal(),
          y: 200 + random.normal(),
          side: 250 + random.normal(),
          angle: random.normal() * 0.5,
        },
        frame,
      ),
    ).slice(60);
    expect(spread(places.map(({ x }) => x))).toBeLessThan(0.1);
    expect(spread(places.map(({ angle }) => angle))).toBeLessThan(0.1);
  });

  it('follows a face that moves, a few hundredths of its side behind', () => {
    const filter = new FramingFilter(0.8);
    let last = filter.step({ x: 100, y: 100, side: 200, angle: 0 }, frame);
    for (let n = 1; n <= 60; n++) last = filter.step({ x: 100 + 5 * n, y: 100, side: 200, angle: n }, frame);
    expect(400 - last.x).toBeGreaterThan(0);
    expect(400 - last.x).toBeLessThan(0.05 * 200);
    expect(60 - last.angle).toBeLessThan(4);
  });

  it('turns past 180° without turning back', () => {
    const filter = new FramingFilter(0.5);
    const angles: number[] = [];
    for (let n = 0; n < 40; n++) {
      angles.push(filter.step({ x: 50, y: 50, side: 80, angle: wrapAngle(160 + n) }, frame).angle);
    }
    for (let n = 1; n < angles.length; n++) {
      expect(angles[n]).toBeGreaterThanOrEqual(-180);
      expect(Math.abs(wrapAngle(angles[n] - angles[n - 1]))).toBeLessThan(3);
    }
    expect(wrapAngle(angles[39] - 199)).toBeGreaterThan(-5);
  });

  it('jumps at once to another place, and forgets the one before', () => {
    const filter = new FramingFilter(1);
    for (let n = 0; n < 30; n++) filter.step({ x: 100, y: 100, side: 100, angle: 0 }, frame);
    const place = { x: 400, y: 150, side: 100, angle: 5 };
    expect(filter.step(place, frame)).toEqual({ ...place, side: expect.closeTo(100), angle: expect.closeTo(5) });
  });
});
