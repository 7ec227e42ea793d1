import { Unzlib, zlibSync } from 'fflate';
import { FaceparseError } from '../../text/errors.ts';
import { quote } from '../../text/quoted-text.ts';
import { crc32 } from '../crc.ts';
import { chunk, concatenate, headerChunk, pngColorTypes, pngSignature } from './png-chunks.ts';

type Color = readonly [number, number, number];

interface IndexImage {
  readonly width: number;
  readonly height: number;
  readonly data: Uint8Array;
}

interface Header {
  readonly width: number;
  readonly height: number;
  readonly bitDepth: number;
  readonly indexed: boolean;
  readonly interlaced: boolean;
}

/** The pixels x0 + i·stepX, y0 + j·stepY of an image; an interlaced PNG stores seven such lattices in sequence. */
interface Pass {
  readonly x0: number;
  readonly y0: number;
  readonly stepX: number;
  readonly stepY: number;
}

const wanted = 'a mask must be an 8-bit palette or greyscale PNG whose values are class ids';
const colorTypeNames: Record<number, string> = { 0: 'greyscale', 2: 'RGB', 3: 'palette', 4: 'grey+alpha', 6: 'RGBA' };

const defaultMaxPixels = 2 ** 26;
/** Deflate compresses by at most 1032:1. A shorter stream is truncated, which is known before anything is allocated. */
const maxDeflateRatio = 1032;
/** One push inflates to at most 16 MiB; the check between pushes limits a deflate bomb to that size. */
const inflateSlice = 16 * 1024;

const wholeImage: readonly Pass[] = [{ x0: 0, y0: 0, stepX: 1, stepY: 1 }];
const adam7: readonly Pass[] = [
  { x0: 0, y0: 0, stepX: 8, stepY: 8 },
  { x0: 4, y0: 0, stepX: 8, stepY: 8 },
  { x0: 0, y0: 4, stepX: 4, stepY: 8 },
  { x0: 2, y0: 0, stepX: 4, stepY: 4 },
  { x0: 0, y0: 2, stepX: 2, stepY: 4 },
  { x0: 1, y0: 0, stepX: 2, stepY: 2 },
  { x0: 0, y0: 1, stepX: 1, stepY: 2 },
];

/**
 * Encodes class ids (H×W, one byte per pixel) as an 8-bit palette PNG whose indices are the ids. The same map always gives
 * the same bytes.
 *
 * @throws RangeError if sizes disagree or an id has no colour in the palette (1 to 256 colours, 0–255)
 *
 * @see https://www.w3.org/TR/png-3/
 * @example encodePalettePng(labels, celebamask19.classes.map((one) => one.color))
 */
export function encodePalettePng(map: IndexImage, palette: readonly Color[]): Uint8Array {
  const { width, height, data } = map;
  checkEncodable(map, palette);
  // Filter 0 on every row: differences of class ids are meaningless, and unfiltered labels compress best.
  const rows = new Uint8Array(height * (width + 1));
  for (let y = 0; y < height; y++) rows.set(data.subarray(y * width, (y + 1) * width), y * (width + 1) + 1);

  return concatenate([
    pngSignature,
    headerChunk(width, height, pngColorTypes.palette),
    chunk('PLTE', Uint8Array.from(palette.flat())),
    chunk('IDAT', zlibSync(rows, { level: 9 })),
    chunk('IEND', new Uint8Array(0)),
  ]);
}

/**
 * Decodes a palette PNG (1, 2, 4 or 8 bits) or an 8-bit greyscale PNG into its raw values (H×W) and its palette (empty
 * for greyscale).
 *
 * @throws FaceparseError for other PNGs, other files, damaged files and files with more than `maxPixels` pixels (default
 * 2^26); it does not name the file, because the caller knows it
 *
 * @example const { width, height, data } = decodePalettePng(bytes) // data[y * width + x] is a class id
 */
