import { readFile, stat } from 'node:fs/promises';
import sharp, { type Sharp } from 'sharp';
import { decodePalettePng } from '../formats/palette-png.ts';
import { FaceparseError } from '../text/errors.ts';
import type { LabelMap, Photo } from './image.ts';
import { maxImagePixels, sizeProblem } from './raw-image.ts';

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
      throw new ImageError(path, 'not found', 'check the path', error);
    }
    throw new ImageError(path, `cannot be read (${firstLine(error)})`, 'check the file and its permissions', error);
  }
}

function firstLine(error: unknown): string {
  const message = error instanceof Error ? error.message : String(error);
  return message.split('\n', 1)[0].trim();
}

/** Checks the magic bytes, so that no other loader of libvips (SVG, PDF, TIFF, …) sees a hostile file. */
function isPhotoFormat(bytes: Uint8Array): boolean {
  const jpeg = bytes[0] === 0xff && bytes[1] === 0xd8 && bytes[2] === 0xff;
  const text = (from: number, to: number) => String.fromCharCode(...bytes.subarray(from, to));
  const png = text(0, 8) === '\x89PNG\r\n\x1a\n';
  const webp = text(0, 4) === 'RIFF' && text(8, 12) === 'WEBP';
  return jpeg || png || webp;
}

function emptyFile(path: string): ImageError {
  return new ImageError(path, 'is empty (0 bytes)', 'replace or remove it');
}

/** A sharp pipeline over the bytes of a JPEG, PNG or WebP file, strict about damage and bounded in pixels. */
function openImage(bytes: Uint8Array, path: string): Sharp {
  if (bytes.length === 0) throw emptyFile(path);
  if (!isPhotoFormat(bytes)) {
    throw new ImageError(path, 'is not a JPEG, PNG or WebP image', 'convert it to one, or remove it');
  }
  // 'warning' is the strictest level: truncated and corrupt data become errors, not grey areas in a training image.
  return sharp(bytes, { failOn: 'warning', limitInputPixels: maxImagePixels });
}

function photoError(path: string, error: unknown): ImageError {
  if (error instanceof ImageError) return error;
  const reason = firstLine(error);
  if (/pixel limit/i.test(reason)) {
    return new ImageError(path, `has more than ${maxImagePixels} pixels`, 'make it smaller', error);
  }
  return new ImageError(
    path,
    `is truncated or damaged (${reason})`,
    'replace it with an undamaged copy, or save it again',
    error,
  );
}

/**
 * Reads a JPEG, PNG or WebP photo as upright 8-bit sRGB (H×W×3). The EXIF orientation is applied; embedded colour
 * profiles, CMYK, grey and 16 bits are converted; transparent pixels are blended with white.
 *
 * @throws ImageError (a FaceparseError) that names the file if it is missing, another format, truncated, damaged, or larger
 *   than `maxImagePixels` or, on one side, than `maxImageSide`
 *
 * @example const photo = await readPhoto('face.jpg'); // photo.data.length === photo.height * photo.width * 3
 */
export async function readPhoto(path: string): Promise<Photo> {
  return decodePhoto(await readBytes(path), path);
}

/** Decodes the bytes of a photo like `readPhoto`; `name` names it in errors. */
export async function decodePhoto(bytes: Uint8Array, name: string): Promise<Photo> {
  try {
    const { data, info } = await openImage(bytes, name)
      .autoOrient()
      .flatten({ background: '#ffffff' })
      .toColourspace('srgb')
      .raw({ depth: 'uchar' })
      .toBuffer({ resolveWithObject: true });
    const problem = sizeProblem(info.width, info.height);
    if (problem) throw new ImageError(name, `is ${info.width}×${info.height}, ${problem}`, 'make it smaller');
    if (info.channels !== 3) throw new Error(`decoded to ${info.channels} channels, not 3`);
    return {
      width: info.width,
      height: info.height,
      data: new Uint8Array(data.buffer, data.byteOffset, data.byteLength),
    };
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
  try {
    const { autoOrient } = await openImage(await readBytes(path), path).metadata();
    return { width: autoOrient.width, height: autoOrient.height };
  } catch (error) {
    throw photoError(path, error);
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
    throw new ImageError(path, `is not usable as a mask: ${reason}`, remedy, error);
  }
}
