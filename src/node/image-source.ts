import { fileURLToPath } from 'node:url';
import { isAnyArrayBuffer, isDataView, isUint8Array } from 'node:util/types';
import type { Photo } from '../image/image.ts';
import { alreadyRead, unusableImage } from '../image/image-input.ts';
import { isRawImage, type RawImage, rawToPhotoSteps } from '../image/raw-image.ts';
import { decodePhoto, ImageError, maxFileBytes, readPhoto } from '../image/read-image.ts';
import { runInSlices } from '../scheduling/steps.ts';
import { FaceparseError } from '../text/errors.ts';

/** A canvas of any package, such as node-canvas, @napi-rs/canvas or skia-canvas. */
export interface CanvasLike {
  readonly width: number;
  readonly height: number;
  getContext(kind: '2d'): {
    getImageData(x: number, y: number, width: number, height: number): RawImage;
  } | null;
}

/** A sharp pipeline. Its output is parsed unchanged; call `autoOrient()` on it to apply the EXIF orientation. */
export interface SharpLike {
  clone(): SharpLike;
  metadata(): Promise<unknown>;
  flatten(options: { background: string }): SharpLike;
  toColourspace(space: string): SharpLike;
  raw(options: { depth: 'uchar' }): SharpLike;
  toBuffer(options: { resolveWithObject: true }): Promise<{
    data: Uint8Array;
    info: { width: number; height: number; channels: number };
  }>;
}

/**
 * The kinds of images accepted in Node: the path or `file:` URL of a JPEG, PNG or WebP file; its bytes in an array, Blob or
 * stream; decoded pixels; a canvas; a sharp pipeline.
 */
export type ImageSource =
  | string
  | URL
  | Uint8Array
  | ArrayBuffer
  | SharedArrayBuffer
  | DataView
  | Blob
  | Response
  | ReadableStream<Uint8Array>
  | AsyncIterable<Uint8Array>
  | RawImage
  | CanvasLike
  | SharpLike;

const accepted =
  'the path or file: URL of a JPEG, PNG or WebP file, its bytes (Buffer, Uint8Array, ArrayBuffer, Blob, Response, stream), ' +
  '{ width, height, data } with RGB or RGBA bytes, a canvas, or a sharp instance';

/** The bytes of a stream, Blob or Response, and a sharp instance once its input is there; anything else as it is. */
export function receiveSource(source: ImageSource): ImageSource | Promise<ImageSource> {
  if (typeof source !== 'object' || source === null || isUint8Array(source)) return source;
  if (source instanceof Blob) return receiveBlob(source);
  if (source instanceof Response) return receiveResponse(source);
  // A sharp instance is a stream, too.
  if (isSharp(source)) return receiveSharp(source);
  return isAsyncIterable(source) ? collect(source) : source;
}

/**
 * Decodes an image of any accepted kind to upright 8-bit RGB.
 *
 * @throws ImageError for a file or bytes that cannot be decoded
 * @throws FaceparseError (exit code 2) for a value that is not an image
 */
export async function decodeSource(image: ImageSource): Promise<Photo> {
  const received = receiveSource(image);
  // Not awaited where a promise was given in place of an image: that is refused below.
  const source = received === image ? image : await received;
  if (typeof source === 'string') return readPhoto(pathOf(source));
  if (source instanceof URL)
    return readPhoto(source.protocol === 'file:' ? filePath(source.href) : pathOf(source.href));
  if (isUint8Array(source)) return decodePhoto(source, 'the image');
  if (isAnyArrayBuffer(source) || isDataView(source)) return decodePhoto(bytesOf(source), 'the image');
  if (typeof source !== 'object' || source === null) throw unusableImage(source, accepted);
  if (isRawImage(source)) return runInSlices(rawToPhotoSteps(source));
  if (isSharp(source)) return decodeSharp(source);
  if (isCanvas(source)) return decodeCanvas(source);
  throw unusableImage(source, accepted);
}

/** A detached buffer, which was transferred to another thread, has no bytes. */
function bytesOf(source: ArrayBufferLike | DataView): Uint8Array {
  const buffer = isDataView(source) ? source.buffer : source;
  if (buffer.byteLength === 0) return new Uint8Array(0);
  return isDataView(source) ? new Uint8Array(buffer, source.byteOffset, source.byteLength) : new Uint8Array(buffer);
}

