import type { Photo } from './image.ts';

/** Conversion of 8-bit channel values to network inputs, `(value / 255 - mean) / std`, with one number each for R, G, B. */
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

/** The inverse of `normalizePhoto`: planar 3×H×W floats to a photo, rounded and clamped to 0–255. */
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
