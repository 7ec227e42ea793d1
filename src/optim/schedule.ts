/** The learning-rate schedules, by the name that a configuration gives them. */
export const scheduleKinds = [
  'constant',
  'cosine',
  'polynomial',
  'step',
  'onecycle',
  'cosine-restarts',
  'plateau',
] as const;

export type ScheduleKind = (typeof scheduleKinds)[number];

/** Settings of the schedules besides peak, warm-up and final learning rate. Each is used by the schedules named with it. */
export interface ScheduleSettings {
  /** Exponent of the decay (polynomial). */
  readonly power: number;
  /** Fractions of the run at which the rate is multiplied by `factor`, in increasing order (step). */
  readonly milestones: readonly number[];
  /** Distance between such fractions, from the start of the run; replaces `milestones` (step). */
  readonly every?: number | undefined;
  /** Factor of a reduction (step). */
  readonly factor: number;
  /** Fraction of the run at which the rate reaches its peak (onecycle). */
  readonly peakAt: number;
  /** The initial rate is the peak divided by this (onecycle). */
  readonly divFactor: number;
  /** The final rate is the initial rate divided by this (onecycle). */
  readonly finalDivFactor: number;
  /** Length of the first cycle as a fraction of the run after the warm-up (cosine-restarts). */
  readonly firstCycle: number;
  /** Length of a cycle relative to the one before it (cosine-restarts). */
  readonly cycleFactor: number;
}

/** A learning-rate schedule as a function of progress rather than steps, so it also works with a time budget. */
export interface ScheduleOptions {
  readonly schedule: ScheduleKind;
  /** Peak learning rate. */
  readonly lr: number;
  /** Share of the run for the linear warm-up from near zero; `onecycle` has its own. */
  readonly warmup: number;
  /** Final learning rate as a share of the peak; the lower bound for `step` and `plateau`. */
  readonly finalShare: number;
  readonly scheduleOptions: ScheduleSettings;
}

/** Reductions happen at fractions such as 3 · 0.1, which is above 0.3 in floating point. */
const rounding = 1e-9;

/** Half a period of the cosine, from 1 at 0 to 0 at 1. */
function halfCosine(at: number): number {
  return 0.5 * (1 + Math.cos(Math.PI * at));
}

/** The number of reductions of `step` up to a fraction of the run. */
function reductionsAt(at: number, { milestones, every }: ScheduleSettings): number {
  if (every !== undefined) return Math.floor(at / every + rounding);
  return milestones.filter((milestone) => at >= milestone - rounding).length;
}

/** The fraction of the current cycle that is over. The end of the run ends a cycle instead of starting another. */
function cycleProgress(rest: number, { firstCycle, cycleFactor }: ScheduleSettings): number {
  const at = Math.min(rest, 1 - 2 * rounding);
  let start = 0;
  let length = firstCycle;
  while (start + length <= at + rounding) {
    start += length;
    length *= cycleFactor;
  }
  return Math.max(0, at - start) / length;
}

/** Rise and fall along half cosines (Smith and Topin 2018, as OneCycleLR of PyTorch), as a share of the peak. */
function oneCycleShare(at: number, { peakAt, divFactor, finalDivFactor }: ScheduleSettings): number {
  const between = (from: number, to: number, part: number) => to + (from - to) * halfCosine(part);
  const initial = 1 / divFactor;
  if (at < peakAt) return between(initial, 1, at / peakAt);
  return between(1, initial / finalDivFactor, peakAt < 1 ? (at - peakAt) / (1 - peakAt) : 0);
}

/**
 * Returns the learning rate at a progress of 0 to 1: a linear warm-up, then the schedule.
 *
 * `cosine` follows Loshchilov and Hutter 2017, equation 5, and `cosine-restarts` repeats it in cycles (SGDR). `onecycle` has its
 * own rise in place of the warm-up, and its own final rate.
 *
 * @param reduction the factor of all reductions so far (`plateau`), see `nextPlateau`
 */
export function learningRateAt(progress: number, options: ScheduleOptions, reduction = 1): number {
  const { schedule, lr, warmup, finalShare, scheduleOptions } = options;
  const at = Math.min(1, Math.max(0, progress));
  if (schedule === 'onecycle') return lr * oneCycleShare(at, scheduleOptions);
  const plateau = schedule === 'plateau' ? Math.max(finalShare, reduction) : 1;
  if (at < warmup) return lr * plateau * Math.max(at / warmup, 1e-3);
  const rest = warmup < 1 ? (at - warmup) / (1 - warmup) : 1;
  const decayed = (share: number) => lr * (finalShare + (1 - finalShare) * share);
  switch (schedule) {
    case 'constant':
      return lr;
    case 'cosine':
      return decayed(halfCosine(rest));
    case 'polynomial':
      return decayed((1 - rest) ** scheduleOptions.power);
    case 'step':
      return lr * Math.max(finalShare, scheduleOptions.factor ** reductionsAt(at, scheduleOptions));
    case 'cosine-restarts':
      return decayed(halfCosine(cycleProgress(rest, scheduleOptions)));
    case 'plateau':
      return lr * plateau;
  }
}
