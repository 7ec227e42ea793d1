import type { Config } from '../config/schema.ts';
import type { Engine, EntryProgram } from '../engine/engine.ts';
import { freezeForInference } from '../engine/freeze-for-inference.ts';
import { NativeEntryProgram, type ProfiledStep } from '../engine/native/native-engine.ts';
import { Graph, stateAttributes } from '../graph/graph.ts';
import { resize } from '../graph/ops/resize.ts';
import { median } from '../metrics/median.ts';
import { finalResolution, planTraining, type TrainingPlan } from './plan.ts';
import { stepWork, TimedProgram, type TimedWork } from './step/timed-program.ts';

export interface BenchmarkOptions {
  readonly config: Config;
  readonly engine: Engine;
  /** Number of training steps to time, after a warm-up; 0 skips training. */
  readonly steps: number;
  /** Side of the images for timing inference; 0 skips inference. */
  readonly inferenceSize: number;
  /** Number of images for timing inference; default 1. */
  readonly inferenceBatch?: number;
  /** Whether to time every operation as well (native engine only). */
  readonly profile: boolean;
  readonly onProgress?: (done: number, total: number) => void;
}

/** Median times in milliseconds. */
export interface BenchmarkResult {
  readonly parameters: number;
  readonly stepMilliseconds?: number;
  readonly inferenceMilliseconds?: number;
  /** Peak memory of the process in MiB. */
  readonly peakMebibytes: number;
  readonly trainingProfile?: readonly ProfiledStep[];
  readonly inferenceProfile?: readonly ProfiledStep[];
}

const warmupSteps = 3;
const inferenceRuns = 20;
const profiledRuns = 5;

/** Times training steps and inference of a configuration's network on random images. */
export async function benchmark(options: BenchmarkOptions): Promise<BenchmarkResult> {
  const { config, inferenceSize, steps, onProgress } = options;
  const plan = planTraining(config);
  const total = (steps > 0 ? warmupSteps + steps : 0) + (inferenceSize > 0 ? warmupSteps + inferenceRuns : 0);
  let done = 0;
  const tick = () => onProgress?.(++done, total);
  const training = steps > 0 ? await timeTraining(plan, options, tick) : undefined;
  const inference = inferenceSize > 0 ? await timeInference(plan, training?.states, options, tick) : undefined;
  return {
    parameters: plan.parameters,
    ...(training && { stepMilliseconds: training.milliseconds }),
    ...(inference && { inferenceMilliseconds: inference.milliseconds }),
    peakMebibytes: Math.round(process.resourceUsage().maxRSS / 1024),
    ...(training?.profile && { trainingProfile: training.profile }),
    ...(inference?.profile && { inferenceProfile: inference.profile }),
  };
}

interface Timing {
  readonly milliseconds: number;
  readonly profile?: readonly ProfiledStep[];
}

async function timeWork(
  work: TimedWork,
  turns: number,
  plan: TrainingPlan,
  { config, engine, profile }: BenchmarkOptions,
  tick: () => void,
  finish?: (program: EntryProgram) => Promise<void>,
): Promise<Timing> {
  const timed = await TimedProgram.compile(engine, work, {
    classes: plan.labelSet.classes.length,
    seed: config.train.seed,
  });
  const { program } = timed;
  try {
    const times = await timed.time(warmupSteps + turns, tick);
    await finish?.(program);
    const milliseconds = median(times.slice(warmupSteps));
    if (!profile || !(program instanceof NativeEntryProgram)) return { milliseconds };
    await program.profile(true);
    await timed.time(profiledRuns);
    const profiles = await program.profile(false);
    return { milliseconds, profile: work.order.flatMap((entry) => profiles[entry]) };
  } finally {
    await timed.dispose();
  }
}

async function timeTraining(plan: TrainingPlan, options: BenchmarkOptions, tick: () => void) {
  const { step } = finalResolution(plan);
  let states = new Map<string, Float32Array>();
  const timing = await timeWork(stepWork(step), options.steps, plan, options, tick, async (program) => {
    states = await program.readStates([...plan.inferenceStates]);
  });
  return { ...timing, states };
}

/** Inference as in a parser: weights are constants, by default the initial ones; logits are resized to the images. */
function timeInference(
  plan: TrainingPlan,
  states: ReadonlyMap<string, Float32Array> | undefined,
  options: BenchmarkOptions,
  tick: () => void,
): Promise<Timing> {
  const { inferenceSize, inferenceBatch = 1 } = options;
  const graph = new Graph();
  const image = graph.input('image', [inferenceBatch, 3, inferenceSize, inferenceSize]);
  const { logits } = plan.model.build(image, { training: false });
  graph.output('logits', resize(logits, inferenceSize, inferenceSize));
  const values = states ?? new Map([...graph.states].map(([name, state]) => [name, stateAttributes(state).initial()]));
  const work = { entries: { parse: freezeForInference(graph, values) }, order: ['parse'] };
  return timeWork(work, inferenceRuns, plan, options, tick);
}
