import { describe, expect, it } from 'vitest';
import { suggestKey } from './suggest-key.ts';

describe('suggestKey', () => {
  it.each([
    ['lr', "did you mean 'train.lr'?"],
    ['train.lrr', "did you mean 'train.lr'?"],
    ['train.flip', "did you mean 'data.augmentation.flip'?"],
    ['optimizer.beta1', "did you mean 'train.optimizer.beta1'?"],
    ['learning', /^the keys are name, /],
    ['data.augmentation.zzzz', /^the keys of data.augmentation are flip, /],
    ['data.nothing.zzzz', /^the keys of data are labels, /],
  ])('%s', (path, expected) => {
    if (typeof expected === 'string') expect(suggestKey(path)).toBe(expected);
    else expect(suggestKey(path)).toMatch(expected);
  });
});
