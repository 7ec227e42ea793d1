import { readFile, stat } from 'node:fs/promises';
import sharp from 'sharp';
import type { LabelMap } from '../../image/image.ts';
import { maxImagePixels } from '../../image/raw-image.ts';
import { ImageError, maxFileBytes } from '../../image/read-image.ts';
import { ignoreLabel } from '../../labels/label-set.ts';
import { countOf } from '../../text/counts.ts';
import { formatColor, type IdTable, type Palette } from './table-file.ts';

/** Names at most three keys with their pixels: `12,34,56 in 7 pixels`. */
function listUnknown(counts: ReadonlyMap<number, number>, format: (key: number) => string, noun: string): string {
  const listed = [...counts].sort((a, b) => b[1] - a[1]).slice(0, 3);
  const shown = listed.map(([key, pixels]) => `${format(key)} in ${countOf(pixels, 'pixel')}`);
  const more = counts.size - listed.length;
  if (more > 0) shown.push(`${countOf(more, `more ${noun}`)}`);
  return `${noun}${counts.size === 1 ? '' : 's'} ${shown.join(', ')}`;
}

/**
 * Reads a colour mask (PNG of any colour type) as ids by a palette. Colours must match exactly: a nearest colour would turn
 * the blended edges of resized masks into other classes.
 *
 * Embedded colour profiles are ignored, as in the programs that write such masks, and so is alpha.
 *
 * @throws ImageError that names the file if it is damaged, no PNG, or has colours that the palette does not list
 */
export async function readColorMask(path: string, palette: Palette): Promise<LabelMap> {
  const bytes = await readPng(path);
  const { data, info } = await sharp(bytes, { failOn: 'error', limitInputPixels: maxImagePixels, ignoreIcc: true })
    .removeAlpha()
    .toColourspace('srgb')
    .raw({ depth: 'uchar' })
    .toBuffer({ resolveWithObject: true })
    .catch((cause: Error) => {
      throw new ImageError(path, `is damaged (${cause.message.split('\n', 1)[0]})`, 'save it again', cause);
    });
  const { width, height, channels } = info;
  const ids = new Uint8Array(width * height);
  const unknown = new Map<number, number>();
  for (let i = 0, j = 0; i < ids.length; i++, j += channels) {
    const color = channels < 3 ? data[j] * 0x010101 : (data[j] << 16) | (data[j + 1] << 8) | data[j + 2];
    const id = palette.ids.get(color) ?? palette.other;
    if (id === undefined) unknown.set(color, (unknown.get(color) ?? 0) + 1);
    else ids[i] = id;
  }
  if (unknown.size > 0) {
    throw new ImageError(
      path,
      `has the ${listUnknown(unknown, formatColor, 'colour')}, not in ${palette.file}`,
      'add them there, or a line "ignore *" for all other colours',
    );
  }
  return { width, height, data: ids };
}

async function readPng(path: string): Promise<Buffer> {
  let bytes: Buffer;
  try {
    const { size } = await stat(path);
    if (size > maxFileBytes) throw new Error(`it has ${size} bytes; the limit is ${maxFileBytes}`);
    bytes = await readFile(path);
  } catch (cause) {
    throw new ImageError(path, `cannot be read (${(cause as Error).message})`, 'check the file', cause);
  }
  if (bytes.toString('latin1', 0, 8) !== '\x89PNG\r\n\x1a\n') {
    const jpeg = bytes[0] === 0xff && bytes[1] === 0xd8;
    throw new ImageError(
      path,
      jpeg ? 'is a JPEG, which changes the colours of a mask' : 'is not a PNG',
      'save the masks as PNG',
    );
  }
  return bytes;
}

/**
 * Converts the ids of a mask by a table. 255 stays 255 unless the table lists it.
 *
 * @param path the mask, for messages
 * @throws ImageError that names ids which the table does not list
 */
export function convertIds(mask: LabelMap, table: IdTable, path: string): LabelMap {
  const known = new Int16Array(256).fill(-1);
  for (let id = 0; id < 256; id++) {
    known[id] = table.ids.get(id) ?? (id === ignoreLabel ? ignoreLabel : (table.other ?? -1));
  }
  const unknown = new Map<number, number>();
  const data = new Uint8Array(mask.data.length);
  for (let i = 0; i < data.length; i++) {
    const id = mask.data[i];
    if (known[id] < 0) unknown.set(id, (unknown.get(id) ?? 0) + 1);
    else data[i] = known[id];
  }
  if (unknown.size > 0) {
    throw new ImageError(
      path,
      `has the ${listUnknown(unknown, String, 'id')}, not in ${table.name}`,
      'check which program wrote the masks, or use --table with these ids',
    );
  }
  return { width: mask.width, height: mask.height, data };
}
