import type { StudyResult } from './load-study.ts';
import { baseName, type StudyGroup, type StudyVariant } from './parse-study.ts';

/**
 * The significance of a difference to the base, given the noise between seeds:
 * - `base`: it is the base itself
 * - `within noise`: smaller than the larger spread among base and variant
 * - `beyond noise`: not smaller than this spread
 * - `noise unknown`: neither has two finished seeds
 * - `incomplete`: base and variant have no finished run with the same seed
 */
export type Verdict = 'base' | 'within noise' | 'beyond noise' | 'noise unknown' | 'incomplete';

/** A variant over its seeds. Numbers cover its finished runs and are absent without any. F is F (per image), 0 to 1. */
export interface VariantSummary {
  readonly variant: StudyVariant;
  readonly results: readonly StudyResult[];
  readonly mean?: number;
  /** Highest minus lowest F; absent with fewer than two finished runs. */
  readonly spread?: number;
  /** Mean difference of F to the base's run with the same seed, over the seeds that both have finished. */
  readonly difference?: number;
  readonly verdict: Verdict;
  /** Means over the finished runs. */
  readonly steps?: number;
  readonly seconds?: number;
}

/** A comparison: the variants of a group in the order of the study file. */
export interface GroupSummary {
  readonly group: StudyGroup;
  readonly variants: readonly VariantSummary[];
}

function mean(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}

function measure(variant: StudyVariant, all: readonly StudyResult[]) {
  const results = all.filter(({ run }) => run.variant === variant);
  const finished = results.filter(({ state }) => state === 'finished');
  const scores = finished.map(({ f }) => f!);
  return {
    variant,
    results,
    ...(finished.length > 0 && {
      mean: mean(scores),
      steps: mean(finished.map(({ steps }) => steps)),
      seconds: mean(finished.map(({ seconds }) => seconds)),
    }),
    ...(finished.length > 1 && { spread: Math.max(...scores) - Math.min(...scores) }),
  };
}

/** Differences between finished runs with the same seed, which cancels much of the seed's effect. */
export function pairedDifferences(results: readonly StudyResult[], base: readonly StudyResult[]): number[] {
  const scoreOf = new Map(base.filter(({ state }) => state === 'finished').map(({ run, f }) => [run.seed, f!]));
  return results
    .filter(({ state, run }) => state === 'finished' && scoreOf.has(run.seed))
    .map(({ run, f }) => f! - scoreOf.get(run.seed)!);
}

function judge(difference: number, spreads: readonly (number | undefined)[]): Verdict {
  const known = spreads.filter((spread) => spread !== undefined);
  if (known.length === 0) return 'noise unknown';
  return Math.abs(difference) < Math.max(...known) ? 'within noise' : 'beyond noise';
}

/**
 * Compares the variants of a group with its base by the F at the end of their runs.
 *
 * @example summarizeGroup(group, results).variants.filter(({ verdict }) => verdict === 'beyond noise')
 */
export function summarizeGroup(group: StudyGroup, results: readonly StudyResult[]): GroupSummary {
  const measured = group.variants.map((variant) => measure(variant, results));
  const base = measured.find(({ variant }) => variant.name === baseName)!;
  const variants = measured.map((entry): VariantSummary => {
    const differences = pairedDifferences(entry.results, base.results);
    if (differences.length === 0) return { ...entry, verdict: 'incomplete' };
    if (entry === base) return { ...entry, verdict: 'base' };
    const difference = mean(differences);
    return { ...entry, difference, verdict: judge(difference, [base.spread, entry.spread]) };
  });
  return { group, variants };
}
