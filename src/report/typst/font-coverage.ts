import { readFileSync, statSync } from 'node:fs';
import { figureFont } from '../../charts/svg-text.ts';
import { type ResolvePackageFile, resolveDataFile } from '../../packages/installed-package.ts';
import { installCommand } from '../../packages/optional-packages.ts';
import { FaceparseError } from '../../text/errors.ts';
import type { ReportHead } from '../facts/report-facts.ts';
import { readFont } from './typst-compiler.ts';

/** Offset of a table in a TrueType font: a 12-byte header is followed by entries of tag, checksum, offset and length. */
function tableOffset(font: Buffer, tag: string): number {
  const count = font.readUInt16BE(4);
  for (let entry = 12; entry < 12 + 16 * count; entry += 16) {
    if (font.toString('latin1', entry, entry + 4) === tag) return font.readUInt32BE(entry + 8);
  }
  throw new Error(`the font has no table ${tag}`);
}

/** Platform and encoding of the Unicode subtables of a cmap: platform 0, or Windows with the BMP (1) or all of Unicode (10). */
function isUnicode(platform: number, encoding: number): boolean {
  return platform === 0 || (platform === 3 && (encoding === 1 || encoding === 10));
}

/** Offsets and formats of a font's Unicode subtables; formats other than 4 and 12 are rare and ignored. */
function characterTables(font: Buffer): { readonly table: number; readonly format: 4 | 12 }[] {
  const cmap = tableOffset(font, 'cmap');
  const count = font.readUInt16BE(cmap + 2);
  const tables: { table: number; format: 4 | 12 }[] = [];
  for (let entry = cmap + 4; entry < cmap + 4 + 8 * count; entry += 8) {
    const table = cmap + font.readUInt32BE(entry + 4);
    const format = font.readUInt16BE(table);
    if (!isUnicode(font.readUInt16BE(entry), font.readUInt16BE(entry + 2))) continue;
    if (format === 4 || format === 12) tables.push({ table, format });
  }
  if (tables.length === 0) throw new Error('the font has no Unicode characters');
  return tables;
}

