import type { Photo } from '../image/image.ts';
import { alreadyRead, unusableImage } from '../image/image-input.ts';
import { isRawImage, type RawImage, rawToPhotoSteps, sizeProblem } from '../image/raw-image.ts';
import { runInSlices } from '../scheduling/steps.ts';
import { FaceparseError } from '../text/errors.ts';
import { fetchBlob } from './fetch-blob.ts';

/** Sources that can be drawn to a canvas. */
export type DrawableImage =
  | ImageBitmap
  | HTMLImageElement
  | HTMLVideoElement
  | HTMLCanvasElement
  | OffscreenCanvas
  | VideoFrame;

/**
 * The kinds of images accepted in a browser: anything that can be drawn, encoded bytes (Blob, File, array, Response or
 * stream), a URL to fetch, or decoded pixels such as `ImageData`.
 */
export type BrowserImage =
  | string
  | URL
  | Blob
  | ArrayBuffer
  | Uint8Array
  | Response
  | ReadableStream<Uint8Array>
  | DrawableImage
  | RawImage;

const accepted =
  'a URL, an encoded image (Blob, File, ArrayBuffer, Uint8Array, Response, stream), an ImageBitmap, an image, video or ' +
  'canvas element, a VideoFrame, or { width, height, data } with RGB or RGBA bytes';

/** Waits for images that come from elsewhere: elements that load, URLs, responses and streams. Others are returned as is. */
export function receiveInBrowser(source: BrowserImage): BrowserImage | Promise<BrowserImage> {
  if (typeof HTMLImageElement === 'function' && source instanceof HTMLImageElement) return loaded(source);
  if (typeof source === 'string' || source instanceof URL) return fetchBlob(String(source));
  if (source instanceof Response) {
    if (source.bodyUsed) throw alreadyRead('the body of the Response');
    return source.blob();
  }
  return source instanceof ReadableStream ? blobOfStream(source) : source;
}

function blobOfStream(stream: ReadableStream<Uint8Array>): Promise<Blob> {
  let response: Response;
  try {
    response = new Response(stream);
  } catch (cause) {
    throw alreadyRead('the stream', cause);
  }
  return response.blob();
}

async function loaded(image: HTMLImageElement): Promise<HTMLImageElement> {
  try {
    await image.decode();
  } catch (cause) {
    const address = image.currentSrc || image.src;
    const name = address ? address.slice(0, 200) : 'without an address';
    throw new FaceparseError(`the image element ${name} cannot be loaded`, { cause });
  }
  return image;
}

/**
 * Decodes an image of any accepted kind to upright 8-bit RGB. Transparent pixels are blended with white.
 *
 * @throws FaceparseError with exit code 2 for a value that is not an image, or 1 if it cannot be fetched or decoded
 */
export async function decodeInBrowser(source: BrowserImage): Promise<Photo> {
  if (isDrawable(source)) return drawn(source);
  if (isRawImage(source)) return runInSlices(rawToPhotoSteps(source));
  const bitmap = await decodeBlob(blobOf(source));
  try {
    return await drawn(bitmap);
  } finally {
    bitmap.close();
  }
}

/** Addresses, responses and streams have become Blobs in `receiveInBrowser`. */
function blobOf(source: unknown): Blob {
  if (source instanceof Blob) return source;
  if (source instanceof ArrayBuffer || source instanceof Uint8Array) return new Blob([source as BlobPart]);
  throw unusableImage(source, accepted);
}

async function decodeBlob(blob: Blob): Promise<ImageBitmap> {
  try {
    return await createImageBitmap(blob);
  } catch (cause) {
    const type = blob.type ? ` of type ${blob.type}` : '';
    throw new FaceparseError(`this browser cannot decode the image (${blob.size} bytes${type})`, { cause });
  }
}

/** Worker scopes lack some of these types. */
function isDrawable(source: unknown): source is DrawableImage {
  const types = [
    'ImageBitmap',
    'HTMLImageElement',
    'HTMLVideoElement',
    'HTMLCanvasElement',
    'OffscreenCanvas',
    'VideoFrame',
  ];
  return types.some((name) => {
    const type: unknown = Reflect.get(globalThis, name);
    return typeof type === 'function' && source instanceof type;
  });
}

function drawn(source: DrawableImage): Promise<Photo> {
  const { width, height } = sizeOf(source);
  if (width === 0 || height === 0) {
    throw new FaceparseError('the image has no pixels yet; wait until it has loaded', { exitCode: 2 });
  }
  const problem = sizeProblem(width, height);
  if (problem) {
    throw new FaceparseError(`the image is ${width}×${height}, ${problem}; scale it down first`, { exitCode: 2 });
  }
  const canvas = new OffscreenCanvas(width, height);
  const context = canvas.getContext('2d', { alpha: false, willReadFrequently: true });
  if (!context) throw new FaceparseError('this browser provides no 2d context, so pixels cannot be read');
  context.fillStyle = '#ffffff';
  context.fillRect(0, 0, width, height);
  context.drawImage(source, 0, 0, width, height);
  return runInSlices(rawToPhotoSteps(pixelsOf(context, width, height)));
}

function pixelsOf(context: OffscreenCanvasRenderingContext2D, width: number, height: number): ImageData {
  try {
    return context.getImageData(0, 0, width, height);
  } catch (cause) {
    throw new FaceparseError(
      'the browser does not let this page read the pixels: the image is from another origin without CORS. ' +
        "Set crossorigin='anonymous' on the element, and let its server send Access-Control-Allow-Origin",
      { cause },
    );
  }
}

/** The size of an element's image, which may differ from its displayed size. */
function sizeOf(source: DrawableImage): { readonly width: number; readonly height: number } {
  if ('naturalWidth' in source) return { width: source.naturalWidth, height: source.naturalHeight };
  if ('videoWidth' in source) return { width: source.videoWidth, height: source.videoHeight };
  if ('displayWidth' in source) return { width: source.displayWidth, height: source.displayHeight };
  return { width: source.width, height: source.height };
}
