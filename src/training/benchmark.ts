import type { Config } from '../config/schema.ts';
import type { Engine, Values } from '../engine/engine.ts';
import { freezeForInference } from '../engine/freeze-for-inference.ts';
import { NativeProgram, type ProfiledStep } from '../engine/native/native-engine.ts';
import { Graph, type InputAttributes, sizeOf } from '../graph/graph.ts';
import { resize } from '../graph/ops/resize.ts';
import { median } from '../metrics/median.ts';
import { Random } from '../random/random.ts';
import { finalResolution, planTraining, type TrainingPlan } from './plan.ts';

export interface BenchmarkOptions {
  readonly config: Config;
  readonly engine: Engine;
  /** Training steps that are timed, after some that are not. */
  readonly steps: number;
  /** Side of the one image that inference is timed with; 0 leaves inference out. */
  readonly inferenceSize: number;
  /** Whether the time of every operation is taken too; the native engine only. */
  readonly profile: boolean;
  readonly onProgress?: (done: number, total: number) => void;
}

/** Times in milliseconds; medians. */
export interface BenchmarkResult {
  readonly parameters: number;
  readonly stepMilliseconds: number;
  readonly inferenceMilliseconds?: number;
  /** Most memory that the process has taken, in MiB. */
  readonly peakMebibytes: number;
  readonly trainingProfile?: readonly ProfiledStep[];
  readonly inferenceProfile?: readonly ProfiledStep[];
}

const warmupSteps = 3;
const inferenceRuns = 20;
const profiledRuns = 5;

/** Inputs that a network could meet: noise, not zeros, since numbers that vanish are slow; labels of all classes. */
export function noiseInputs(graph: Graph, classes: number, seed: number): Values {
  const random = new Random(seed, 'noise inputs');
  const inputs: Values = {};
  for (const [name, tensor] of graph.inputs) {
    const { random: source } = tensor.node.attributes as InputAttributes;
    const length = sizeOf(tensor.shape);
    if (tensor.dtype === 'int32') inputs[name] = Int32Array.from({ length }, () => random.integer(classes));
    else if (source)
      inputs[name] = Float32Array.from({ length }, () => (random.chance(source.keep) ? 1 / source.keep : 0));
    // Learning rate and decay of the average are scalars.
    else inputs[name] = Float32Array.from({ length }, () => (length === 1 ? 1e-4 : random.uniform(-1, 1)));
  }
  return inputs;
}

/** Times training steps and inference of a configuration's network on made-up images. */
export async function benchmark(options: BenchmarkOptions): Promise<BenchmarkResult> {
  const { config, inferenceSize, steps, onProgress } = options;
  const plan = planTraining(config);
  const total = warmupSteps + steps + (inferenceSize > 0 ? warmupSteps + inferenceRuns : 0);
  let done = 0;
  const tick = () => onProgress?.(++done, total);
  const training = await timeTraining(plan, options, tick);
  const inference = inferenceSize > 0 ? await timeInference(plan, training.states, options, tick) : undefined;
  return {
    parameters: plan.parameters,
    stepMilliseconds: training.milliseconds,
    ...(inference && { inferenceMilliseconds: inference.milliseconds }),
    peakMebibytes: Math.round(process.resourceUsage().maxRSS / 1024),
    ...(training.profile && { trainingProfile: training.profile }),
    ...(inference?.profile && { inferenceProfile: inference.profile }),
  };
}

interface Timing {
  readonly milliseconds: number;
  readonly profile?: readonly ProfiledStep[];
}

async function timeGraph(
  graph: Graph,
  inputs: Values,
  runs: number,
  { engine, profile }: BenchmarkOptions,
  tick: () => void,
  finish?: (program: Awaited<ReturnType<Engine['compile']>>) => Promise<void>,
): Promise<Timing> {
  const program = await engine.compile(graph);
  try {
    const times: number[] = [];
    for (let run = 0; run < warmupSteps + runs; run++) {
      const start = performance.now();
      await program.run(inputs);
      times.push(performance.now() - start);
      tick();
    }
    await finish?.(program);
    const milliseconds = median(times.slice(warmupSteps));
    if (!profile || !(program instanceof NativeProgram)) return { milliseconds };
    await program.profile(true);
    for (let run = 0; run < profiledRuns; run++) await program.run(inputs);
    return { milliseconds, profile: await program.profile(false) };
  } finally {
    await program.dispose();
  }
}

async function timeTraining(plan: TrainingPlan, options: BenchmarkOptions, tick: () => void) {
  const { graph } = finalResolution(plan).step;
  const inputs = noiseInputs(graph, plan.labelSet.classes.length, options.config.train.seed);
  let states = new Map<string, Float32Array>();
  const timing = await timeGraph(graph, inputs, options.steps, options, tick, async (program) => {
    states = await program.readStates([...plan.inferenceStates]);
  });
  return { ...timing, states };
}

/** One image, as a parser runs it: weights are constants, logits brought to the size of the image. */
function timeInference(
  { model, labelSet }: TrainingPlan,
  states: ReadonlyMap<string, Float32Array>,
  options: BenchmarkOptions,
  tick: () => void,
): Promise<Timing> {
  const { inferenceSize, config } = options;
  const graph = new Graph();
  const image = graph.input('image', [1, 3, inferenceSize, inferenceSize]);
  const { logits } = model.build(image, { training: false });
  graph.output('logits', resize(logits, inferenceSize, inferenceSize));
  const inputs = noiseInputs(graph, labelSet.classes.length, config.train.seed);
  return timeGraph(freezeForInference(graph, states), inputs, inferenceRuns, options, tick);
}
