import type { Config } from '../config/schema.ts';
import { openDataset, resolveSplit } from '../data/dataset/dataset.ts';
import type { Engine, Values } from '../engine/engine.ts';
import { selectEngine } from '../engine/select-engine.ts';
import type { Graph } from '../graph/graph.ts';
import { median } from '../metrics/median.ts';
import { FaceparseError } from '../text/errors.ts';
import { noiseInputs } from './benchmark.ts';
import { planTraining } from './plan.ts';

/** What a run would be: measured on a few steps with random images, without touching the data. */
export interface TrainingEstimate {
  readonly parameters: number;
  readonly gigaMultiplyAccumulates: number;
  readonly trainingPairs: number;
  readonly validationPairs: number;
  readonly stepsPerEpoch: number;
  readonly steps: number;
  readonly epochs: number;
  readonly seconds: number;
  /** Of a step of the last resolution. */
  readonly stepMilliseconds: number;
  readonly engine: string;
}

const measuredSteps = 4;

/** Median milliseconds of a few steps. */
async function timeStep(engine: Engine, graph: Graph, inputs: Values): Promise<number> {
  const program = await engine.compile(graph);
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
  return median(times.slice(1));
}

/** Builds everything, times a few steps of every resolution and says how long the run would take. */
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
  const { minutes, epochs, seed } = config.train;
  const stepsPerEpoch = Math.floor(trainSet.items.length / config.train.batchSize);
  // A run by the clock divides its time among the resolutions, another one its steps.
  let steps = 0;
  let seconds = 0;
  let stepMilliseconds = 0;
  let from = 0;
  for (const { until, step } of plan.resolutions) {
    stepMilliseconds = await timeStep(engine, step.graph, noiseInputs(step.graph, plan.labelSet.classes.length, seed));
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
