import { describe, expect, it } from 'vitest';
import { Sampler } from '../space/sampler.ts';
import type { Space } from '../space/space.ts';
import { etaSquared, importanceOf, ranksOf } from './importance.ts';

const space: Space = [
  { key: 'train.lr', distribution: { kind: 'logUniform', low: 1e-4, high: 1e-2 } },
  { key: 'loss.dice', distribution: { kind: 'uniform', low: 0, high: 2 } },
  { key: 'train.optimizer.kind', distribution: { kind: 'choice', values: ['adamw', 'sgd', 'muon'] } },
];

function trials(count: number, score: (lr: number, dice: number, kind: string) => number) {
  const sampler = new Sampler(space, 3, () => true);
  return Array.from({ length: count }, (_, index) => {
    const settings = sampler.settingsOf(index + 1)!;
    const [lr, dice, kind] = settings.values();
    return { settings, score: score(lr as number, dice as number, kind as string) };
  });
}

const shares = (list: ReturnType<typeof importanceOf>) =>
  Object.fromEntries(list.map(({ key, share }) => [key, share]));

describe('importanceOf', () => {
  it('finds the key that decides the score; quarters explain 15 of 16 parts of evenly spread ranks', () => {
    const found = importanceOf(
      space,
      trials(400, (lr) => Math.log(lr)),
    );
    expect(found[0].key).toBe('train.lr');
    const { 'train.lr': lr, 'loss.dice': dice, 'train.optimizer.kind': kind } = shares(found);
    expect(lr).toBeCloseTo(15 / 16, 2);
    expect(dice).toBeLessThan(0.03);
    expect(kind).toBeLessThan(0.03);
  });

  it('finds an optimum inside of a range', () => {
    expect(
      shares(
        importanceOf(
          space,
          trials(400, (_, dice) => -((dice - 1) ** 2)),
        ),
      )['loss.dice'],
    ).toBeGreaterThan(0.6);
  });

  it('divides between keys of equal weight, and orders unequal ones', () => {
    const worth: Record<string, number> = { adamw: 0, sgd: 1, muon: 2 };
    const both = shares(
      importanceOf(
        space,
        trials(600, (_, dice, kind) => dice * 1.5 + worth[kind]),
      ),
    );
    expect(both['loss.dice']).toBeGreaterThan(0.3);
    expect(both['train.optimizer.kind']).toBeGreaterThan(0.3);
    expect(both['loss.dice']! + both['train.optimizer.kind']!).toBeLessThan(1.05);
    const found = importanceOf(
      space,
      trials(600, (_, dice, kind) => dice * 0.3 + worth[kind]),
    );
    expect(found.map(({ key }) => key).slice(0, 2)).toEqual(['train.optimizer.kind', 'loss.dice']);
  });

  it('says nothing where nothing can be said', () => {
    expect(
      importanceOf(
        space,
        trials(1, () => 0.5),
      ).every(({ share }) => share === undefined),
    ).toBe(true);
    expect(
      importanceOf(
        space,
        trials(30, () => 0.5),
      ).every(({ share }) => share === undefined),
    ).toBe(true);
    expect(importanceOf(space, [])).toHaveLength(3);
  });
});

describe('etaSquared', () => {
  it('is that of scipy.stats.kruskal', () => {
    // kruskal([1, 3, 5, 7, 9], [2, 4, 6, 8, 10], [11, 12, 13, 14, 15]).statistic is 9.5.
    const scores = [1, 3, 5, 7, 9, 2, 4, 6, 8, 10, 11, 12, 13, 14, 15];
    const groups = [...'aaaaabbbbbccccc'];
    expect(etaSquared(scores, groups)).toBeCloseTo((9.5 - 2) / 12, 10);
    // With ties: kruskal([1, 1, 2, 3], [2, 3, 3, 4], [4, 4, 5, 5]).statistic is 8.19.
    expect(etaSquared([1, 1, 2, 3, 2, 3, 3, 4, 4, 4, 5, 5], [...'aaaabbbbcccc'])).toBeCloseTo((8.19 - 2) / 9, 10);
  });

  it('gives equal scores their mean rank', () => {
    expect(ranksOf([0.5, 0.1, 0.5, 0.9])).toEqual([2.5, 1, 2.5, 4]);
  });
});
