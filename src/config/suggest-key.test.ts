import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { editDistance, suggestKey } from './suggest-key.ts';

describe('editDistance', () => {
  it.each([
    ['', '', 0],
    ['lr', '', 2],
    ['lr', 'rl', 1],
    ['kitten', 'sitting', 3],
    ['batchsize', 'batchsizes', 1],
  ])('%j to %j is %i', (a, b, expected) => {
    expect(editDistance(a, b)).toBe(expected);
  });

  it('is symmetric, zero only for equal words, and bounded by the longer', () => {
    const word = fc.string({ maxLength: 8 });
    fc.assert(
      fc.property(word, word, (a, b) => {
        const distance = editDistance(a, b);
        expect(distance).toBe(editDistance(b, a));
        expect(distance === 0).toBe(a === b);
        expect(distance).toBeLessThanOrEqual(Math.max(a.length, b.length));
      }),
    );
  });
});

describe('suggestKey', () => {
  it.each([
    ['lr', "did you mean 'train.lr'?"],
    ['train.lrr', "did you mean 'train.lr'?"],
    ['train.flip', "did you mean 'data.augmentation.flip'?"],
    ['optimizer.beta1', "did you mean 'train.optimizer.beta1'?"],
    ['learning', /^the keys there are name, /],
    ['data.augmentation.zzzz', /^the keys of data.augmentation are flip, /],
    ['data.nothing.zzzz', /^the keys of data are labels, /],
  ])('%s', (path, expected) => {
    if (typeof expected === 'string') expect(suggestKey(path)).toBe(expected);
    else expect(suggestKey(path)).toMatch(expected);
  });
});