export function decodePalettePng(
  bytes: Uint8Array,
  options: { maxPixels?: number } = {},
): { width: number; height: number; data: Uint8Array; palette: [number, number, number][] } {
  if (!isPng(bytes)) throw foreignError(bytes);
  let header: Header | undefined;
  let palette: [number, number, number][] = [];
  const compressed: Uint8Array[] = [];
  for (const { type, body } of readChunks(bytes)) {
    if (!header) {
      if (type !== 'IHDR') throw damaged(`its first chunk is ${quote(type)}, not IHDR`);
      header = readHeader(body, options.maxPixels ?? defaultMaxPixels);
    } else if (type === 'PLTE' && header.indexed) palette = readPalette(body);
    else if (type === 'IDAT') compressed.push(body);
  }
  if (!header) throw damaged('it has no header');
  if (header.indexed && palette.length === 0) throw damaged('it has palette indices but no palette');

  const passes = header.interlaced ? adam7 : wholeImage;
  const rawBytes = passes.reduce((sum, pass) => sum + passBytes(header, pass), 0);
  const raw = inflateExactly(concatenate(compressed), rawBytes);
  const data = new Uint8Array(header.width * header.height);
  let offset = 0;
  for (const pass of passes) {
    const size = passBytes(header, pass);
    readPass(raw.subarray(offset, offset + size), header, pass, data);
    offset += size;
  }
  return { width: header.width, height: header.height, data, palette };
}

/**
 * Reads the palette of a PNG without decoding its pixels; empty for files without one.
 *
 * @throws FaceparseError for other files and damage before the pixels
 *
 * @example readPngPalette(bytes)[1] // [204, 0, 0]: the colour of class 1
 */
export function readPngPalette(bytes: Uint8Array): [number, number, number][] {
  if (!isPng(bytes)) throw foreignError(bytes);
  for (const { type, body } of readChunks(bytes)) {
    if (type === 'PLTE') return readPalette(body);
    if (type === 'IDAT') break;
  }
  return [];
}

function isPng(bytes: Uint8Array): boolean {
  return bytes.length >= pngSignature.length && pngSignature.every((byte, i) => bytes[i] === byte);
}

/** Checks that the indices fill width × height. @throws RangeError */
export function checkIndexImage({ width, height, data }: IndexImage): void {
  for (const [name, value] of Object.entries({ width, height })) {
    if (!Number.isInteger(value) || value < 1 || value > 0x7fffffff) {
      throw new RangeError(`a mask's ${name} must be a positive integer, not ${value}`);
    }
  }
  if (data.length !== width * height) {
    throw new RangeError(
      `a mask of ${width}×${height} requires ${width * height} class ids, but ${data.length} were given`,
    );
  }
}

function checkEncodable(map: IndexImage, palette: readonly Color[]): void {
  checkIndexImage(map);
  const { width, data } = map;
  if (palette.length < 1 || palette.length > 256) {
    throw new RangeError(`a palette has 1 to 256 colours, but ${palette.length} were given`);
  }
  const channels = palette.flat();
  const bad = channels.findIndex((value) => !Number.isInteger(value) || value < 0 || value > 255);
  if (bad >= 0 || channels.length !== palette.length * 3) {
    throw new RangeError(`every colour of a palette is three integers 0–255; given: ${JSON.stringify(palette)}`);
  }
  const colorless = data.findIndex((id) => id >= palette.length);
  if (colorless >= 0) {
    throw new RangeError(
      `class id ${data[colorless]} at x ${colorless % width}, y ${Math.floor(colorless / width)} has no colour in a palette of ${palette.length}`,
    );
  }
}

function* readChunks(bytes: Uint8Array): Generator<{ type: string; body: Uint8Array }> {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  let offset = pngSignature.length;
  for (;;) {
    if (bytes.length - offset < 12) throw cutShort(`it ends after ${bytes.length} bytes, before its last chunk`);
    const length = view.getUint32(offset);
    const type = String.fromCharCode(...bytes.subarray(offset + 4, offset + 8));
    const end = offset + 8 + length;
    if (end + 4 > bytes.length) {
      throw cutShort(`its ${quote(type)} chunk declares ${length} bytes, but only ${bytes.length - offset - 8} follow`);
    }
    if (view.getUint32(end) !== crc32(bytes.subarray(offset + 4, end))) {
      throw damaged(`the checksum of its ${quote(type)} chunk is wrong`);
    }
    yield { type, body: bytes.subarray(offset + 8, end) };
    if (type === 'IEND') return;
    offset = end + 4;
  }
}

