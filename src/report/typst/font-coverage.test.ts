import { describe, expect, it } from 'vitest';
import { fallbackFonts, fontFamily, hasGlyph } from './font-coverage.ts';
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
    expect(fallbackFonts({ title: 'Gesichter: Ångström\n', author: 'Đặng Γιώργος Ж', id: 'A1' })).toEqual([]);
    expect(() => fallbackFonts({ author: '李小龙' })).toThrow(
      /^the author has 李 小 龙 \(Chinese\), .* run npm install @expo-google-fonts\/noto-sans-sc@0\.4, or give .*--font/,
    );
    expect(() => fallbackFonts({ author: 'محمد' })).toThrow(/\(Arabic\), .*noto-sans-arabic/);
    expect(() => fallbackFonts({ title: 'x', id: '①' })).toThrow(/^the id has ①, .*--font FILE/);
    expect(() => fallbackFonts({ author: 'x' }, import.meta.filename)).toThrow(/cannot be used; give a TrueType/);
  });

  it('have a family', () => {
    expect(fontFamily(readFont('400Regular'))).toBe('Arimo');
  });
});
