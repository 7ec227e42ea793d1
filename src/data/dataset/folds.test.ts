import { describe, expect, it } from 'vitest';
import { foldOf, holdOut } from './folds.ts';

const items = Array.from({ length: 400 }, (_, i) => ({ stem: `face-${i}`, imagePath: `${i}.jpg` }));
const dataset = { folder: 'data/train', items };

describe('holdOut', () => {
  it('puts every pair into exactly one fold, in folds of about the same size', () => {
    const sets = [0, 1, 2, 3, 4].map((fold) => holdOut(dataset, { folds: 5, fold }));
    const held = sets.map((set) => set.heldOut!.items.map(({ stem }) => stem));
    expect(held.flat().sort()).toEqual(items.map(({ stem }) => stem).sort());
    for (const [fold, stems] of held.entries()) {
      expect(stems.length).toBeGreaterThan(50);
      expect(stems.length).toBeLessThan(110);
      const used = sets[fold].items.map(({ stem }) => stem);
      expect([...used, ...stems].sort()).toEqual(items.map(({ stem }) => stem).sort());
    }
  });

  it('keeps the fold of a pair when others come or go, on every machine', () => {
    const fewer = { ...dataset, items: items.filter((_, i) => i % 3 > 0).toReversed() };
    const before = new Set(holdOut(dataset, { folds: 5, fold: 2 }).heldOut!.items);
    const after = holdOut(fewer, { folds: 5, fold: 2 }).heldOut!.items;
    expect(after.length).toBeGreaterThan(20);
    expect(after.every((item) => before.has(item))).toBe(true);
    // Runs on other machines hold out the same pairs.
    expect(items.slice(0, 12).map(({ stem }) => foldOf(stem, 5))).toEqual([1, 3, 2, 2, 3, 1, 2, 2, 3, 1, 4, 4]);
  });

  it('leaves a dataset as it is without folds, and refuses a fold that is empty or everything', () => {
    expect(holdOut(dataset, { fold: 0 })).toEqual(dataset);
    const one = { ...dataset, items: items.slice(0, 1) };
    const fold = foldOf('face-0', 5);
    const options = {
      exitCode: 2,
      message: expect.stringMatching(/contains all of the 1 pair of data\/train; use another/),
    };
    expect(() => holdOut(one, { folds: 5, fold })).toThrow(expect.objectContaining(options));
    expect(() => holdOut(one, { folds: 5, fold: (fold + 1) % 5 })).toThrow(
      /fold \d of 5 \(data\.fold, data\.folds\) contains none/,
    );
  });
});
