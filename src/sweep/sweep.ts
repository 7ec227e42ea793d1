import type { Config } from '../config/schema.ts';
import type { validationScores } from '../metrics/validation-scores.ts';
import type { Halving } from './halving.ts';
import type { BaseConfig } from './space/check-space.ts';
import type { Sampler } from './space/sampler.ts';
import type { Space } from './space/space.ts';

/** A validation score that a sweep optimises, by its name in metrics.csv. */
export type Metric = (typeof validationScores)[number];

/** Everything that decides the settings and the lengths of trials. */
export interface SweepPlan {
  /** The configuration that the trials vary. */
  readonly config: Config;
  readonly space: Space;
  readonly metric: Metric;
  readonly halving: Halving;
  /** Seed of the settings; the seed of training is that of the configuration. */
  readonly seed: number;
  /** Number of training pairs. */
  readonly pairs: number;
}

/** A sweep whose trials can be drawn. */
export interface Sweep extends SweepPlan {
  readonly base: BaseConfig;
  readonly sampler: Sampler;
}

/** Whether the larger of two scores is the better one. */
export function isHigherBetter(metric: Metric): boolean {
  return metric !== 'valLoss';
}

/** The better one of two scores. */
export function isBetter(metric: Metric, score: number, other: number): boolean {
  return isHigherBetter(metric) ? score > other : score < other;
}