function readHeader(body: Uint8Array, maxPixels: number): Header {
  if (body.length !== 13) throw damaged(`its header has ${body.length} bytes instead of 13`);
  const view = new DataView(body.buffer, body.byteOffset, body.byteLength);
  const [width, height] = [view.getUint32(0), view.getUint32(4)];
  const [bitDepth, colorType, compression, filter, interlace] = body.subarray(8);
  const indexed = colorType === 3;
  if (!(indexed && [1, 2, 4, 8].includes(bitDepth)) && !(colorType === 0 && bitDepth === 8)) {
    const name = colorTypeNames[colorType] ?? `colour type ${colorType}`;
    throw new FaceparseError(
      `${bitDepth === 8 ? articleFor(name) : `a ${bitDepth}-bit`} ${name} PNG, but ${wanted}; ${formRemedy(colorType)}`,
    );
  }
  if (width === 0 || height === 0) throw damaged(`its header declares ${width}×${height} pixels`);
  if (compression !== 0 || filter !== 0 || interlace > 1) {
    throw damaged(
      `its header names an unknown method (compression ${compression}, filter ${filter}, interlace ${interlace})`,
    );
  }
  if (width * height > maxPixels) {
    throw new FaceparseError(
      `the PNG has ${width}×${height} pixels, but a mask may have at most ${maxPixels}; downscale it (nearest neighbour)`,
    );
  }
  return { width, height, bitDepth, indexed, interlaced: interlace === 1 };
}

function readPalette(body: Uint8Array): [number, number, number][] {
  if (body.length === 0 || body.length % 3 !== 0 || body.length > 768) {
    throw damaged(`its palette has ${body.length} bytes, not 3 for each of 1 to 256 colours`);
  }
  return Array.from({ length: body.length / 3 }, (_, i) => [body[3 * i], body[3 * i + 1], body[3 * i + 2]]);
}

function inflateExactly(compressed: Uint8Array, length: number): Uint8Array {
  const missing = (there: string) => cutShort(`its header declares ${length} bytes of pixel rows, but ${there} follow`);
  if (length > compressed.length * maxDeflateRatio) throw missing(`at most ${compressed.length * maxDeflateRatio}`);
  const out = new Uint8Array(length);
  let filled = 0;
  const inflator = new Unzlib((part) => {
    if (filled + part.length > length)
      throw damaged(`it contains more than the ${length} bytes declared in its header`);
    out.set(part, filled);
    filled += part.length;
  });
  try {
    for (let start = 0; start < compressed.length; start += inflateSlice) {
      const end = start + inflateSlice;
      inflator.push(compressed.subarray(start, end), end >= compressed.length);
    }
  } catch (cause) {
    if (cause instanceof FaceparseError) throw cause;
    throw damaged(`its pixel data does not inflate: ${cause instanceof Error ? cause.message : cause}`, cause);
  }
  if (filled < length) throw missing(String(filled));
  return out;
}

function passSize(header: Header, pass: Pass): { columns: number; rows: number; rowBytes: number } {
  const columns = Math.max(0, Math.ceil((header.width - pass.x0) / pass.stepX));
  const rows = Math.max(0, Math.ceil((header.height - pass.y0) / pass.stepY));
  return { columns, rows, rowBytes: Math.ceil((columns * header.bitDepth) / 8) };
}

function passBytes(header: Header, pass: Pass): number {
  const { columns, rows, rowBytes } = passSize(header, pass);
  return columns === 0 ? 0 : rows * (rowBytes + 1);
}

