import { describe, expect, it } from 'vitest';
import { suggestKey } from './suggest-key.ts';

describe('suggestKey', () => {
  it('names the main key of a group where a value was given', () => {
    expect(suggestKey('mode', { value: true })).toBe("did you mean 'model.name'?");
    expect(suggestKey('optimizer', { value: true })).toBe("did you mean 'train.optimizer.kind'?");
    expect(suggestKey('mode.name', { value: true })).toBe("did you mean 'model.name'?");
  });

  it.each([
    ['lr', "did you mean 'train.lr'?"],
    ['train.lrr', "did you mean 'train.lr'?"],
    ['train.flip', "did you mean 'data.augmentation.flip'?"],
    ['optimizer.beta1', "did you mean 'train.optimizer.beta1'?"],
    ['loss.ce', "did you mean 'loss.crossEntropy'?"],
    ['bce', "did you mean 'loss.crossEntropy'?"],
    ['loss.cross_entropy', "did you mean 'loss.crossEntropy'?"],
    ['loss.iou', "did you mean 'loss.jaccard'?"],
    ['loss.diceLoss', "did you mean 'loss.dice'?"],
    ['train.optimizer.name', "did you mean 'train.optimizer.kind'?"],
    ['backbone', "did you mean 'model.encoder'?"],
    ['mode', "did you mean 'model'?"],
    ['constructor', /^the keys are name, /],
    ['learning', /^the keys are name, /],
    ['data.augmentation.zzzz', /^the keys of data.augmentation are flip, /],
    ['data.nothing.zzzz', /^the keys of data are labels, /],
  ])('%s', (path, expected) => {
    if (typeof expected === 'string') expect(suggestKey(path)).toBe(expected);
    else expect(suggestKey(path)).toMatch(expected);
  });
});
