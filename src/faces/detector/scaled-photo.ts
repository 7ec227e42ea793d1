import type { ColorTransform } from '../../image/draw-boxes.ts';
import type { Photo } from '../../image/image.ts';
import type { PhotoKernels } from '../../image/photo-kernels.ts';
import { resizePhotoSteps } from '../../image/resize.ts';
import { runInSlices, type Steps } from '../../scheduling/steps.ts';
import { boxesOfFraming, type Framing } from '../framing.ts';

/** What the network expects: RGB from -1 to 1. */
const color: ColorTransform = { gain: [1 / 127.5, 1 / 127.5, 1 / 127.5], bias: [-1, -1, -1] };

/** A photo with a small version, from which large squares are drawn: a large photo is read as a whole only once. */
export interface ScaledPhoto {
  readonly photo: Photo;
  readonly small: Photo;
  /** Pixels of the photo per pixel of the small version. */
  readonly factor: number;
}

/** A photo with its smallest version by a whole factor whose longer side has at least so many pixels. */
export async function scalePhoto(photo: Photo, side: number, kernels: PhotoKernels): Promise<ScaledPhoto> {
  const factor = Math.max(1, Math.floor(Math.max(photo.width, photo.height) / side));
  // A photo that is long and narrow keeps its short side.
  const kept = Math.min(factor, photo.width, photo.height);
  return { photo, small: await kernels.blockMeans(photo, kept), factor: kept };
}

/** The photo with its longer side at most so long. */
export async function shrink(photo: Photo, side: number, kernels: PhotoKernels): Promise<Photo> {
  const { width, height } = photo;
  const factor = Math.max(width, height) / side;
  if (factor <= 1) return photo;
  // The same pixels as resizing gives, but sooner.
  if (Number.isInteger(factor) && width % factor === 0 && height % factor === 0)
    return kernels.blockMeans(photo, factor);
  const shrunk = (extent: number) => Math.max(1, Math.round(extent / factor));
  return runInSlices(resizePhotoSteps(photo, shrunk(width), shrunk(height)));
}

/** A network input of 3×height×width with the photo in its upper left corner; the rest is mid-grey, as the network pads. */
export function* placePhotoSteps(
  photo: Photo,
  { width, height }: { readonly width: number; readonly height: number },
): Steps<Float32Array> {
  const input = new Float32Array(3 * width * height);
  const [{ gain, bias }, plane] = [color, width * height];
  for (let y = 0; y < photo.height; y++) {
    let from = y * photo.width * 3;
    for (let to = y * width; to < y * width + photo.width; to++) {
      input[to] = photo.data[from++] * gain[0] + bias[0];
      input[plane + to] = photo.data[from++] * gain[1] + bias[1];
      input[2 * plane + to] = photo.data[from++] * gain[2] + bias[2];
    }
    yield;
  }
  return input;
}

/** A network input of 3×size×size with a square of the photo, from the small version if that is fine enough. */
export function cutSquare(
  { photo, small, factor }: ScaledPhoto,
  square: Framing,
  size: number,
  kernels: PhotoKernels,
): Promise<Float32Array> {
  if (square.side < size * factor) return kernels.drawBoxes(photo, boxesOfFraming(square, size), color, size);
  const { x, y, side, angle } = square;
  const scaled = { x: x / factor, y: y / factor, side: side / factor, angle };
  return kernels.drawBoxes(small, boxesOfFraming(scaled, size), color, size);
}
