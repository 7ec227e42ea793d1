import type { Config } from '../config/schema.ts';
import type { Shard } from './shard.ts';

/** How the trials of a sweep are shortened: after each rung only the best go on. */
export interface Halving {
  /** Lengths in epochs, in increasing order; the last one is that of the configuration. */
  readonly rungs: readonly number[];
  /** One of this many trials goes on from a rung to the next. */
  readonly factor: number;
}

/** Lengths in epochs are compared up to rounding errors. */
const epsilon = 1e-9;

/**
 * The rungs of a configuration: its length divided by the factor again and again, down to `minEpochs`, each rounded up to a
 * validation.
 *
 * @param minEpochs default: two divisions
 * @example planHalving(config, 3).rungs // [4, 10, 30] with train.epochs=30 and validation.every=2
 */
export function planHalving({ train, validation }: Config, factor: number, minEpochs?: number): Halving {
  const { epochs } = train;
  const least = Math.max(epsilon, minEpochs ?? epochs / factor ** 2);
  const rungs = [epochs];
  for (let length = epochs / factor; length >= least * (1 - epsilon); length /= factor) {
    // A trial is only scored at validations.
    const rounded = Math.ceil(length / validation.every - epsilon) * validation.every;
    if (rounded < rungs[0] * (1 - epsilon)) rungs.unshift(Number(rounded.toPrecision(9)));
  }
  return { rungs, factor };
}

/** Number of trials of a whole bracket: as many as are needed for one to reach the last rung. */
export function bracketSize({ rungs, factor }: Halving): number {
  return factor ** (rungs.length - 1);
}

/**
 * How many trials of a bracket reach each rung.
 *
 * @example survivors(9, { rungs: [4, 10, 30], factor: 3 }) // [9, 3, 1]
 */
export function survivors(trials: number, { rungs, factor }: Halving): number[] {
  const counts = [trials];
  while (counts.length < rungs.length) counts.push(Math.max(1, Math.floor(counts[counts.length - 1] / factor)));
  return counts;
}

/** What is known of a trial. */
export interface TrialScores {
  /** The score at each rung that it has reached. */
  readonly scores: readonly number[];
  /** It cannot go on. */
  readonly failed: boolean;
}

/** A trial that has to be trained up to a rung. */
export interface Job {
  /** Number of the trial, from 1. */
  readonly trial: number;
  /** Index of the rung. */
  readonly rung: number;
}

/** The better of two scores first; equal ones in the order of their trials. */
function compare(higherIsBetter: boolean) {
  return (a: Ranked, b: Ranked) => (higherIsBetter ? b.score - a.score : a.score - b.score) || a.trial - b.trial;
}

interface Ranked {
  readonly trial: number;
  readonly score: number;
}

/**
 * The jobs of a bracket that can start, by successive halving (Jamieson and Talwalkar, 2016): the trials that have not reached
 * their rung or, once all of them have, the best of them for the next rung. Failed trials do not go on. Only the scores of the
 * bracket matter, not the time at which they were measured, so every order of jobs and every resume trains the same trials.
 *
 * @param trials numbers of the bracket's trials
 * @param stateOf what is known of a trial
 * @returns none if the bracket is complete
 * @example bracketJobs([1, 2, 3], stateOf, { rungs: [1, 3], factor: 3 }, true) // [{ trial: 2, rung: 1 }]
 */
export function bracketJobs(
  trials: readonly number[],
  stateOf: (trial: number) => TrialScores,
  halving: Halving,
  higherIsBetter: boolean,
): Job[] {
  const counts = survivors(trials.length, halving);
  let members = [...trials];
  for (const rung of halving.rungs.keys()) {
    const pending = members.filter((trial) => !stateOf(trial).failed && stateOf(trial).scores.length <= rung);
    if (pending.length > 0) return pending.map((trial) => ({ trial, rung }));
    members = members
      // One that failed later keeps its place: another in its stead would depend on the time of the failure.
      .filter((trial) => stateOf(trial).scores.length > rung)
      .map((trial) => ({ trial, score: stateOf(trial).scores[rung] }))
      .sort(compare(higherIsBetter))
      .slice(0, counts[rung + 1] ?? 0)
      .map(({ trial }) => trial);
  }
  return [];
}

/**
 * The trials of a bracket, counted from 0; the last bracket of a sweep with a limit may be smaller, or empty.
 *
 * @example trialsOf(1, { rungs: [1, 3], factor: 3 }, 5) // [4, 5]
 */
export function trialsOf(bracket: number, halving: Halving, limit = Number.POSITIVE_INFINITY): number[] {
  const size = bracketSize(halving);
  const first = bracket * size + 1;
  return Array.from({ length: size }, (_, index) => first + index).filter((trial) => trial <= limit);
}

/**
 * The epochs that a limited number of trials takes, without failures and early stops.
 *
 * @param shard the part of the brackets that is counted
 * @example ownedWork({ rungs: [1, 3, 9], factor: 3 }, { index: 1, count: 1 }, 9) // 9 + 3 × 2 + 6 = 21
 */
export function ownedWork(halving: Halving, shard: Shard, limit: number): number {
  let epochs = 0;
  for (let bracket = shard.index - 1; ; bracket += shard.count) {
    const trials = trialsOf(bracket, halving, limit);
    if (trials.length === 0) return epochs;
    survivors(trials.length, halving).forEach((count, rung) => {
      epochs += count * (halving.rungs[rung] - (halving.rungs[rung - 1] ?? 0));
    });
  }
}
