import { describe, expect, it } from 'vitest';
import { pascalCase, singular, snakeCase } from './word-forms.ts';

describe('words', () => {
  it.each([
    ['squeezeExcite', 'squeeze_excite', 'SqueezeExcite'],
    ['aspp-branch', 'aspp_branch', 'AsppBranch'],
    ['stem', 'stem', 'Stem'],
    ['3x3', '_3x3', '3x3'],
  ])('%s is %s and %s', (name, snake, pascal) => {
    expect(snakeCase(name)).toBe(snake);
    expect(pascalCase(name)).toBe(pascal);
  });

  it.each([
    ['stages', 'stage'],
    ['class', 'class'],
    ['radius', 'radius'],
    ['decoder', 'decoder'],
  ])('one of %s is a %s', (many, one) => {
    expect(singular(many)).toBe(one);
  });
});
