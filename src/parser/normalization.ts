/** What turns an 8-bit channel value into a network input: `(value / 255 - mean) / std`, one number for R, G, B each. */
export interface Normalization {
  readonly mean: readonly [number, number, number];
  readonly std: readonly [number, number, number];
}

/** Centres the range and gives it about unit spread; training and prediction must use the same one. */
export const defaultNormalization: Normalization = { mean: [0.5, 0.5, 0.5], std: [0.25, 0.25, 0.25] };
