import { type Config, imagesPerStep } from '../config/schema.ts';
import { openDataset, resolveSplit } from '../data/dataset/dataset.ts';
import type { Engine } from '../engine/engine.ts';
import { selectEngine } from '../engine/select-engine.ts';
import { median } from '../metrics/median.ts';
import { planTraining, requireEnoughPairs } from './plan.ts';
import { stepWork, TimedProgram } from './timed-program.ts';
import type { TrainingStep } from './training-step.ts';

/** An estimate of a run, measured on a few steps with random images. */
export interface TrainingEstimate {
  readonly parameters: number;
  readonly gigaMultiplyAccumulates: number;
  readonly trainingPairs: number;
  readonly validationPairs: number;
  readonly stepsPerEpoch: number;
  readonly steps: number;
  readonly epochs: number;
  readonly seconds: number;
  /** Time of a step at the last resolution. */
  readonly stepMilliseconds: number;
  readonly engine: string;
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

/** Builds the run, times a few steps of every resolution and estimates the duration. */
export async function estimateTraining(config: Config, data: string): Promise<TrainingEstimate> {
  const plan = planTraining(config);
  const trainSet = await openDataset(await resolveSplit(data, 'train'), { requireMasks: true });
  const validationSet = await openDataset(await resolveSplit(data, 'val'), { requireMasks: true });
  requireEnoughPairs(config, trainSet.items.length);
  const engine = await selectEngine(config.engine);
  const { minutes, epochs, seed } = config.train;
  const stepsPerEpoch = Math.floor(trainSet.items.length / imagesPerStep(config.train));
  // A run measured in minutes divides its time among the resolutions, a run measured in epochs its steps.
  let steps = 0;
  let seconds = 0;
  let stepMilliseconds = 0;
  let from = 0;
  for (const { until, step } of plan.resolutions) {
    stepMilliseconds = await timeStep(engine, step, seed);
    const share = until - from;
    const resolutionSteps = minutes ? (share * minutes * 60_000) / stepMilliseconds : share * epochs * stepsPerEpoch;
    steps += resolutionSteps;
    seconds += (resolutionSteps * stepMilliseconds) / 1000;
    from = until;
  }
  steps = Math.max(1, Math.round(steps));
  return {
    parameters: plan.parameters,
    gigaMultiplyAccumulates: plan.gigaMultiplyAccumulates,
    trainingPairs: trainSet.items.length,
    validationPairs: validationSet.items.length,
    stepsPerEpoch,
    steps,
    epochs: steps / Math.max(1, stepsPerEpoch),
    seconds,
    stepMilliseconds,
    engine: `${engine.name} on ${engine.device}`,
  };
}
