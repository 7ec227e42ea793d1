import { FaceparseError } from '../text/errors.ts';

/** Decoded pixels of a BMP file: RGB, or RGBA if the file declares an alpha channel. */
export interface BmpImage {
  readonly width: number;
  readonly height: number;
  readonly channels: 3 | 4;
  /** H×W×channels, row by row from the top left. */
  readonly data: Uint8Array;
}

interface Header {
  readonly width: number;
  readonly height: number;
  /** Whether the first row of the file is the top one; most files start at the bottom. */
  readonly topDown: boolean;
  readonly bitsPerPixel: number;
  readonly compression: number;
  /** Where the pixels begin, in bytes. */
  readonly pixels: number;
  readonly palette: Uint8Array;
  /** Bit masks of red, green, blue and alpha; 0 where a channel is missing. */
  readonly masks: readonly number[];
}

const compressions = { none: 0, rle8: 1, rle4: 2, bitFields: 3, alphaBitFields: 6 };
const fileHeaderBytes = 14;
const infoHeaderBytes = 40;

/**
 * Reads the size of a BMP file from its header.
 *
 * @throws FaceparseError as `decodeBmp` does for headers
 */
export function readBmpSize(bytes: Uint8Array): { width: number; height: number } {
  const { width, height } = readHeader(bytes);
  return { width, height };
}

/**
 * Decodes a BMP file: 1, 4, 8, 16, 24 or 32 bits per pixel, with a palette, bit fields or run lengths.
 *
 * @param maxPixels larger images are refused before memory is allocated
 * @throws FaceparseError for a truncated, damaged or too large file, or an embedded JPEG or PNG; it does not name the file,
 * because the caller knows it
 *
 * @see https://learn.microsoft.com/windows/win32/gdi/bitmap-storage
 * @example const { width, height, channels, data } = decodeBmp(bytes, { maxPixels: 1e8 });
 */
export function decodeBmp(bytes: Uint8Array, { maxPixels }: { maxPixels: number }): BmpImage {
  const header = readHeader(bytes);
  const { width, height, compression } = header;
  if (width * height > maxPixels) throw tooLarge(maxPixels);
  if (compression === compressions.rle8 || compression === compressions.rle4) return decodeRunLengths(bytes, header);
  return header.bitsPerPixel <= 8 ? decodeIndices(bytes, header) : decodeColors(bytes, header);
}

function damaged(reason: string): FaceparseError {
  return new FaceparseError(`BMP: ${reason}`);
}

function tooLarge(maxPixels: number): FaceparseError {
  return new FaceparseError(`more pixels than the pixel limit of ${maxPixels}`);
}

