import { lstat, readFile, stat } from 'node:fs/promises';
import { isDeepStrictEqual } from 'node:util';
import sharp, { type Sharp } from 'sharp';
import { decodeBmp, readBmpSize } from '../formats/bmp-decoder.ts';
import { contentOf, type ImageFormat, readableFormats } from '../formats/file-content.ts';
import { completedJpegs } from '../formats/jpeg-end.ts';
import { decodePalettePng, readPngPalette } from '../formats/png/palette-png.ts';
import { SharedLock } from '../scheduling/shared-lock.ts';
import { runInSlices } from '../scheduling/steps.ts';
import { FaceparseError } from '../text/errors.ts';
import type { LabelMap, Photo } from './image.ts';
import { maxImagePixels, rawToPhotoSteps, sizeProblem } from './raw-image.ts';

/** Maximum file size in bytes; larger files are refused before they are read. */
export const maxFileBytes = 256 * 1024 * 1024;

/** An unusable photo or mask: the file, the problem and the fix. */
export class ImageError extends FaceparseError {
  readonly file: string;
  readonly reason: string;
  readonly remedy: string;

  constructor(file: string, reason: string, remedy: string, cause?: unknown) {
    super(`${file}: ${reason}; ${remedy}`, { cause });
    this.name = 'ImageError';
    this.file = file;
    this.reason = reason;
    this.remedy = remedy;
  }
}

