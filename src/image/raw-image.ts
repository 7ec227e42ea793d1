import type { Steps } from '../scheduling/steps.ts';
import { FaceparseError } from '../text/errors.ts';
import type { Photo } from './image.ts';

/**
 * Decoded pixels, row by row from the top left, 8 bits per channel: RGB, RGBA or grey. `ImageData` of a canvas is one.
 *
 * @example const image = { width: 640, height: 480, data: new Uint8Array(640 * 480 * 3) };
 */
export interface RawImage {
  readonly width: number;
  readonly height: number;
  /** H×W×channels, from 0 to 255. */
  readonly data: Uint8Array | Uint8ClampedArray;
  /** Default: found from the length of `data`. */
  readonly channels?: 1 | 3 | 4;
}

/** Maximum number of pixels; larger images are refused before memory is allocated. 100 megapixels are 300 MB as RGB. */
export const maxImagePixels = 100_000_000;

/** Maximum width and height in pixels, as in JPEG. Longer strips would take many seconds, and memory for each row. */
export const maxImageSide = 65_535;

/** What is too large about an image, or undefined. */
export function sizeProblem(width: number, height: number): string | undefined {
  if (width * height > maxImagePixels) return `more than ${maxImagePixels / 1e6} megapixels`;
  return Math.max(width, height) > maxImageSide ? `more than ${maxImageSide} pixels on one side` : undefined;
}

/** Whether a value is meant as a raw image: it has a size and data, valid or not. */
export function isRawImage(value: unknown): value is RawImage {
  return typeof value === 'object' && value !== null && 'width' in value && 'height' in value && 'data' in value;
}

/**
 * Converts a raw image to 8-bit RGB, in steps of one row. Transparent pixels are blended with white.
 *
 * @throws FaceparseError (exit code 2) if the size, or the type or length of the data, is wrong
 */
export function* rawToPhotoSteps(image: RawImage): Steps<Photo> {
  const { width, height } = image;
  const channels = checkRawImage(image);
  const bytes = new Uint8Array(image.data.buffer, image.data.byteOffset, image.data.byteLength);
  if (channels === 3) return { width, height, data: bytes };
  const data = new Uint8Array(width * height * 3);
  const convertRow = channels === 4 ? layOnWhite : repeatGrey;
  for (let y = 0; y < height; y++) {
    convertRow(bytes.subarray(y * width * channels, (y + 1) * width * channels), data, y * width * 3);
    yield;
  }
  return { width, height, data };
}

function checkRawImage({ width, height, data, channels }: RawImage): 1 | 3 | 4 {
  for (const [name, value] of Object.entries({ width, height })) {
    if (!Number.isInteger(value) || value < 1)
      throw wrong(`the ${name} of a raw image must be a positive integer, not ${value}`);
  }
  const size = `${width}×${height}`;
  const problem = sizeProblem(width, height);
  if (problem) throw wrong(`the image is ${size}, ${problem}; scale it down first`);
  // Not instanceof: arrays of another realm, such as a frame or a Jest environment, have other constructors.
  const type = Object.prototype.toString.call(data).slice(8, -1);
  if (type !== 'Uint8Array' && type !== 'Uint8ClampedArray') {
    throw wrong(`the data of a raw image must be a Uint8Array or Uint8ClampedArray of 0 to 255, not ${type}`);
  }
  if (channels !== undefined && ![1, 3, 4].includes(channels)) {
    throw wrong(`a raw image has 1 (grey), 3 (RGB) or 4 (RGBA) channels, not ${channels}`);
  }
  const pixels = width * height;
  const found = channels ?? ([3, 4, 1] as const).find((count) => count * pixels === data.length);
  if (found !== undefined && found * pixels === data.length) return found;
  const expected =
    channels === undefined
      ? `${pixels * 3} bytes (RGB) or ${pixels * 4} (RGBA)`
      : `${pixels * channels} bytes for ${channels} ${channels === 1 ? 'channel' : 'channels'}`;
  throw wrong(`a raw image of ${size} needs ${expected}, but its data has ${data.length} bytes`);
}

function wrong(message: string): FaceparseError {
  return new FaceparseError(message, { exitCode: 2 });
}

function layOnWhite(source: Uint8Array, target: Uint8Array, to: number): void {
  for (let from = 0; from < source.length; from += 4) {
    const alpha = source[from + 3];
    const white = 255 * (255 - alpha);
    target[to++] = Math.round((source[from] * alpha + white) / 255);
    target[to++] = Math.round((source[from + 1] * alpha + white) / 255);
    target[to++] = Math.round((source[from + 2] * alpha + white) / 255);
  }
}

function repeatGrey(source: Uint8Array, target: Uint8Array, to: number): void {
  for (let from = 0; from < source.length; from++) {
    target[to++] = source[from];
    target[to++] = source[from];
    target[to++] = source[from];
  }
}
