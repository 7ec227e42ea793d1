import type { Config } from '../config/schema.ts';
import { openDataset, resolveSplit } from '../data/dataset.ts';
import { selectEngine } from '../engine/select-engine.ts';
import { FaceparseError } from '../errors.ts';
import { median, noiseInputs } from './benchmark.ts';
import { planTraining } from './plan.ts';

/** What a run would be: measured on a few steps with random pictures, without touching the data. */
export interface TrainingEstimate {
  readonly parameters: number;
  readonly gigaMultiplyAccumulates: number;
  readonly trainingPairs: number;
  readonly validationPairs: number;
  readonly stepsPerEpoch: number;
  readonly steps: number;
  readonly epochs: number;
  readonly seconds: number;
  readonly stepMilliseconds: number;
  readonly engine: string;
}

const measuredSteps = 4;

/** Builds everything, times a few steps and says how long the run would take. */
export async function estimateTraining(config: Config, data: string): Promise<TrainingEstimate> {
  const plan = planTraining(config);
  const trainSet = await openDataset(await resolveSplit(data, 'train'), { requireMasks: true });
  const validationSet = await openDataset(await resolveSplit(data, 'val'), { requireMasks: true });
  if (trainSet.items.length < config.train.batchSize) {
    throw new FaceparseError(
      `a batch of ${config.train.batchSize} cannot be filled from ${trainSet.items.length} pairs; lower train.batchSize`,
      { exitCode: 2 },
    );
  }
  const engine = await selectEngine(config.engine);
  const { graph } = plan.step;
  const program = await engine.compile(graph);
  const inputs = noiseInputs(graph, plan.labelSet.classes.length, config.train.seed);
  const times: number[] = [];
  try {
    for (let step = 0; step < measuredSteps; step++) {
      const start = performance.now();
      await program.run(inputs);
      times.push(performance.now() - start);
    }
  } finally {
    await program.dispose();
  }
  // The first step also sets up memory.
  const stepMilliseconds = median(times.slice(1));
  const stepsPerEpoch = Math.floor(trainSet.items.length / config.train.batchSize);
  const { minutes, epochs } = config.train;
  const steps = minutes
    ? Math.round((minutes * 60_000) / stepMilliseconds)
    : Math.max(1, Math.round(epochs * stepsPerEpoch));
  return {
    parameters: plan.parameters,
    gigaMultiplyAccumulates: plan.gigaMultiplyAccumulates,
    trainingPairs: trainSet.items.length,
    validationPairs: validationSet.items.length,
    stepsPerEpoch,
    steps,
    epochs: steps / Math.max(1, stepsPerEpoch),
    seconds: (steps * stepMilliseconds) / 1000,
    stepMilliseconds,
    engine: `${engine.name} on ${engine.device}`,
  };
}
