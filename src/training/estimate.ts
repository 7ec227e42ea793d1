import type { Config } from '../config/schema.ts';
import { openDataset, resolveSplit } from '../data/dataset/dataset.ts';
import type { Engine } from '../engine/engine.ts';
import { selectEngine } from '../engine/select-engine.ts';
import { median } from '../metrics/median.ts';
import { positionAt, readEarlierPart } from './earlier-run/earlier-part.ts';
import { findCheckpoint } from './earlier-run/find-checkpoint.ts';
import { loadInitialWeights } from './earlier-run/initial-weights.ts';
import { finalResolution, planForPairs, planTraining, type TrainingPlan } from './plan.ts';
import { runFolder } from './record/run-folder.ts';
import { RunProgress } from './record/run-progress.ts';
import { canStopEarly, startNotices } from './start-notices.ts';
import { stepWork, TimedProgram } from './step/timed-program.ts';
import type { TrainingStep } from './step/training-step.ts';
import { describeHeldOut, openTrainingSet } from './training-set.ts';

/** An estimate of a run, measured on a few steps with random images. */
export interface TrainingEstimate {
  /** The configuration, with smaller batches if there are too few pairs. */
  readonly config: Config;
  /** Lines that the run would print at its start: about batches that had to be changed, initial weights and settings. */
  readonly notices: readonly string[];
  readonly parameters: number;
  /** Parameters that are not frozen. */
  readonly trainedParameters: number;
  readonly gigaMultiplyAccumulates: number;
  readonly trainingPairs: number;
  readonly validationPairs: number;
  readonly stepsPerEpoch: number;
  readonly steps: number;
  /** Validations of the whole run. */
  readonly validations: number;
  readonly mayStopEarly: boolean;
  readonly epochs: number;
  readonly seconds: number;
  /** Time of a step at the last resolution. */
  readonly stepMilliseconds: number;
  readonly engine: string;
  /** What a resumed run has done; steps, epochs and seconds are then those that are left. */
  readonly done?: { readonly step: number; readonly epoch: number; readonly seconds: number };
  /** The file of the initial weights; absent if they are random. */
  readonly initialWeights?: string;
}

const measuredSteps = 4;

/** Median milliseconds of a few steps. */
async function timeStep(engine: Engine, step: TrainingStep, seed: number): Promise<number> {
  const timed = await TimedProgram.compile(engine, stepWork(step), { classes: step.classes, seed });
  try {
    // The first step also allocates memory.
    return median((await timed.time(measuredSteps)).slice(1));
  } finally {
    await timed.dispose();
  }
}

/** Sets the progress of a resumed run to its checkpoint. @returns false if it has none, so that it restarts */
async function continueRun(run: string, plan: TrainingPlan, progress: RunProgress): Promise<boolean> {
  const folder = runFolder(run);
  const checkpoint = await findCheckpoint(folder, finalResolution(plan).step);
  if (!checkpoint) return false;
  progress.continueFrom(positionAt(checkpoint, await readEarlierPart(folder, checkpoint.step)));
  return true;
}

/**
 * Builds the run, times a few steps of every resolution and estimates the duration.
 *
 * @param run folder of the run if it is resumed; the estimate is then of what is left
 */
export async function estimateTraining(given: Config, data: string, run?: string): Promise<TrainingEstimate> {
  const planned = planTraining(given);
  const trainSet = await openTrainingSet(data, given);
  const validationSet = await openDataset(await resolveSplit(data, 'val'), { requireMasks: true });
  const { config, plan, notice } = planForPairs(given, planned, trainSet.items.length);
  const progress = new RunProgress(config, trainSet.items.length);
  const isContinued = run !== undefined && (await continueRun(run, plan, progress));
  const initial = isContinued ? undefined : await loadInitialWeights(config, plan.model);
  const engine = await selectEngine(config.engine);
  const { minutes, epochs, seed } = config.train;
  const { stepsPerEpoch } = progress;
  // A run measured in minutes divides its time among the resolutions, a run measured in epochs its steps.
  let steps = 0;
  let seconds = 0;
  let stepMilliseconds = 0;
  let from = Math.min(1, progress.share);
  for (const { until, step } of plan.resolutions) {
    if (until <= from && until < 1) continue;
    stepMilliseconds = await timeStep(engine, step, seed);
    const share = until - from;
    const resolutionSteps = minutes ? (share * minutes * 60_000) / stepMilliseconds : share * epochs * stepsPerEpoch;
    steps += resolutionSteps;
    seconds += (resolutionSteps * stepMilliseconds) / 1000;
    from = until;
  }
  steps = Math.max(1, Math.round(steps));
  const { step, epoch, seconds: spent } = progress;
  const validations = progress.validations ?? progress.validationsIn(step + steps);
  const secondsSoFar = isContinued ? spent : undefined;
  return {
    config,
    notices: [
      ...[describeHeldOut(trainSet), notice].filter((line) => line !== undefined),
      ...startNotices(config, { initial, validations, secondsSoFar }),
    ],
    parameters: plan.parameters,
    trainedParameters: finalResolution(plan).step.trainedParameters,
    gigaMultiplyAccumulates: plan.gigaMultiplyAccumulates,
    trainingPairs: trainSet.items.length,
    validationPairs: validationSet.items.length,
    stepsPerEpoch,
    steps,
    validations,
    mayStopEarly: canStopEarly(config.train, validations),
    epochs: steps / Math.max(1, stepsPerEpoch),
    seconds,
    stepMilliseconds,
    engine: `${engine.name} on ${engine.device}`,
    ...(isContinued && { done: { step, epoch, seconds: spent } }),
    ...(initial && { initialWeights: initial.file }),
  };
}