/** Reads a whole file of limited size. @throws ImageError if it is missing, a folder, empty or too large */
async function readBytes(path: string): Promise<Buffer> {
  try {
    const info = await stat(path);
    if (!info.isFile()) throw new ImageError(path, 'is a folder or device, not a file', 'pass an image file');
    if (info.size === 0) throw emptyFile(path);
    if (info.size > maxFileBytes) {
      throw new ImageError(path, `has ${info.size} bytes; the limit is ${maxFileBytes}`, 'make it smaller');
    }
    return await readFile(path);
  } catch (error) {
    if (error instanceof ImageError) throw error;
    const code = (error as NodeJS.ErrnoException).code;
    if (code === 'ENOENT' || code === 'ENOTDIR') {
      const link = await lstat(path).catch(() => undefined);
      if (link)
        throw new ImageError(path, 'is a broken link', 'restore the file that it points to, or remove it', error);
      throw new ImageError(path, 'not found', 'check the path', error);
    }
    const reason = code === 'EACCES' || code === 'EPERM' ? 'permission denied' : firstLine(error);
    throw new ImageError(path, `cannot be read (${reason})`, 'check the file and its permissions', error);
  }
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

function firstLine(error: unknown): string {
  return messageOf(error).split('\n', 1)[0].trim();
}

function emptyFile(path: string): ImageError {
  return new ImageError(path, 'is empty (0 bytes)', 'replace or remove it');
}

/** Whether the installed libvips decodes HEIC; the one that sharp brings decodes AVIF only, for patents. */
function decodesHeic(): boolean {
  return sharp.format.heif.input.fileSuffix?.includes('.heic') ?? false;
}

const heicRemedy =
  'export it as JPEG (iPhone: Settings, Camera, Formats, Most Compatible), or run heif-convert (Debian: libheif-examples)';

/** Judges bytes by their content, so that no other loader of libvips (SVG, PDF, …) sees a hostile file. */
function requireReadable(bytes: Uint8Array, path: string): ImageFormat {
  if (bytes.length === 0) throw emptyFile(path);
  const { name, kind, format } = contentOf(bytes);
  if (format === 'heic' && !decodesHeic()) {
    throw new ImageError(path, `is ${name}, which the installed libvips cannot decode`, heicRemedy);
  }
  if (format) return format;
  if (kind === 'unsupported') {
    throw new ImageError(path, `is ${name}, which faceparse does not read`, 'convert it to JPEG or PNG');
  }
  throw new ImageError(path, `is ${name}, not an image`, `replace it with a ${readableFormats} image, or remove it`);
}

/** Warnings of decoders that mean missing pixels; libjpeg fills them with grey. */
const lostPixels =
  /premature end|bad (?:Huffman|arithmetic) code|instead of RST|truncated|unexpected end|invalid frame data|not enough data/i;

/** libvips has one error log for all threads: what fails beside others may report the problems of other files. */
const decoders = new SharedLock();

/**
 * Decodes with sharp, bounded in pixels. Decoder warnings are not errors, as in every viewer: phones and old programs
 * write files that break a rule of the format. But a file with missing pixels is refused.
 */
async function withImage<Result>(bytes: Uint8Array, read: (image: Sharp) => Promise<Result>): Promise<Result> {
  try {
    return await decoders.runShared(() => read(open(bytes, 'warning')));
  } catch {
    // The reason decides, so it must be that of this file.
    return decoders.runAlone(() => readLeniently(bytes, read));
  }
}

function open(bytes: Uint8Array, failOn: 'warning' | 'error'): Sharp {
  return sharp(bytes, { failOn, limitInputPixels: maxImagePixels });
}

async function readLeniently<Result>(bytes: Uint8Array, read: (image: Sharp) => Promise<Result>): Promise<Result> {
  try {
    return await read(open(bytes, 'warning'));
  } catch (error) {
    if (isTooLarge(error)) throw error;
    if (!lostPixels.test(messageOf(error))) return await read(open(bytes, 'error'));
    // libjpeg tells missing data by a warning only, so the warning decides. It also warns if only the end marker is missing.
    const [one, other] = (/premature end of JPEG/i.test(messageOf(error)) && completedJpegs(bytes)) || [];
    if (!one || !other) throw error;
    const result = await read(open(one, 'error'));
    if (!isDeepStrictEqual(result, await read(open(other, 'error')))) throw error;
    return result;
  }
}

function isTooLarge(error: unknown): boolean {
  return /pixel limit/i.test(messageOf(error));
}

/** Lines in which libvips reports the place and not the problem. */
const vagueLine = /^(?:source: bad seek|error in tile|Warning treated as error)/;

/** What libvips says of files that are whole but of a rare kind. */
const missingFeature = /not configured|samples out of range|not a whole number of bytes|Unsupported (?:codec|feature)/i;

function photoError(path: string, error: unknown): ImageError {
  if (error instanceof ImageError) return error;
  if (isTooLarge(error)) {
    return new ImageError(path, `has more than ${maxImagePixels} pixels`, 'make it smaller', error);
  }
  const lines = messageOf(error)
    .split('\n')
    .map((line) => line.trim());
  const reason = lines.find((line) => line !== '' && !vagueLine.test(line)) ?? lines[0];
  if (missingFeature.test(reason)) {
    return new ImageError(path, `uses a feature that is not supported (${reason})`, 'save it as JPEG or PNG', error);
  }
  return new ImageError(
    path,
    `is truncated or damaged (${reason})`,
    'replace it with an undamaged copy, or save it again',
    error,
  );
}

/** Decodes a BMP file, which libvips does not read. */
async function decodeBmpPhoto(bytes: Uint8Array): Promise<Photo> {
  return runInSlices(rawToPhotoSteps(decodeBmp(bytes, { maxPixels: maxImagePixels })));
}

async function decodeSharpPhoto(image: Sharp): Promise<Photo> {
  const { data, info } = await image
    .autoOrient()
    .flatten({ background: '#ffffff' })
    .toColourspace('srgb')
    .raw({ depth: 'uchar' })
    .toBuffer({ resolveWithObject: true });
  const { width, height, channels } = info;
  if (channels !== 3) throw new Error(`decoded to ${channels} channels, not 3`);
  return { width, height, data: new Uint8Array(data.buffer, data.byteOffset, data.byteLength) };
}

/**
 * Reads a JPEG, PNG, WebP, AVIF, GIF, TIFF or BMP photo as upright 8-bit sRGB (H×W×3). The content determines the format,
 * not the file extension. The EXIF orientation is applied; embedded colour profiles, CMYK, grey and 16 bits are converted;
 * transparent pixels are blended with white. Of an animation or a document of several pages, the first image is read.
 *
 * @throws ImageError (a FaceparseError) that names the file if it is missing, another format, truncated, damaged, or larger
 *   than `maxImagePixels` or, on one side, than `maxImageSide`
 *
 * @example const photo = await readPhoto('face.jpg'); // photo.data.length === photo.height * photo.width * 3
 */
export async function readPhoto(path: string): Promise<Photo> {
  return decodePhoto(await readBytes(path), path);
}

/** A photo whose file has been read but not decoded. */
export interface UndecodedPhoto {
  /** Width × height according to the header; 0 if it is damaged or has no size. */
  readonly pixels: number;
  /** Decodes the photo like `readPhoto`. */
  decode(): Promise<Photo>;
}

/**
 * Reads the file of a photo, so that the caller knows its size before its pixels take memory.
 *
 * @throws ImageError (a FaceparseError) that names the file if it cannot be read; any other problem is that of `decode`
 */
export async function openPhoto(path: string): Promise<UndecodedPhoto> {
  const bytes = await readBytes(path);
  const { width, height } = await sizeOf(bytes, path).catch(() => ({ width: 0, height: 0 }));
  return { pixels: width * height, decode: () => decodePhoto(bytes, path) };
}

/** Sample types of libvips that are no common image. */
const sampleNames: Readonly<Record<string, string>> = {
  float: 'floating-point',
  double: 'floating-point',
  uint: '32-bit',
};

/** TIFF may hold numbers without a known range; libvips would clip them, so that the photo is black or white. */
async function requirePlainTiff(bytes: Uint8Array, name: string): Promise<void> {
  const { depth, channels } = await withImage(bytes, (image) => image.metadata());
  const remedy = 'save it as RGB with 8 or 16 bits per channel, without extra channels';
  if (depth !== 'uchar' && depth !== 'ushort') {
    throw new ImageError(name, `is a TIFF image with ${sampleNames[depth] ?? 'signed'} samples`, remedy);
  }
  if (channels > 4) throw new ImageError(name, `is a TIFF image with ${channels} channels`, remedy);
}

function requireSize({ width, height }: { width: number; height: number }, name: string): void {
  const problem = sizeProblem(width, height);
  if (problem) throw new ImageError(name, `is ${width}×${height}, ${problem}`, 'make it smaller');
}

/** Decodes the bytes of a photo like `readPhoto`; `name` names it in errors. */
export async function decodePhoto(bytes: Uint8Array, name: string): Promise<Photo> {
  try {
    const format = requireReadable(bytes, name);
    if (format === 'bmp') {
      requireSize(readBmpSize(bytes), name);
      return await decodeBmpPhoto(bytes);
    }
    if (format === 'tiff') await requirePlainTiff(bytes, name);
    const photo = await withImage(bytes, decodeSharpPhoto);
    requireSize(photo, name);
    return photo;
  } catch (error) {
    throw photoError(name, error);
  }
}

/**
 * Reads the size in pixels of an upright photo (EXIF orientation applied) from its header only.
 *
 * @throws ImageError (a FaceparseError) that names the file if it is missing, another format, or its header is damaged
 */
export async function readPhotoSize(path: string): Promise<{ width: number; height: number }> {
  const bytes = await readBytes(path);
  try {
    return await sizeOf(bytes, path);
  } catch (error) {
    throw photoError(path, error);
  }
}

async function sizeOf(bytes: Uint8Array, path: string): Promise<{ width: number; height: number }> {
  if (requireReadable(bytes, path) === 'bmp') return readBmpSize(bytes);
  const { autoOrient } = await withImage(bytes, (image) => image.metadata());
  return { width: autoOrient.width, height: autoOrient.height };
}

/** Masks have few classes; an image with more different values is a grey photo. */
const mostIds = 64;

/**
 * Whether an 8-bit RGB or RGBA PNG seems to contain class ids: red, green and blue are equal in every pixel, with few different
 * values. Programs write this when they turn a greyscale mask into RGB. False for files that cannot be decoded.
 */
async function hasEqualChannels(bytes: Uint8Array): Promise<boolean> {
  try {
    const image = sharp(bytes, { limitInputPixels: maxImagePixels });
    const { channels, depth } = await image.metadata();
    if (depth !== 'uchar' || channels < 3) return false;
    const { data, info } = await image.raw().toBuffer({ resolveWithObject: true });
    const ids = new Set<number>();
    for (let at = 0; at < data.length; at += info.channels) {
      if (data[at] !== data[at + 1] || data[at] !== data[at + 2]) return false;
      ids.add(data[at]);
      if (ids.size > mostIds) return false;
    }
    return true;
  } catch {
    return false;
  }
}

/**
 * Reads a mask PNG (8-bit palette or greyscale, with class ids as values) as a label map (H×W).
 *
 * Ids are not compared with a label set here. Throws an ImageError (a FaceparseError) that names the file when it is missing,
 * truncated, RGB, 16-bit, or larger than `maxImagePixels`.
 *
 * @example const mask = await readMask('data/train/masks/1.png'); // mask.data[y * mask.width + x] is a class id
 */
export async function readMask(path: string): Promise<LabelMap> {
  const bytes = await readBytes(path);
  try {
    const { width, height, data } = decodePalettePng(bytes, { maxPixels: maxImagePixels });
    return { width, height, data };
  } catch (error) {
    // The decoder describes the problem and often the fix, but does not know the file.
    const [reason, remedy = 'write the mask again in that form'] = firstLine(error).split('; ');
    if (/^an RGBA? PNG/.test(reason) && (await hasEqualChannels(bytes))) {
      throw new ImageError(
        path,
        `is not usable as a mask: ${reason}; all its colour channels are equal, so they seem to be class ids`,
        'save one channel as an 8-bit greyscale PNG, e.g. in Python: Image.open(FILE).getchannel(0).save(FILE)',
        error,
      );
    }
    throw new ImageError(path, `is not usable as a mask: ${reason}`, remedy, error);
  }
}

/** The palette of a mask that has just been read; empty for greyscale masks, and if the file has vanished since. */
export async function readMaskPalette(path: string): Promise<[number, number, number][]> {
  return readFile(path).then(readPngPalette, () => []);
}