function readPass(raw: Uint8Array, header: Header, pass: Pass, data: Uint8Array): void {
  if (raw.length === 0) return;
  const { columns, rows, rowBytes } = passSize(header, pass);
  const perByte = 8 / header.bitDepth;
  const valueMask = 2 ** header.bitDepth - 1;
  let above: Uint8Array = new Uint8Array(rowBytes);
  for (let row = 0; row < rows; row++) {
    const start = row * (rowBytes + 1);
    const line = raw.subarray(start + 1, start + 1 + rowBytes);
    unfilter(raw[start], line, above);
    const target = (pass.y0 + row * pass.stepY) * header.width + pass.x0;
    for (let column = 0; column < columns; column++) {
      const shift = (perByte - 1 - (column % perByte)) * header.bitDepth;
      data[target + column * pass.stepX] = (line[Math.floor(column / perByte)] >> shift) & valueMask;
    }
    above = line;
  }
}

/** Undoes a row filter in place; a pixel is at most one byte here, so "left" is always the byte before (PNG §9). */
function unfilter(filter: number, line: Uint8Array, above: Uint8Array): void {
  if (filter === 0) return;
  if (filter > 4) throw damaged(`it has a row with the unknown filter ${filter}`);
  let [left, aboveLeft] = [0, 0];
  for (let i = 0; i < line.length; i++) {
    const up = above[i];
    let predicted: number;
    if (filter === 1) predicted = left;
    else if (filter === 2) predicted = up;
    else if (filter === 3) predicted = (left + up) >> 1;
    else predicted = paeth(left, up, aboveLeft);
    left = line[i] = line[i] + predicted; // the array wraps to a byte
    left &= 0xff;
    aboveLeft = up;
  }
}

function paeth(left: number, up: number, aboveLeft: number): number {
  const [toLeft, toUp, toAboveLeft] = [
    Math.abs(up - aboveLeft),
    Math.abs(left - aboveLeft),
    Math.abs(left + up - 2 * aboveLeft),
  ];
  if (toLeft <= toUp && toLeft <= toAboveLeft) return left;
  return toUp <= toAboveLeft ? up : aboveLeft;
}

/** How to get a mask from a PNG of another form. */
function formRemedy(colorType: number): string {
  if (colorType === 2 || colorType === 6)
    return 'convert its colours to class ids with faceparse data convert --palette FILE';
  if (colorType === 4) return 'save it without the alpha channel';
  return 'save the class ids unchanged in 8 bits';
}

/** Files that people take for masks, by their first bytes. */
const foreignFiles: readonly (readonly [string, RegExp])[] = [
  ['a WebP image', /^RIFF....WEBP/s],
  ['a GIF image', /^GIF8/],
  ['a BMP image', /^BM/],
  ['a TIFF image', /^(?:II\*\0|MM\0\*)/],
  ['a NumPy array', /^\x93NUMPY/],
  ['a MATLAB file', /^MATLAB/],
  ['a web page', /^\s*<(?:!doctype|html)/i],
];

function describeForeign(bytes: Uint8Array): string {
  if (bytes.length === 0) return 'an empty file';
  if (bytes[0] === 0xff && bytes[1] === 0xd8) return 'a JPEG';
  const start = String.fromCharCode(...bytes.subarray(0, 32));
  return foreignFiles.find(([, pattern]) => pattern.test(start))?.[0] ?? 'not a PNG';
}

/** JPEG changes values next to every border, so that ids of classes appear that are not there. */
function foreignError(bytes: Uint8Array): FaceparseError {
  const what = describeForeign(bytes);
  const remedy =
    what === 'a JPEG' ? '; JPEG compression changes the ids, so write the masks again from their source' : '';
  return new FaceparseError(`${what}, but ${wanted}${remedy}`);
}

function articleFor(name: string): string {
  return name.startsWith('RGB') ? 'an' : 'a';
}

function cutShort(what: string): FaceparseError {
  return new FaceparseError(`the PNG is truncated: ${what}; download or create the file again`);
}

function damaged(what: string, cause?: unknown): FaceparseError {
  return new FaceparseError(`the PNG is damaged: ${what}; download or create the file again`, { cause });
}
