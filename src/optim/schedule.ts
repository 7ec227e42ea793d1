export type ScheduleKind = 'constant' | 'cosine' | 'polynomial';

/** A learning-rate schedule as a function of progress rather than steps, so it also works with a time budget. */
export interface ScheduleOptions {
  readonly kind: ScheduleKind;
  readonly learningRate: number;
  /** Share of the run for the linear warm-up from near zero. */
  readonly warmup: number;
  /** Final learning rate as a share of the peak. */
  readonly finalShare: number;
}

/**
 * Returns the learning rate at a progress of 0 to 1: linear warm-up, then constant, cosine
 * (Loshchilov and Hutter 2017, equation 5) or polynomial of power 0.9.
 */
export function learningRateAt(progress: number, { kind, learningRate, warmup, finalShare }: ScheduleOptions): number {
  const at = Math.min(1, Math.max(0, progress));
  if (at < warmup) return learningRate * Math.max(at / warmup, 1e-3);
  if (kind === 'constant') return learningRate;
  const rest = warmup < 1 ? (at - warmup) / (1 - warmup) : 1;
  const share = kind === 'cosine' ? 0.5 * (1 + Math.cos(Math.PI * rest)) : (1 - rest) ** 0.9;
  return learningRate * (finalShare + (1 - finalShare) * share);
}
