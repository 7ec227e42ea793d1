import type { Photo } from './image.ts';

/** What turns an 8-bit channel value into a network input: `(value / 255 - mean) / std`, one number for R, G, B each. */
export interface Normalization {
  readonly mean: readonly [number, number, number];
  readonly std: readonly [number, number, number];
}

/** A photo as planar 3×H×W floats, written into `target`. */
export function normalizePhoto(photo: Photo, { mean, std }: Normalization, target: Float32Array): void {
  const pixels = photo.width * photo.height;
  for (let channel = 0; channel < 3; channel++) {
    const factor = 1 / (255 * std[channel]);
    const offset = mean[channel] / std[channel];
    const start = channel * pixels;
    for (let i = 0; i < pixels; i++) target[start + i] = photo.data[i * 3 + channel] * factor - offset;
  }
}

/** The photo that planar 3×H×W floats show: the inverse of `normalizePhoto`, rounded and cut to 0–255. */
export function denormalizePhoto(
  planes: Float32Array,
  { width, height }: { readonly width: number; readonly height: number },
  { mean, std }: Normalization,
): Photo {
  const pixels = width * height;
  const data = new Uint8Array(pixels * 3);
  for (let i = 0; i < pixels; i++) {
    for (let channel = 0; channel < 3; channel++) {
      const value = (planes[channel * pixels + i] * std[channel] + mean[channel]) * 255;
      data[i * 3 + channel] = Math.min(255, Math.max(0, Math.round(value)));
    }
  }
  return { width, height, data };
}
