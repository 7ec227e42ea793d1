import { type Config, imagesPerStep } from '../../config/schema.ts';
import { exists } from '../../files/path-kind.ts';
import { allTrainingData, readEnvironment } from '../record/environment.ts';
import { type MetricsLine, type RunFolder, readMetrics } from '../record/run-folder.ts';
import { stepsInEpochs } from '../record/run-progress.ts';
import { describeEarlyStop } from '../score-watch.ts';

/** How far a run is, from its folder. */
export interface RunState {
  readonly isFinished: boolean;
  /** Why it stopped early, if it did. */
  readonly earlyStop?: string;
  /** The last line of its metrics. */
  readonly last: MetricsLine;
  /** Whether its checkpoint is still there, without which it cannot be trained further. */
  readonly hasCheckpoint: boolean;
  /** The highest F (per image) of its validations; undefined before the first. */
  readonly bestF?: number;
}

/**
 * Whether a run is finished: the validation after the last step has been written, be it the last of its length or the one at
 * which it stopped early.
 *
 * @param pairs number of its training pairs; by default, the length of an epoch follows from steps and epochs, which is right
 *   unless a resume has changed it
 */
export function isFinished(last: MetricsLine, config: Config, pairs?: number): boolean {
  if (last.valF === undefined) return false;
  return describeEarlyStop(last, config) !== undefined || hasWholeLength(last, config, pairs);
}

function hasWholeLength(last: MetricsLine, { train }: Config, pairs?: number): boolean {
  if (train.minutes) return last.seconds >= train.minutes * 60;
  const stepsPerEpoch =
    pairs === undefined ? Math.round(last.step / last.epoch) : Math.floor(pairs / imagesPerStep(train));
  return Math.round(last.epoch * stepsPerEpoch) >= stepsInEpochs(train.epochs, stepsPerEpoch);
}

/** Reads how far a run is, measured by a configuration; undefined before its first line of metrics. */
export async function readRunState(folder: RunFolder, config: Config): Promise<RunState | undefined> {
  if (!(await exists(folder.metrics))) return undefined;
  const lines = await readMetrics(folder.metrics);
  const last = lines.at(-1);
  if (!last) return undefined;
  const { pairs } = allTrainingData(await readEnvironment(folder.environment)).at(-1)!;
  // Patience that runs out at the last step cuts nothing short.
  const earlyStop = hasWholeLength(last, config, pairs) ? undefined : describeEarlyStop(last, config);
  const scores = lines.flatMap(({ valF }) => valF ?? []);
  return {
    isFinished: isFinished(last, config, pairs),
    ...(earlyStop !== undefined && { earlyStop }),
    last,
    hasCheckpoint: await exists(folder.checkpoint),
    ...(scores.length > 0 && { bestF: Math.max(...scores) }),
  };
}
