import type { ColorTransform } from '../../image/draw-boxes.ts';
import type { Photo } from '../../image/image.ts';
import { resizePhotoSteps } from '../../image/resize.ts';
import type { Steps } from '../../scheduling/steps.ts';
import { drawSquareSteps, type Square } from '../square-crop.ts';

/** What the network expects: RGB from -1 to 1. */
const color: ColorTransform = { gain: [1 / 127.5, 1 / 127.5, 1 / 127.5], bias: [-1, -1, -1] };

/** A photo with a small version, from which large squares are drawn: a large photo is read as a whole only once. */
export interface ScaledPhoto {
  readonly photo: Photo;
  readonly small: Photo;
}

/** The photo with its longer side at most so long, in steps of one row. */
export function* shrinkSteps(photo: Photo, side: number): Steps<Photo> {
  const scale = side / Math.max(photo.width, photo.height);
  if (scale >= 1) return photo;
  const shrunk = (extent: number) => Math.max(1, Math.round(extent * scale));
  return yield* resizePhotoSteps(photo, shrunk(photo.width), shrunk(photo.height));
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
export function* cutSquareSteps({ photo, small }: ScaledPhoto, square: Square, size: number): Steps<Float32Array> {
  const ratio = small.width / photo.width;
  const [source, factor] = square.side * ratio >= size ? [small, ratio] : [photo, 1];
  const scaled = {
    centre: { x: square.centre.x * factor, y: square.centre.y * factor },
    side: square.side * factor,
    angle: square.angle,
  };
  const input = new Float32Array(3 * size * size);
  yield* drawSquareSteps(source, scaled, color, size, input);
  return input;
}
