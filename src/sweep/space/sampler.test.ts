import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Random } from '../../random/random.ts';
import {
  type Distribution,
  describeDistribution,
  drawValue,
  formatSetting,
  positionOf,
  valuesOf,
} from './distribution.ts';
import { combinationsOf, overridesOf, Sampler } from './sampler.ts';
import type { Space } from './space.ts';

const draws = (distribution: Distribution, count = 4000) =>
  Array.from({ length: count }, (_, index) => drawValue(distribution, new Random(5, index)) as number);

/** The share of draws in each of some equal parts of the range. */
function shares(values: readonly number[], parts: number, position: (value: number) => number): number[] {
  const counts = Array.from({ length: parts }, () => 0);
  for (const value of values) counts[Math.min(parts - 1, Math.floor(position(value) * parts))]++;
  return counts.map((count) => count / values.length);
}

describe('drawValue', () => {
  it.each<Distribution>([
    { kind: 'uniform', low: -1, high: 3 },
    { kind: 'logUniform', low: 1e-4, high: 1 },
  ])('is even on its scale: %o', (distribution) => {
    const found = shares(draws(distribution), 8, (value) => positionOf(distribution as never, value));
    for (const share of found) expect(Math.abs(share - 1 / 8)).toBeLessThan(0.02);
  });

  it('draws every value of a list equally often', () => {
    for (const distribution of [
      { kind: 'choice', values: [2, 4, 6, 8] },
      { kind: 'int', low: 2, high: 8, step: 2 },
      { kind: 'uniform', low: 2, high: 8.5, step: 2 },
    ] as const) {
      const found = draws(distribution);
      for (const value of [2, 4, 6, 8]) {
        expect(Math.abs(found.filter((one) => one === value).length / found.length - 1 / 4)).toBeLessThan(0.025);
      }
    }
  });

  it('gives whole numbers on a logarithmic scale, both ends included', () => {
    const found = draws({ kind: 'logInt', low: 1, high: 15 });
    // P(n) = log((n + 1) / n) / log(16).
    for (const n of [1, 2, 15]) {
      const share = found.filter((one) => one === n).length / found.length;
      expect(Math.abs(share - Math.log((n + 1) / n) / Math.log(16))).toBeLessThan(0.02);
    }
  });

  it('stays in its range, with at most four digits', () => {
    const ranges = fc.tuple(
      fc.double({ min: 1e-6, max: 1e3, noNaN: true }),
      fc.double({ min: 1e-6, max: 1e3, noNaN: true }),
    );
    fc.assert(
      fc.property(ranges, fc.constantFrom('uniform', 'logUniform'), fc.nat(), ([low, width], kind, seed) => {
        const high = low + width;
        const value = drawValue({ kind: kind as 'uniform', low, high }, new Random(seed)) as number;
        expect(value).toBeGreaterThanOrEqual(low);
        expect(value).toBeLessThanOrEqual(high);
        if (value !== low && value !== high) expect(value).toBe(Number(value.toPrecision(4)));
      }),
    );
  });

  it('lists steps without rounding errors', () => {
    expect(valuesOf({ kind: 'uniform', low: 0, high: 0.3, step: 0.1 })).toEqual([0, 0.1, 0.2, 0.3]);
    expect(valuesOf({ kind: 'int', low: 0, high: 100_000 })).toBeUndefined();
    expect(describeDistribution({ kind: 'uniform', low: 0, high: 0.3, step: 0.1 })).toBe(
      'uniform: [0, 0.3], step: 0.1',
    );
  });
});

describe('formatSetting', () => {
  it.each([
    ['adamw', 'adamw'],
    ['2024', '"2024"'],
    ['null', '"null"'],
    ['a: b', '"a: b"'],
    [null, 'null'],
    [0.001, '0.001'],
    [[{ until: 0.5 }], '[{"until":0.5}]'],
  ])('writes %j as %s', (value, text) => expect(formatSetting(value)).toBe(text));
});

const continuous: Space = [
  { key: 'train.lr', distribution: { kind: 'logUniform', low: 1e-4, high: 1e-2 } },
  { key: 'train.batchSize', distribution: { kind: 'choice', values: [2, 4] } },
];
const finite: Space = [
  { key: 'train.batchSize', distribution: { kind: 'choice', values: [2, 4] } },
  { key: 'train.accumulate', distribution: { kind: 'int', low: 1, high: 3 } },
];

describe('Sampler', () => {
  const list = (sampler: Sampler, trials: readonly number[]) =>
    trials.map((trial) => overridesOf(sampler.settingsOf(trial)!).join(' '));

  it.each([continuous, finite])('gives settings that depend only on seed and number', (...space) => {
    const all = list(new Sampler(space, 7, () => true), [1, 2, 3, 4, 5, 6]);
    expect(list(new Sampler(space, 7, () => true), [6, 2])).toEqual([all[5], all[1]]);
    expect(list(new Sampler(space, 8, () => true), [1, 2, 3, 4, 5, 6])).not.toEqual(all);
  });

  it('draws a finite space without repetition, to its end', () => {
    expect(combinationsOf(finite)).toBe(6);
    const sampler = new Sampler(finite, 0, () => true);
    expect(new Set(list(sampler, [1, 2, 3, 4, 5, 6])).size).toBe(6);
    expect(sampler.settingsOf(7)).toBeUndefined();
  });

  it('leaves out what does not fit together', () => {
    const fits = (settings: ReadonlyMap<string, unknown>) => settings.get('train.batchSize') === 2;
    const sampler = new Sampler(finite, 0, fits);
    expect(list(sampler, [1, 2, 3]).every((text) => text.startsWith('train.batchSize=2 '))).toBe(true);
    expect(sampler.settingsOf(4)).toBeUndefined();
    const other = new Sampler(continuous, 0, fits);
    expect(list(other, [1, 2, 3, 4, 5, 6, 7, 8]).every((text) => text.endsWith('train.batchSize=2'))).toBe(true);
    expect(new Sampler(continuous, 0, () => false).settingsOf(1)).toBeUndefined();
  });

  it('keeps the values of a key when another key is added', () => {
    const more: Space = [{ key: 'loss.dice', distribution: { kind: 'uniform', low: 0, high: 2 } }, ...continuous];
    const sampler = new Sampler(more, 7, () => true);
    expect(sampler.settingsOf(3)!.get('train.lr')).toBe(
      new Sampler(continuous, 7, () => true).settingsOf(3)!.get('train.lr'),
    );
  });
});
