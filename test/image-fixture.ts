import sharp from 'sharp';
import type { Warp } from '../src/data/augmentation/warp.ts';
import type { Photo } from '../src/image/image.ts';
import { resizePhoto } from '../src/image/resize.ts';
import { drawSyntheticFace } from '../src/synthetic/face.ts';

/** Moves nothing. */
export const identityWarp: Warp = { rotation: 0, scale: 1, shiftX: 0, shiftY: 0, mirrored: false };

/** A drawn face, stretched to any size. */
export function drawPhoto(width: number, height: number, seed: number): Photo {
  return resizePhoto(drawSyntheticFace(seed, 256).photo, width, height);
}

/** A photo as a PNG, which loses nothing. */
export function photoPng({ width, height, data }: Photo): Promise<Buffer> {
  return sharp(data, { raw: { width, height, channels: 3 } })
    .png()
    .toBuffer();
}

/** The share of elements that are equal, 0 to 1. */
export function shareOfEqual(a: ArrayLike<number>, b: ArrayLike<number>): number {
  let equal = 0;
  for (let i = 0; i < a.length; i++) if (a[i] === b[i]) equal++;
  return equal / a.length;
}
