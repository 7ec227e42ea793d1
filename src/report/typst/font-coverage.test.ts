import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterAll, describe, expect, it, vi } from 'vitest';
import { fallbackFonts, fontFamily, hasGlyph } from './font-coverage.ts';
import { readFont } from './typst-compiler.ts';
import { requireUsableFonts } from './usable-fonts.ts';

const folder = mkdtempSync(join(tmpdir(), 'faceparse-fonts-'));
afterAll(() => rmSync(folder, { recursive: true }));

/** The header of a TrueType font and the tables that are looked at: cmap (platform 3, encoding 10, format 12) and name. */
function fontWith(family: string, groups: readonly (readonly [first: number, last: number, glyph: number])[]): Buffer {
  const words = (...values: number[]) => Buffer.concat(values.map((value) => Buffer.from([value >> 8, value & 255])));
  const longs = (...values: number[]) => {
    const bytes = Buffer.alloc(4 * values.length);
    for (const [at, value] of values.entries()) bytes.writeUInt32BE(value, 4 * at);
    return bytes;
  };
  const list = longs(...groups.flat());
  const cmap = Buffer.concat([
    words(0, 1, 3, 10),
    longs(12),
    words(12, 0),
    longs(16 + list.length, 0, groups.length),
    list,
  ]);
  const text = Buffer.from(family, 'utf16le').swap16();
  const name = Buffer.concat([words(0, 1, 18, 3, 1, 0x409, 1, text.length, 0), text]);
  const entry = (tag: string, offset: number, size: number) =>
    Buffer.concat([Buffer.from(tag), longs(0, offset, size)]);
  const header = [
    longs(0x10000),
    words(2, 0, 0, 0),
    entry('cmap', 44, cmap.length),
    entry('name', 44 + cmap.length, name.length),
  ];
  return Buffer.concat([...header, cmap, name]);
}

describe('a damaged font', () => {
  const path = join(folder, 'damaged.ttf');

  it('whose table is cut off lacks the characters', () => {
    const font = fontWith('Cut', [[65, 65, 1]]);
    // The cmap at the end of the file says that it has more groups than follow.
    const cmap = Buffer.from(font.subarray(44, 84));
    cmap.writeUInt32BE(0xffffffff, 24);
    const whole = Buffer.concat([font, cmap]);
    whole.writeUInt32BE(font.length, 20);
    writeFileSync(path, whole);
    expect(hasGlyph(whole, 65)).toBe(true);
    expect(hasGlyph(whole, 0x674e)).toBe(false);
    expect(() => fallbackFonts({ author: '李' }, path, () => expect.unreachable())).toThrow(/contains 李 \(Chinese\)/);
  });

  it('that Typst cannot use is refused', async () => {
    const font = { family: 'Cut', bytes: fontWith('Cut', [[0x674e, 0x674e, 1]]) };
    await expect(requireUsableFonts([font], '李')).rejects.toMatchObject({
      exitCode: 2,
      message: expect.stringMatching(/^the font "Cut" is damaged or Typst does not support it; pass another font/),
    });
    await requireUsableFonts([{ family: 'Arimo', bytes: readFont('400Regular') }], 'Ж');
  });

  it('that is no regular file is refused', () => {
    expect(() => fallbackFonts({}, '/dev/zero')).toThrow(/^the font \/dev\/zero cannot be read/);
  });
});

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

  it('are required for title, author and id', () => {
    expect(fallbackFonts({ title: 'Gesichter: Ångström\n', author: 'Đặng Γιώργος Ж', id: 'A1' })).toEqual([]);
    expect(() => fallbackFonts({ author: '李小龙' })).toThrow(
      /^the author contains 李 小 龙 \(Chinese\), .* run npm install --save-dev @expo-google-fonts\/noto-sans-sc@0\.4 in this folder, or pass .*--font/,
    );
    expect(() => fallbackFonts({ author: 'محمد' })).toThrow(/\(Arabic\), .*noto-sans-arabic/);
    expect(() => fallbackFonts({ title: 'x', id: '①' })).toThrow(/^the id contains ①, .*--font FILE/);
    const arabic = 'تحليل الوجه بشبكة صغيرة';
    const letters = [...new Set(arabic.replaceAll(' ', ''))];
    expect(letters.length).toBeGreaterThan(10);
    expect(() => fallbackFonts({ title: arabic, author: '李ก' })).toThrow(
      `the title contains ${letters.join(' ')} (Arabic) and the author contains 李 ก (Chinese, Thai), but neither`,
    );
    expect(() => fallbackFonts({ title: arabic, author: '李' })).toThrow(
      /run npm install --save-dev @expo-google-fonts\/noto-sans-sc@0\.4 @expo-google-fonts\/noto-sans-arabic@0\.4 in/,
    );
    const many = String.fromCodePoint(...Array.from({ length: 41 }, (_, index) => 0x4e00 + index));
    expect(() => fallbackFonts({ title: many })).toThrow(/ … \(Chinese\)/);
    expect(() => fallbackFonts({ author: 'x' }, import.meta.filename)).toThrow(/cannot be read; pass a TrueType/);
  });

  it('have a family', () => {
    expect(fontFamily(readFont('400Regular'))).toBe('Arimo');
  });
});

