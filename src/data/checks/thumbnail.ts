import type { Photo } from '../../image/image.ts';
import { resizePhoto } from '../../image/resize.ts';

/** Side of a thumbnail in pixels. */
export const thumbnailSide = 32;

/** Rows read per box of a large photo; the others resemble them. */
const rowsPerBox = 8;

/**
 * The luminance of a photo at 32×32 (one byte per pixel, row by row).
 *
 * Photos of 256 pixels and more are averaged over whole pixels in up to eight rows per box: exact coverage costs ten times as
 * much and makes no difference there. In smaller ones it does.
 */
export function thumbnailOf(photo: Photo): Uint8Array {
  const small = Math.min(photo.width, photo.height) < rowsPerBox * thumbnailSide;
  const { width, height, data } = small ? resizePhoto(photo, thumbnailSide, thumbnailSide) : photo;
  const thumbnail = new Uint8Array(thumbnailSide ** 2);
  const start = (index: number, side: number): number => Math.floor((index * side) / thumbnailSide);
  for (let row = 0, at = 0; row < thumbnailSide; row++) {
    const top = start(row, height);
    const bottom = start(row + 1, height);
    const step = Math.max(1, Math.floor((bottom - top) / rowsPerBox));
    for (let column = 0; column < thumbnailSide; column++, at++) {
      const left = start(column, width);
      const right = start(column + 1, width);
      let sum = 0;
      let rows = 0;
      for (let y = top; y < bottom; y += step, rows++) {
        for (let i = (y * width + left) * 3, end = (y * width + right) * 3; i < end; i += 3) {
          sum += 299 * data[i] + 587 * data[i + 1] + 114 * data[i + 2];
        }
      }
      thumbnail[at] = Math.round(sum / (1000 * rows * (right - left)));
    }
  }
  return thumbnail;
}
