import { runInSlices, type Steps } from '../scheduling/steps.ts';
import type { Photo } from './image.ts';

/** An 8-bit RGBA image, H×W×4; `new ImageData(data, width, height)` takes its data. */
export interface RgbaImage {
  readonly width: number;
  readonly height: number;
  readonly channels: 4;
  readonly data: Uint8ClampedArray<ArrayBuffer>;
}

/**
 * Cuts a region out of a photo: RGBA whose alpha is the mask. Fully transparent pixels are black, so the image does not
 * contain the rest of the photo. Photo and mask have the same H×W.
 *
 * @param mask 0 outside to 255 inside, as from `ParseResult.mask`
 * @throws RangeError if the sizes differ
 * @example await writeFile('hair.png', await encodePng(await cutOut(photo, await result.mask('hair'))));
 */
export async function cutOut(
  photo: Photo,
  mask: { readonly width: number; readonly height: number; readonly data: Uint8Array },
): Promise<RgbaImage> {
  const { width, height } = photo;
  if (mask.width !== width || mask.height !== height) {
    throw new RangeError(`the photo is ${width}×${height}, but its mask is ${mask.width}×${mask.height}`);
  }
  return { width, height, channels: 4, data: await runInSlices(cutOutSteps(photo, mask.data)) };
}

function* cutOutSteps({ width, height, data }: Photo, mask: Uint8Array): Steps<Uint8ClampedArray<ArrayBuffer>> {
  const rgba = new Uint8ClampedArray(width * height * 4);
  for (let y = 0; y < height; y++) {
    for (let i = y * width; i < (y + 1) * width; i++) {
      if (mask[i] === 0) continue;
      for (let k = 0; k < 3; k++) rgba[4 * i + k] = data[3 * i + k];
      rgba[4 * i + 3] = mask[i];
    }
    yield;
  }
  return rgba;
}
