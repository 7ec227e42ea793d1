export type ScheduleKind = 'constant' | 'cosine' | 'polynomial';

/** A learning-rate schedule over a run, by progress and not by step, so that it also fits a time budget. */
export interface ScheduleOptions {
  readonly kind: ScheduleKind;
  readonly learningRate: number;
  /** Share of the run during which the rate climbs linearly from near zero. */
  readonly warmup: number;
  /** The rate at the end, as a share of the highest. */
  readonly finalShare: number;
}

/**
 * The learning rate at a progress of 0 to 1 through the run: linear warm-up, then constant, cosine
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