/** Format 4, up to U+FFFF: arrays of segments with last code, first code, delta and offset; the first that ends at or after the code counts. */
function hasGlyphInSegments(font: Buffer, table: number, code: number): boolean {
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

/** Format 12, all of Unicode: groups of first code, last code and glyph of the first, in ascending order. */
function hasGlyphInGroups(font: Buffer, table: number, code: number): boolean {
  const count = font.readUInt32BE(table + 12);
  for (let group = table + 16; group < table + 16 + 12 * count; group += 12) {
    if (font.readUInt32BE(group + 4) < code) continue;
    const first = font.readUInt32BE(group);
    return first <= code && font.readUInt32BE(group + 8) + code - first !== 0;
  }
  return false;
}

/**
 * Whether a TrueType or OpenType font has a glyph for a character (OpenType specification, cmap formats 4 and 12).
 *
 * @param code a Unicode code point
 * @example hasGlyph(readFont('400Regular'), 0x41) // true
 */
export function hasGlyph(font: Buffer, code: number): boolean {
  return characterTables(font).some(({ table, format }) => {
    try {
      return format === 12 ? hasGlyphInGroups(font, table, code) : hasGlyphInSegments(font, table, code);
    } catch (error) {
      // The table of a damaged font points outside of the file.
      if (error instanceof RangeError) return false;
      throw error;
    }
  });
}

/** Scripts with an optional Noto package, and the name of its font. */
const scripts = [
  ['Japanese', /[\p{Script=Hiragana}\p{Script=Katakana}]/u, '@expo-google-fonts/noto-sans-jp', 'NotoSansJP'],
  ['Chinese', /\p{Script=Han}/u, '@expo-google-fonts/noto-sans-sc', 'NotoSansSC'],
  ['Korean', /\p{Script=Hangul}/u, '@expo-google-fonts/noto-sans-kr', 'NotoSansKR'],
  ['Arabic', /\p{Script=Arabic}/u, '@expo-google-fonts/noto-sans-arabic', 'NotoSansArabic'],
  ['Devanagari', /\p{Script=Devanagari}/u, '@expo-google-fonts/noto-sans-devanagari', 'NotoSansDevanagari'],
  ['Thai', /\p{Script=Thai}/u, '@expo-google-fonts/noto-sans-thai', 'NotoSansThai'],
] as const;

/** A font for characters that the report's own font lacks. */
export interface FallbackFont {
  readonly family: string;
  readonly bytes: Buffer;
}

/** Family name of a font (OpenType specification, name table, platform 3): the typographic family (16), else the plain one (1). */
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

/** Fonts for Chinese have 20 MB. */
const maxFontBytes = 2 ** 26;

/**
 * Reads a fallback font.
 *
 * @throws FaceparseError (exit code 2) if it cannot be read or is not a TrueType or OpenType font
 */
function readFallback(path: string): FallbackFont {
  try {
    const found = statSync(path);
    // A pipe or a device may never end.
    if (!found.isFile() || found.size > maxFontBytes) throw new Error('not a file of at most 64 MB');
    const bytes = readFileSync(path);
    const family = fontFamily(bytes);
    hasGlyph(bytes, 65);
    if (family) return { family, bytes };
  } catch (cause) {
    throw new FaceparseError(`the font ${path} cannot be read; pass a TrueType or OpenType font (.ttf or .otf)`, {
      exitCode: 2,
      cause,
    });
  }
  throw new FaceparseError(`the font ${path} has no family name; pass another font`, { exitCode: 2 });
}

type Style = '400Regular' | '700Bold';

function installedFont(
  [, , name, font]: (typeof scripts)[number],
  style: Style,
  resolve: ResolvePackageFile,
): FallbackFont | undefined {
  let path: string;
  try {
    path = resolve(`${name}/${style}/${font}_${style}.ttf`);
  } catch {
    return undefined;
  }
  return readFallback(path);
}

/**
 * The fonts for characters of a report's title, author and id that its own font lacks: `file` first, then installed Noto
 * packages. Empty if none is needed. The title is bold, so its scripts also get the bold font of their package.
 *
 * @param resolve finds the Noto packages; default: those installed next to faceparse or in the working folder
 * @throws FaceparseError (exit code 2) that lists all missing characters, their scripts and how to get a font
 * @example fallbackFonts({ author: '李小龙' }, 'NotoSansSC-Regular.otf').map(({ family }) => family) // ['Noto Sans SC']
 */
export function fallbackFonts(
  head: Partial<ReportHead>,
  file?: string,
  resolve: ResolvePackageFile = resolveDataFile,
): FallbackFont[] {
  const own = readFont('400Regular');
  const fonts = file === undefined ? [] : [readFallback(file)];
  const bold: FallbackFont[] = [];
  const lacking: Lacking[] = [];
  for (const key of ['title', 'author', 'id'] as const) {
    const characters = [...new Set(head[key]?.replace(/[\p{C}\p{Z}]/gu, ''))];
    const missing = () =>
      characters.filter((character) =>
        [own, ...fonts.map(({ bytes }) => bytes)].every((font) => !hasGlyph(font, character.codePointAt(0) ?? 0)),
      );
    for (const script of scripts) {
      if (!missing().some((character) => script[1].test(character))) continue;
      const font = installedFont(script, '400Regular', resolve);
      if (font) fonts.push(font);
      const boldFont = font && key === 'title' && installedFont(script, '700Bold', resolve);
      if (boldFont) bold.push(boldFont);
    }
    const left = missing();
    if (left.length > 0) lacking.push({ key, characters: left });
  }
  if (lacking.length > 0) throw noGlyph(lacking);
  return [...fonts, ...bold];
}

/** Characters of the title, author or id that no font has. */
interface Lacking {
  readonly key: string;
  readonly characters: readonly string[];
}

/** More characters than this are cut in the message. */
const mostListed = 40;

function scriptsOf(characters: readonly string[]): (typeof scripts)[number][] {
  return scripts.filter(([, pattern]) => characters.some((character) => pattern.test(character)));
}

function noGlyph(lacking: readonly Lacking[]): FaceparseError {
  const found = lacking.map(({ key, characters }) => {
    const names = scriptsOf(characters).map(([name]) => name);
    const cut = characters.length > mostListed ? ' …' : '';
    return `the ${key} contains ${characters.slice(0, mostListed).join(' ')}${cut}${names.length > 0 ? ` (${names.join(', ')})` : ''}`;
  });
  const packages = scriptsOf(lacking.flatMap(({ characters }) => characters)).map(([, , name]) => name);
  const install = packages.length > 0 ? `run ${installCommand(packages)} in this folder, or ` : '';
  return new FaceparseError(
    `${found.join(' and ')}, but neither ${figureFont} nor any available fallback font has these characters; ` +
      `${install}pass a font that has them: --font FILE.ttf`,
    { exitCode: 2 },
  );
}
