import type { Photo } from './image.ts';

/** Conversion of 8-bit channel values to network inputs, `(value / 255 - mean) / std`, with one number each for R, G, B. */
export interface Normalization {
  readonly mean: readonly [number, number, number];
  readonly std: readonly [number, number, number];
}

/** The input for each byte of a channel, 3×256 floats. */
export function normalizedBytes({ mean, std }: Normalization): Float32Array {
  return Float32Array.from({ length: 3 * 256 }, (_, i) => {
    const channel = (i >> 8) as 0 | 1 | 2;
    return (i & 255) * (1 / (255 * std[channel])) - mean[channel] / std[channel];
  });
}

/** A photo as planar 3×H×W floats, written into `target`. */
export function normalizePhoto(
  { width, height, data }: Photo,
  normalization: Normalization,
  target: Float32Array,
): void {
  const pixels = width * height;
  const values = normalizedBytes(normalization);
  for (let channel = 0; channel < 3; channel++) {
    const start = channel * pixels;
    const first = channel * 256;
    for (let i = 0; i < pixels; i++) target[start + i] = values[first + data[i * 3 + channel]];
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
