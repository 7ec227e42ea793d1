import { join } from 'node:path';
import { readRunResult } from '../comparison/runs/run-result.ts';
import type { RunSpec } from '../comparison/runs/run-spec.ts';
import { parseConfig } from '../config/parse-config.ts';
import type { Config } from '../config/schema.ts';
import { exists } from '../files/path-kind.ts';
import { isFinished } from '../training/earlier-run/run-state.ts';
import { fitBatches } from '../training/plan.ts';
import { type MetricsLine, readMetrics, runFolder } from '../training/record/run-folder.ts';
import { stepsInEpochs } from '../training/record/run-progress.ts';
import type { TrialScores } from './halving.ts';
import { overridesOf } from './space/sampler.ts';
import type { Settings } from './space/space.ts';
import { isBetter, isHigherBetter, type Metric, type Sweep } from './sweep.ts';
import { readFailure, trialName } from './sweep-folder.ts';

/** A trial and what is known of it. */
export interface Trial extends TrialScores {
  /** From 1. */
  readonly trial: number;
  readonly settings: Settings;
  readonly run: RunSpec;
  readonly folder: string;
  /** The best score of all validations; undefined before the first. */
  readonly score?: number;
  readonly epochs: number;
  /** Training time. */
  readonly seconds: number;
  /** It was trained to the end of the configuration's length, or stopped early. */
  readonly finished: boolean;
  /** Why it failed. */
  readonly failure?: string;
}

/** The configuration of a trial: that of the sweep with its settings, and batches that the training pairs can fill. */
export function trialConfig({ base, pairs }: Sweep, settings: Settings, name: string): Config {
  const overrides = [...base.overrides, ...overridesOf(settings), `name=${name}`];
  return fitBatches(parseConfig(base.text, base.source, overrides), pairs);
}

/**
 * The best score of each rung that a run has reached: the best of its validations up to the first one after the rung's epochs.
 * A run that is over has reached all rungs.
 *
 * @example rungScores(lines, config, { rungs: [1, 3], metric: 'valF' }) // [0.41, 0.62]
 */
export function rungScores(
  lines: readonly MetricsLine[],
  config: Config,
  { rungs, metric }: { readonly rungs: readonly number[]; readonly metric: Metric },
): number[] {
  const validations = lines.filter((line) => line.valF !== undefined);
  const last = lines.at(-1);
  const isOver = last !== undefined && isFinished(last, config);
  const scores: number[] = [];
  for (const rung of rungs) {
    const reached = validations.findIndex(({ step, epoch }) => {
      const stepsPerEpoch = Math.round(step / epoch);
      return step >= stepsInEpochs(rung, stepsPerEpoch);
    });
    if (reached < 0 && !isOver) break;
    const counted = reached < 0 ? validations : validations.slice(0, reached + 1);
    scores.push(bestOf(counted, metric));
  }
  return scores;
}

/** The best score of validations; the worst possible one if none is a number. */
function bestOf(validations: readonly MetricsLine[], metric: Metric): number {
  const worst = isHigherBetter(metric) ? Number.NEGATIVE_INFINITY : Number.POSITIVE_INFINITY;
  return validations.reduce((best, line) => {
    const score = line[metric] ?? Number.NaN;
    return isBetter(metric, score, best) ? score : best;
  }, worst);
}

/**
 * Reads a trial from the folder of its sweep; undefined if the space has no settings for it.
 *
 * @throws FaceparseError if its folder contains another run
 */
export async function readTrial(sweep: Sweep, out: string, trial: number): Promise<Trial | undefined> {
  const settings = sweep.sampler.settingsOf(trial);
  if (!settings) return undefined;
  const name = trialName(trial);
  const run = { name: `trials/${name}`, config: trialConfig(sweep, settings, name) };
  const { folder, state, epochs, seconds } = await readRunResult(run, out);
  const { metrics } = runFolder(join(out, run.name));
  const lines = (await exists(metrics)) ? await readMetrics(metrics) : [];
  const validations = lines.filter((line) => line.valF !== undefined);
  const failure = await readFailure(out, trial);
  return {
    trial,
    settings,
    run,
    folder,
    scores: rungScores(lines, run.config, { rungs: sweep.halving.rungs, metric: sweep.metric }),
    ...(validations.length > 0 && { score: bestOf(validations, sweep.metric) }),
    epochs: validations.at(-1)?.epoch ?? 0,
    seconds: validations.at(-1)?.seconds ?? seconds,
    finished: state === 'finished' && epochs > 0,
    failed: failure !== undefined,
    ...(failure !== undefined && { failure }),
  };
}

/** Trials from the best to the worst; those without a score, and failed ones, come last. Equal ones keep the order of their numbers. */
export function rankTrials(trials: readonly Trial[], metric: Metric): Trial[] {
  const isRanked = ({ failed, score }: Trial) => !failed && score !== undefined;
  return [...trials].sort((a, b) => {
    if (isRanked(a) !== isRanked(b)) return isRanked(a) ? -1 : 1;
    if (isRanked(a) && a.score !== b.score) return isBetter(metric, a.score!, b.score!) ? -1 : 1;
    return a.trial - b.trial;
  });
}

/** The best trial; undefined if none has a score. */
export function bestTrial(trials: readonly Trial[], metric: Metric): Trial | undefined {
  const [first] = rankTrials(trials, metric);
  return first && !first.failed && first.score !== undefined ? first : undefined;
}
