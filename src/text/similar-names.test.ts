import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { editDistance, ofSameNumbers, suggestName } from './similar-names.ts';

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

describe('ofSameNumbers', () => {
  it.each([
    ['resnet101', []],
    ['resnet-18', ['resnet18']],
    ['resnet', ['resnet18', 'resnet50', 'pspnet-resnet50-conv3']],
    ['pspnet-resnet50', ['resnet50', 'pspnet-resnet50-conv3']],
  ])('%s', (given, expected) => {
    expect(ofSameNumbers(given, ['resnet18', 'resnet50', 'pspnet-resnet50-conv3'])).toEqual(expected);
  });
});

describe('suggestName', () => {
  it('gives the nearest name, or all of them, or what else is to be said', () => {
    expect(suggestName('bsae', ['sgd', 'base'])).toBe("did you mean 'base'?");
    expect(suggestName('quite-different', ['sgd', 'base'])).toBe('available: sgd, base');
    expect(suggestName('Cosine_Restarts', ['cosine', 'cosine-restarts'])).toBe("did you mean 'cosine-restarts'?");
    expect(suggestName('DeepLabV3+', ['deeplabv3', 'deeplabv3plus'])).toBe("did you mean 'deeplabv3plus'?");
    expect(suggestName('poly', ['polynomial-restarts', 'polynomial'])).toBe("did you mean 'polynomial'?");
    expect(suggestName('mobilenet_v3_small', ['mobilenet_v3_large'], 'see the list')).toBe('see the list');
    expect(suggestName('--', ['a', 'b'], 'see the list')).toBe('see the list');
    expect(suggestName('x'.repeat(1_000_000), ['base'], 'see the list')).toBe('see the list');
  });
});
