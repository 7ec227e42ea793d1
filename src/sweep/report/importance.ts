import { formatSetting, valuesOf } from '../space/distribution.ts';
import type { Dimension, Space } from '../space/space.ts';

/** How much of the differences between scores a key explains alone. */
export interface Importance {
  readonly key: string;
  /** 0 to 1; undefined if the trials are too few or too alike to tell. */
  readonly share?: number;
}

/** A trial's settings and its score at the rung at which trials are compared. */
export interface ScoredSettings {
  readonly settings: ReadonlyMap<string, unknown>;
  readonly score: number;
}

/** A continuous key is divided into at most this many groups with equal numbers of trials. */
const mostGroups = 4;

/** Trials that a group has on average, at least. */
const trialsPerGroup = 4;

/** Below this number of trials, importance is mostly chance. */
export const fewTrials = 20;

/**
 * Ranks from 1; equal numbers share the mean of theirs.
 *
 * @example ranksOf([0.5, 0.1, 0.5]) // [2.5, 1, 2.5]
 */
export function ranksOf(values: readonly number[]): number[] {
  const sorted = [...values].sort((a, b) => a - b);
  return values.map((value) => (sorted.indexOf(value) + sorted.lastIndexOf(value)) / 2 + 1);
}

/** The group of each trial by its value of a key: one for each value of a list, or quarters of a range. */
function groupsOf({ key, distribution }: Dimension, trials: readonly ScoredSettings[]): (string | number)[] {
  const given = trials.map(({ settings }) => settings.get(key));
  const listed = valuesOf(distribution)?.length ?? Number.POSITIVE_INFINITY;
  const isNumeric = given.every((value) => typeof value === 'number');
  const groups = Math.min(mostGroups, Math.max(2, Math.floor(trials.length / trialsPerGroup)));
  if (!isNumeric || listed <= groups) return given.map(formatSetting);
  // The rank of a value gives its quarter, on every scale; equal values get the same one.
  return ranksOf(given as number[]).map((rank) =>
    Math.min(groups - 1, Math.floor(((rank - 0.5) / trials.length) * groups)),
  );
}

/**
 * The share of the variance of the ranks of scores that a key explains alone: eta squared of the Kruskal–Wallis test,
 * (H − k + 1) / (n − k) for n trials in k groups, or 0 if that is negative.
 *
 * @param groups the group of each score
 * @returns undefined if there are fewer than two groups, not more trials than groups, or only equal scores
 */
export function etaSquared(scores: readonly number[], groups: readonly (string | number)[]): number | undefined {
  const n = scores.length;
  const ranks = ranksOf(scores);
  const mean = (n + 1) / 2;
  const sums = new Map<string | number, { sum: number; count: number }>();
  ranks.forEach((rank, index) => {
    const { sum, count } = sums.get(groups[index]) ?? { sum: 0, count: 0 };
    sums.set(groups[index], { sum: sum + rank, count: count + 1 });
  });
  const k = sums.size;
  const total = ranks.reduce((sum, rank) => sum + (rank - mean) ** 2, 0);
  if (k < 2 || n <= k || total === 0) return undefined;
  const between = [...sums.values()].reduce((all, { sum, count }) => all + count * (sum / count - mean) ** 2, 0);
  // This form of H includes the correction for equal scores.
  const h = ((n - 1) * between) / total;
  return Math.min(1, Math.max(0, (h - k + 1) / (n - k)));
}

/**
 * The importance of each key, the most important one first.
 *
 * @param trials with scores at the same rung
 * @example importanceOf(space, trials) // [{ key: 'train.lr', share: 0.71 }, …]
 */
export function importanceOf(space: Space, trials: readonly ScoredSettings[]): Importance[] {
  const finite = trials.filter(({ score }) => !Number.isNaN(score));
  const scores = finite.map(({ score }) => score);
  return space
    .map((dimension) => {
      const share = etaSquared(scores, groupsOf(dimension, finite));
      return { key: dimension.key, ...(share !== undefined && { share }) };
    })
    .sort((a, b) => (b.share ?? -1) - (a.share ?? -1));
}
