import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Random } from './random.ts';

const draws = (random: Random, n: number, draw: (random: Random) => number) =>
  Array.from({ length: n }, () => draw(random));

const mean = (values: number[]) => values.reduce((sum, value) => sum + value, 0) / values.length;

describe('Random', () => {
  it('gives the same numbers for the same seed and keys, and others for others', () => {
    const first = (random: Random) => draws(random, 4, (r) => r.next());
    expect(first(new Random(3))).toEqual(first(new Random(3)));
    expect(first(new Random(3, 'a', 1))).toEqual(first(new Random(3).fork('a', 1)));
    expect(first(new Random(3).fork('a').fork(1))).toEqual(first(new Random(3).fork('a', 1)));
    expect(first(new Random(3, -0))).toEqual(first(new Random(3, 0)));
    const different = [
      new Random(3),
      new Random(4),
      new Random(0.5),
      new Random(3, 0),
      new Random(3, 1),
      new Random(3, '1'),
      new Random(3, 'ab'),
      new Random(3, 'a', 'b'),
      new Random(3, 0, 1),
      new Random(3, 1, 0),
    ];
    expect(new Set(different.map((random) => random.next())).size).toBe(different.length);
  });

  it('goes on where code that it was lent to stopped', () => {
    const [random, other] = [new Random(4), new Random(4)];
    let lent: number[] = [];
    random.lend((state) => {
      lent = [...state];
    });
    expect(lent.length).toBe(4);
    expect(draws(random, 3, (r) => r.next())).toEqual(draws(other, 3, (r) => r.next()));
    random.lend((state) => state.set(lent));
    expect(draws(random, 3, (r) => r.next())).toEqual(draws(new Random(4), 3, (r) => r.next()));
  });

  it('forks without regard to what was drawn before', () => {
    const parent = new Random(9);
    const before = parent.fork(5).next();
    draws(parent, 100, (r) => r.next());
    expect(parent.fork(5).next()).toBe(before);
  });

  it('has no relation between neighbouring forks', () => {
    // First draws of forks 0, 1, 2, …: uniform, and each independent of the one before.
    const values = Array.from({ length: 20_000 }, (_, i) => new Random(1, 'sample', i).uniform());
    expect(Math.abs(mean(values) - 0.5)).toBeLessThan(4 * Math.sqrt(1 / 12 / values.length));
    const correlation = mean(values.slice(1).map((value, i) => (value - 0.5) * (values[i] - 0.5))) * 12;
    expect(Math.abs(correlation)).toBeLessThan(0.03);
    const bins = new Array(16).fill(0);
    for (const value of values) bins[Math.floor(value * 16)]++;
    const chiSquare = bins.reduce((sum, n) => sum + (n - 1250) ** 2 / 1250, 0);
    // 15 degrees of freedom: 37.7 is passed once in a thousand seeds; the seed is fixed.
    expect(chiSquare).toBeLessThan(37.7);
  });

  it('keeps uniform and integer in range', () => {
    fc.assert(
      fc.property(fc.integer(), fc.integer({ min: 1, max: 1000 }), (seed, n) => {
        const random = new Random(seed);
        for (const value of draws(random, 50, (r) => r.integer(n))) {
          expect(Number.isInteger(value) && value >= 0 && value < n).toBe(true);
        }
        for (const value of draws(random, 50, (r) => r.uniform(-2, 3))) {
          expect(value >= -2 && value < 3).toBe(true);
        }
      }),
    );
    expect(() => new Random(1).integer(0)).toThrow(/not 0/);
    expect(() => new Random(1).integer(2.5)).toThrow(/not 2.5/);
  });

  it('has normal draws of mean 0 and deviation 1', () => {
    const values = draws(new Random(2), 50_000, (r) => r.normal());
    expect(Math.abs(mean(values))).toBeLessThan(0.02);
    expect(mean(values.map((value) => value * value))).toBeGreaterThan(0.97);
    expect(mean(values.map((value) => value * value))).toBeLessThan(1.03);
  });

  it('meets a chance as often as it says', () => {
    const random = new Random(8);
    const hits = draws(random, 20_000, (r) => Number(r.chance(0.3)));
    // Four standard errors.
    expect(Math.abs(mean(hits) - 0.3)).toBeLessThan(4 * Math.sqrt((0.3 * 0.7) / hits.length));
    expect(random.chance(0)).toBe(false);
    expect(random.chance(1)).toBe(true);
  });

  it('shuffles fairly', () => {
    const counts = new Map<string, number>();
    const random = new Random(6);
    for (let i = 0; i < 6000; i++) {
      const values = [0, 1, 2];
      random.shuffle(values);
      counts.set(values.join(''), (counts.get(values.join('')) ?? 0) + 1);
    }
    expect(counts.size).toBe(6);
    for (const count of counts.values()) expect(Math.abs(count - 1000)).toBeLessThan(120);
  });
});
