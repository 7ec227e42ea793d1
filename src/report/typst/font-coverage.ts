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

/**
 * Checks that the head of a report can be set in its font; no other takes over, since it would depend on the machine.
 *
 * @throws FaceparseError (exit code 2) that names the characters that the font lacks
 */
export function requireGlyphs(head: Partial<ReportHead>): void {
  const font = readFont('400Regular');
  for (const key of ['title', 'author', 'id'] as const) {
    const characters = new Set(head[key]?.replace(/[\p{C}\p{Z}]/gu, ''));
    const missing = [...characters].filter((character) => !hasGlyph(font, character.codePointAt(0)!));
    if (missing.length === 0) continue;
    throw new FaceparseError(
      `the ${key} has ${missing.slice(0, 10).join(' ')}, for which ${figureFont}, the font of reports, has no glyph; ` +
        'write it in other letters, or leave it out and edit it into report.typ with a font that has them',
      { exitCode: 2 },
    );
  }
}
