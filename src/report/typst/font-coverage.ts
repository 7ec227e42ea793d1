import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { FaceparseError } from '../../text/errors.ts';
import type { ReportHead } from '../facts/report-facts.ts';
import { figureFont } from '../figures/svg-text.ts';
import { readFont } from './typst-compiler.ts';

/** Where a table of a TrueType font begins: the header of 12 bytes is followed by entries of tag, checksum, offset, length. */
function tableOffset(font: Buffer, tag: string): number {
  const count = font.readUInt16BE(4);
  for (let entry = 12; entry < 12 + 16 * count; entry += 16) {
    if (font.toString('latin1', entry, entry + 4) === tag) return font.readUInt32BE(entry + 8);
  }
  throw new Error(`the font has no table ${tag}`);
}

/** Where the subtable of Unicode's first 65,536 characters (platform 3, encoding 1, format 4) of a font begins. */
function characterTable(font: Buffer): number {
  const cmap = tableOffset(font, 'cmap');
  const count = font.readUInt16BE(cmap + 2);
  for (let entry = cmap + 4; entry < cmap + 4 + 8 * count; entry += 8) {
    const table = cmap + font.readUInt32BE(entry + 4);
    if (font.readUInt32BE(entry) === 0x30001 && font.readUInt16BE(table) === 4) return table;
  }
  throw new Error('the font has no characters of Unicode');
}

/**
 * Whether a TrueType font has a glyph for a character (OpenType specification, cmap format 4): arrays of segments with last
 * code, first code, delta and offset, of which the first that ends at the code or after it counts.
 *
 * @param code a Unicode code point
 */
export function hasGlyph(font: Buffer, code: number): boolean {
  const table = characterTable(font);
  const twice = font.readUInt16BE(table + 6);
  for (let end = table + 14; end < table + 14 + twice; end += 2) {
    if (font.readUInt16BE(end) < code) continue;
    const start = end + twice + 2;
    if (font.readUInt16BE(start) > code) return false;
    const delta = font.readUInt16BE(start + twice);
    const place = start + 2 * twice;
    const offset = font.readUInt16BE(place);
    if (offset === 0) return (code + delta) % 65536 !== 0;
    return font.readUInt16BE(place + offset + 2 * (code - font.readUInt16BE(start))) !== 0;
  }
  return false;
}

/** Scripts whose Noto package may be installed, by the end of the package's name. */
const scripts: readonly (readonly [script: string, pattern: RegExp, slug: string, name: string])[] = [
  ['Japanese', /[\p{Script=Hiragana}\p{Script=Katakana}]/u, 'noto-sans-jp', 'NotoSansJP'],
  ['Chinese', /\p{Script=Han}/u, 'noto-sans-sc', 'NotoSansSC'],
  ['Korean', /\p{Script=Hangul}/u, 'noto-sans-kr', 'NotoSansKR'],
  ['Arabic', /\p{Script=Arabic}/u, 'noto-sans-arabic', 'NotoSansArabic'],
  ['Devanagari', /\p{Script=Devanagari}/u, 'noto-sans-devanagari', 'NotoSansDevanagari'],
  ['Thai', /\p{Script=Thai}/u, 'noto-sans-thai', 'NotoSansThai'],
];

/** A font that fills in for letters that the font of reports lacks. */
export interface FallbackFont {
  readonly family: string;
  readonly bytes: Buffer;
}

/** Family name of a font (OpenType specification, name table, platform 3; 16 is the typographic family, 1 the plain one). */
export function fontFamily(font: Buffer): string | undefined {
  const table = tableOffset(font, 'name');
  const count = font.readUInt16BE(table + 2);
  const storage = table + font.readUInt16BE(table + 4);
  const names = new Map<number, string>();
  for (let record = table + 6; record < table + 6 + 12 * count; record += 12) {
    const id = font.readUInt16BE(record + 6);
    if (font.readUInt16BE(record) !== 3 || (id !== 1 && id !== 16) || font.readUInt16BE(record + 4) !== 0x409) continue;
    const begin = storage + font.readUInt16BE(record + 10);
    names.set(
      id,
      Buffer.from(font.subarray(begin, begin + font.readUInt16BE(record + 8)))
        .swap16()
        .toString('utf16le'),
    );
  }
  return names.get(16) ?? names.get(1);
}

/**
 * A font file to fill in.
 *
 * @throws FaceparseError (exit code 2) where it cannot be read or is no TrueType or OpenType font
 */
function readFallback(path: string): FallbackFont {
  try {
    const bytes = readFileSync(path);
    const family = fontFamily(bytes);
    hasGlyph(bytes, 65);
    if (family) return { family, bytes };
  } catch (cause) {
    throw new FaceparseError(`the font ${path} cannot be used; give a TrueType or OpenType font (.ttf or .otf)`, {
      exitCode: 2,
      cause,
    });
  }
  throw new FaceparseError(`the font ${path} has no family name; give another font`, { exitCode: 2 });
}

function installedFont([, , slug, name]: (typeof scripts)[number]): FallbackFont | undefined {
  let path: string;
  try {
    path = createRequire(import.meta.url).resolve(`@expo-google-fonts/${slug}/400Regular/${name}_400Regular.ttf`);
  } catch {
    return undefined;
  }
  return readFallback(path);
}

/**
 * The fonts that fill in for characters of a report's head that its own font lacks: `file` first, then Noto packages that
 * are installed. Empty where none is needed.
 *
 * @throws FaceparseError (exit code 2) that names characters that no font has, their script, and how to get a font
 */
export function fallbackFonts(head: Partial<ReportHead>, file?: string): FallbackFont[] {
  const own = readFont('400Regular');
  const fonts = file === undefined ? [] : [readFallback(file)];
  for (const key of ['title', 'author', 'id'] as const) {
    const characters = [...new Set(head[key]?.replace(/[\p{C}\p{Z}]/gu, ''))];
    const missing = () =>
      characters.filter((character) =>
        [own, ...fonts.map(({ bytes }) => bytes)].every((font) => !hasGlyph(font, character.codePointAt(0) ?? 0)),
      );
    for (const script of scripts) {
      if (!missing().some((character) => script[1].test(character))) continue;
      const font = installedFont(script);
      if (font) fonts.push(font);
    }
    const left = missing();
    if (left.length > 0) throw noGlyph(key, left);
  }
  return fonts;
}

function noGlyph(key: string, characters: readonly string[]): FaceparseError {
  const script = scripts.find(([, pattern]) => characters.some((character) => pattern.test(character)));
  const which = script ? ` (${script[0]})` : '';
  const install = script ? `run npm install @expo-google-fonts/${script[2]}@0.4, or ` : '';
  return new FaceparseError(
    `the ${key} has ${characters.slice(0, 10).join(' ')}${which}, for which neither ${figureFont} nor another font at hand has a glyph; ` +
      `${install}give a font that has it: --font FILE.ttf`,
    { exitCode: 2 },
  );
}
