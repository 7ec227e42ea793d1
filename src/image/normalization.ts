/** What turns an 8-bit channel value into a network input: `(value / 255 - mean) / std`, one number for R, G, B each. */
export interface Normalization {
  readonly mean: readonly [number, number, number];
  readonly std: readonly [number, number, number];
}

/** Centres the range and gives it about unit spread; training and prediction must use the same one. */
export const defaultNormalization: Normalization = { mean: [0.5, 0.5, 0.5], std: [0.25, 0.25, 0.25] };

/** A photo as network input: planar 3×H×W floats, written into `target`. */
export function normalizePhoto(
  photo: { readonly width: number; readonly height: number; readonly data: Uint8Array },
  { mean, std }: Normalization,
  target: Float32Array,
): void {
  const pixels = photo.width * photo.height;
  for (let channel = 0; channel < 3; channel++) {
    const factor = 1 / (255 * std[channel]);
    const offset = mean[channel] / std[channel];
    const start = channel * pixels;
    for (let i = 0; i < pixels; i++) target[start + i] = photo.data[i * 3 + channel] * factor - offset;
  }
}