function pathOf(source: string): string {
  if (/^file:\/\//i.test(source)) return filePath(source);
  if (/^(?:https?|data|blob):/i.test(source)) {
    throw new FaceparseError(
      `faceparse does not fetch ${source.slice(0, 60)}${source.length > 60 ? '…' : ''}; ` +
        'pass its bytes instead: await (await fetch(url)).arrayBuffer()',
      { exitCode: 2 },
    );
  }
  return source;
}

function filePath(url: string): string {
  try {
    return fileURLToPath(url);
  } catch (cause) {
    throw new FaceparseError(`${url.slice(0, 200)} is not a usable file: URL (${messageOf(cause)})`, {
      exitCode: 2,
      cause,
    });
  }
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

async function receiveBlob(blob: Blob): Promise<Uint8Array> {
  if (blob.size > maxFileBytes) throw tooLarge(blob.size);
  return new Uint8Array(await blob.arrayBuffer());
}

async function receiveResponse(response: Response): Promise<Uint8Array> {
  if (response.bodyUsed) throw alreadyRead('the body of the Response');
  return response.body ? collect(response.body) : new Uint8Array(0);
}

function isSharp(source: object): source is SharpLike {
  return (['clone', 'metadata', 'toColourspace', 'toBuffer', 'raw'] as const).every(
    (method) => typeof (source as Partial<SharpLike>)[method] === 'function',
  );
}

/** Waits for the input of an instance that is written to as a stream. */
async function receiveSharp(source: SharpLike): Promise<SharpLike> {
  try {
    await source.clone().metadata();
  } catch (cause) {
    throw refusedBySharp(cause);
  }
  return source;
}

async function decodeSharp(source: SharpLike): Promise<Photo> {
  const pipeline = source.clone().flatten({ background: '#ffffff' }).toColourspace('srgb').raw({ depth: 'uchar' });
  try {
    const { data, info } = await pipeline.toBuffer({ resolveWithObject: true });
    const { width, height, channels } = info;
    return await runInSlices(rawToPhotoSteps({ width, height, data, channels: channels as 3 }));
  } catch (cause) {
    throw cause instanceof FaceparseError ? cause : refusedBySharp(cause);
  }
}

function refusedBySharp(cause: unknown): ImageError {
  return new ImageError(
    'the image',
    `is refused by sharp (${messageOf(cause)})`,
    'check the input of the sharp pipeline',
    cause,
  );
}

function isCanvas(source: object): source is CanvasLike {
  return 'getContext' in source && typeof source.getContext === 'function' && 'width' in source && 'height' in source;
}

function decodeCanvas(canvas: CanvasLike): Promise<Photo> {
  const context = canvas.getContext('2d');
  if (!context) throw new FaceparseError('the canvas has no 2d context, so its pixels cannot be read', { exitCode: 2 });
  const image: unknown = context.getImageData(0, 0, canvas.width, canvas.height);
  if (!isRawImage(image)) throw unusableImage(image, 'a canvas whose getImageData returns pixels');
  return runInSlices(rawToPhotoSteps(image));
}

function isAsyncIterable(source: object): source is AsyncIterable<unknown> {
  return Symbol.asyncIterator in source;
}

async function collect(stream: AsyncIterable<unknown>): Promise<Uint8Array> {
  const parts: Uint8Array[] = [];
  let length = 0;
  if (stream instanceof ReadableStream && stream.locked) throw alreadyRead('the stream');
  for await (const part of stream) {
    if (!isUint8Array(part)) throw unusableImage(part, 'a stream of bytes (no encoding set)');
    length += part.length;
    if (length > maxFileBytes) throw tooLarge(length);
    parts.push(part);
  }
  if (length === 0) throw new ImageError('the image', 'is empty (0 bytes)', 'pass a stream that is unread');
  return Buffer.concat(parts, length);
}

function tooLarge(bytes: number): ImageError {
  return new ImageError('the image', `has at least ${bytes} bytes; the limit is ${maxFileBytes}`, 'make it smaller');
}