describe('a font with characters above U+FFFF (cmap format 12)', () => {
  const font = fontWith('Wide', [
    [0x674e, 0x674f, 3],
    [0x20bb7, 0x20bb8, 0],
  ]);

  it.each([
    [0x674d, false],
    [0x674e, true],
    [0x674f, true],
    [0x6750, false],
    // Glyph 0 is the box.
    [0x20bb7, false],
    [0x20bb8, true],
    [0x20bb9, false],
  ])('%d', (code, has) => {
    expect(hasGlyph(font, code)).toBe(has);
    expect(fontFamily(font)).toBe('Wide');
  });
});

describe('an installed Noto package', () => {
  it('is also found in the working folder', () => {
    const other = mkdtempSync(join(tmpdir(), 'faceparse-app-'));
    const file = '@expo-google-fonts/noto-sans-thai/400Regular/NotoSansThai_400Regular.ttf';
    const path = join(other, 'node_modules', file);
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(path, fontWith('Noto Sans Thai', [[0xe01, 0xe01, 1]]));
    const inside = vi.spyOn(process, 'cwd').mockReturnValue(other);
    try {
      expect(fallbackFonts({ author: 'ก' }).map(({ family }) => family)).toEqual(['Noto Sans Thai']);
    } finally {
      inside.mockRestore();
      rmSync(other, { recursive: true });
    }
  });

  it('is used for the script that needs it, also above U+FFFF, after the given font', () => {
    const path = join(folder, 'node_modules/@expo-google-fonts/noto-sans-sc/400Regular/NotoSansSC_400Regular.ttf');
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(path, fontWith('Noto Sans SC', [[0x20bb7, 0x20bb7, 1]]));
    const given = join(folder, 'given.ttf');
    writeFileSync(given, fontWith('Given', [[0x674e, 0x674e, 1]]));
    const { resolve } = createRequire(join(folder, 'index.js'));
    const families = (author: string, file?: string) =>
      fallbackFonts({ author }, file, resolve).map(({ family }) => family);
    expect(families('𠮷')).toEqual(['Noto Sans SC']);
    expect(families('李𠮷', given)).toEqual(['Given', 'Noto Sans SC']);
    expect(families('Li', undefined)).toEqual([]);
    // A title is bold.
    const bold = path.replaceAll('400Regular', '700Bold');
    mkdirSync(dirname(bold), { recursive: true });
    writeFileSync(bold, fontWith('Noto Sans SC', [[0x20bb7, 0x20bb7, 2]]));
    const files = (head: object) => fallbackFonts(head, undefined, resolve).map(({ bytes }) => bytes);
    expect(files({ title: '𠮷', author: '𠮷' })).toEqual([readFileSync(path), readFileSync(bold)]);
    expect(files({ author: '𠮷' })).toEqual([readFileSync(path)]);
    expect(() => families('李𠮷')).toThrow(/^the author contains 李 \(Chinese\)/);
    expect(() => fallbackFonts({ author: '𠮷' })).toThrow(/^the author contains 𠮷 \(Chinese\)/);
  });
});