function viewOf(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

function readHeader(bytes: Uint8Array): Header {
  if (bytes.length < fileHeaderBytes + 12) throw damaged(`header cut after ${bytes.length} bytes`);
  const view = viewOf(bytes);
  const headerBytes = view.getUint32(14, true);
  const core = headerBytes === 12;
  if (!core && (headerBytes < infoHeaderBytes || headerBytes > 1024)) throw damaged(`header of ${headerBytes} bytes`);
  if (bytes.length < fileHeaderBytes + headerBytes) throw damaged(`header cut after ${bytes.length} bytes`);
  const [width, signedHeight] = core
    ? [view.getUint16(18, true), view.getUint16(20, true)]
    : [view.getInt32(18, true), view.getInt32(22, true)];
  const bitsPerPixel = view.getUint16(core ? 24 : 28, true);
  const compression = core ? compressions.none : view.getUint32(30, true);
  if (width < 1 || signedHeight === 0) throw damaged(`${width}×${Math.abs(signedHeight)} pixels`);
  const masksAt = fileHeaderBytes + infoHeaderBytes;
  const masks = readMasks(view, { masksAt, headerBytes, bitsPerPixel, compression });
  const paletteAt =
    fileHeaderBytes + headerBytes + (headerBytes === infoHeaderBytes ? 4 * separateMasks(compression) : 0);
  const palette = bitsPerPixel <= 8 ? readPalette(bytes, paletteAt, { core, bitsPerPixel }) : new Uint8Array(0);
  const pixels = view.getUint32(10, true);
  if (pixels < fileHeaderBytes + headerBytes || pixels >= bytes.length) throw damaged(`pixels at byte ${pixels}`);
  const header = {
    width,
    height: Math.abs(signedHeight),
    topDown: signedHeight < 0,
    ...{ bitsPerPixel, compression, pixels, palette, masks },
  };
  checkForm(header);
  return header;
}

/** The number of bit masks between a short header and the palette. */
function separateMasks(compression: number): number {
  return compression === compressions.bitFields ? 3 : compression === compressions.alphaBitFields ? 4 : 0;
}

function checkForm({ bitsPerPixel, compression, topDown }: Header): void {
  const bits = {
    [compressions.none]: [1, 4, 8, 16, 24, 32],
    [compressions.rle8]: topDown ? [] : [8],
    [compressions.rle4]: topDown ? [] : [4],
    [compressions.bitFields]: [16, 32],
    [compressions.alphaBitFields]: [16, 32],
  }[compression];
  if (!bits?.includes(bitsPerPixel)) {
    throw damaged(`${bitsPerPixel} bits per pixel and compression ${compression}`);
  }
}

interface MaskPlace {
  readonly masksAt: number;
  readonly headerBytes: number;
  readonly bitsPerPixel: number;
  readonly compression: number;
}

function readMasks(view: DataView, { masksAt, headerBytes, bitsPerPixel, compression }: MaskPlace): number[] {
  const stored = separateMasks(compression);
  if (stored === 0) return bitsPerPixel === 16 ? [0x7c00, 0x3e0, 0x1f, 0] : [0xff0000, 0xff00, 0xff, 0];
  // Headers of 56 bytes and more contain an alpha mask.
  const count = headerBytes >= 56 ? 4 : stored;
  if (masksAt + 4 * count > view.byteLength) throw damaged('header cut in its colour masks');
  return [0, 1, 2, 3].map((index) => (index < count ? view.getUint32(masksAt + 4 * index, true) : 0));
}

/** The palette as RGB; files may store fewer entries than their bits allow. */
function readPalette(
  bytes: Uint8Array,
  at: number,
  { core, bitsPerPixel }: { core: boolean; bitsPerPixel: number },
): Uint8Array {
  const most = 2 ** bitsPerPixel;
  const declared = core ? 0 : viewOf(bytes).getUint32(46, true);
  const count = declared === 0 ? most : Math.min(declared, most);
  const stride = core ? 3 : 4;
  if (at + count * stride > bytes.length) throw damaged('cut in its palette');
  const palette = new Uint8Array(3 * count);
  for (let i = 0; i < count; i++) {
    for (let channel = 0; channel < 3; channel++) palette[3 * i + channel] = bytes[at + stride * i + 2 - channel];
  }
  return palette;
}

/** The rows of an uncompressed file, from the top; each is padded to 4 bytes. */
function* rowsOf(bytes: Uint8Array, { width, height, topDown, bitsPerPixel, pixels }: Header): Generator<Uint8Array> {
  const rowBytes = Math.ceil((width * bitsPerPixel) / 32) * 4;
  const used = Math.ceil((width * bitsPerPixel) / 8);
  // Some programs leave out the padding of the last row.
  const needed = pixels + rowBytes * (height - 1) + used;
  if (bytes.length < needed) throw damaged(`${bytes.length} of ${needed} bytes`);
  for (let y = 0; y < height; y++) {
    const from = pixels + rowBytes * (topDown ? y : height - 1 - y);
    yield bytes.subarray(from, from + used);
  }
}

function decodeIndices(bytes: Uint8Array, header: Header): BmpImage {
  const { width, height, bitsPerPixel } = header;
  const indices = new Uint8Array(width * height);
  const perByte = 8 / bitsPerPixel;
  const most = 2 ** bitsPerPixel - 1;
  let to = 0;
  for (const row of rowsOf(bytes, header)) {
    for (let x = 0; x < width; x++) {
      const shift = 8 - bitsPerPixel * ((x % perByte) + 1);
      indices[to++] = (row[Math.floor(x / perByte)] >> shift) & most;
    }
  }
  return paint(indices, header);
}

function paint(indices: Uint8Array, { width, height, palette }: Header): BmpImage {
  const data = new Uint8Array(width * height * 3);
  for (let i = 0, to = 0; i < indices.length; i++) {
    const from = 3 * indices[i];
    if (from >= palette.length) throw damaged(`color ${indices[i]} of a palette of ${palette.length / 3}`);
    // Not set(subarray): a view per pixel takes ten times as long.
    data[to++] = palette[from];
    data[to++] = palette[from + 1];
    data[to++] = palette[from + 2];
  }
  return { width, height, channels: 3, data };
}

function decodeColors(bytes: Uint8Array, header: Header): BmpImage {
  const { width, height, bitsPerPixel, masks } = header;
  const channels = masks[3] === 0 ? 3 : 4;
  const scales = masks.slice(0, channels).map(scaleOf);
  const data = new Uint8Array(width * height * channels);
  const stride = bitsPerPixel / 8;
  let to = 0;
  for (const row of rowsOf(bytes, header)) {
    for (let x = 0; x < width; x++) {
      let value = 0;
      for (let byte = stride - 1; byte >= 0; byte--) value = value * 256 + row[x * stride + byte];
      for (const { shift, most } of scales)
        data[to++] = most === 0 ? 0 : Math.round((255 * (((value >>> shift) & most) >>> 0)) / most);
    }
  }
  if (channels === 4) makeOpaqueIfUnused(data);
  return { width, height, channels, data };
}

/** Some programs declare an alpha channel and leave it at 0; decoders show such files as opaque. */
function makeOpaqueIfUnused(data: Uint8Array): void {
  for (let i = 3; i < data.length; i += 4) if (data[i] !== 0) return;
  for (let i = 3; i < data.length; i += 4) data[i] = 255;
}

/** Position and maximum of the channel under a bit mask. */
function scaleOf(mask: number): { shift: number; most: number } {
  if (mask === 0) return { shift: 0, most: 0 };
  const shift = 31 - Math.clz32(mask & -mask);
  return { shift, most: mask >>> shift };
}

/** Run lengths of 4 or 8 bits. Pixels that no run covers have color 0, as in other decoders. */
function decodeRunLengths(bytes: Uint8Array, header: Header): BmpImage {
  const { width, height, bitsPerPixel } = header;
  const indices = new Uint8Array(width * height);
  const perByte = 8 / bitsPerPixel;
  let at = header.pixels;
  let [x, y] = [0, height - 1];
  const next = (): number => {
    if (at >= bytes.length) throw damaged('cut in its run lengths');
    return bytes[at++];
  };
  const put = (index: number): void => {
    if (y < 0 || x >= width) throw damaged('run lengths that leave the image');
    indices[y * width + x++] = index;
  };
  const half = (byte: number, i: number): number => (perByte === 1 ? byte : i % 2 === 0 ? byte >> 4 : byte & 15);
  for (;;) {
    const [count, value] = [next(), next()];
    if (count > 0) for (let i = 0; i < count; i++) put(half(value, i));
    else if (value === 0) [x, y] = [0, y - 1];
    else if (value === 1) return paint(indices, header);
    else if (value === 2) [x, y] = [x + next(), y - next()];
    else {
      const run = Math.ceil(value / perByte);
      if (at + run > bytes.length) throw damaged('cut in its run lengths');
      for (let i = 0; i < value; i++) put(half(bytes[at + Math.floor(i / perByte)], i));
      // Runs of single pixels are padded to 16 bits.
      at += run + (run % 2);
    }
  }
}
