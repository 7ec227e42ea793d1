import { describe, expect, it } from 'vitest';
import { hasGlyph, requireGlyphs } from './font-coverage.ts';
import { readFont } from './typst-compiler.ts';

describe('the glyphs of the font', () => {
  it.each([
    ['A', true],
    ['ß', true],
    ['Ł', true],
    ['Ж', true],
    ['−', true],
    ['李', false],
    ['😀', false],
    ['\uffff', false],
  ])('%s', (character, has) => {
    expect(hasGlyph(readFont('400Regular'), character.codePointAt(0)!)).toBe(has);
  });

  it('are wanted for all of the head', () => {
    expect(() => requireGlyphs({ title: 'Gesichter: Ångström\n', author: 'Đặng O’Neil', id: 'A1' })).not.toThrow();
    expect(() => requireGlyphs({ author: '李小龙 😀' })).toThrow(/^the author has 李 小 龙 😀, for which Arimo/);
    expect(() => requireGlyphs({ title: 'x', id: '①' })).toThrow(/^the id has ①/);
  });
});
