import type { EntryProgram, Values } from '../../engine/engine.ts';
import { type Graph, type InputAttributes, sizeOf } from '../../graph/graph.ts';
import { Random } from '../../random/random.ts';
import { takeSums } from './step-sums.ts';
import type { StepEntry, TrainingStep } from './training-step.ts';

/** Settings of a step besides the images. */
export interface StepSettings {
  /** Number of earlier steps. */
  readonly step: number;
  readonly seed: number;
  readonly learningRate: number;
  /** Set if a moving average is kept. */
  readonly averageDecay?: number;
}

/** The images and labels of a step, from the batch loader. */
export interface StepBatch {
  readonly images: Float32Array;
  readonly labels: Int32Array;
}

/** The entries in the order in which one step runs them. */
export function entriesOfStep({ entries, accumulate }: TrainingStep): readonly StepEntry[] {
  if (entries.step) return ['step'];
  return [...Array.from({ length: accumulate }, () => 'accumulate' as const), 'update'];
}

/** Runs training steps, with or without gradient accumulation. */
export class StepRunner {
  constructor(
    private readonly program: EntryProgram<StepEntry>,
    private readonly step: TrainingStep,
    /** Weight of each class in losses that are means over pixels; default: all 1. */
    private readonly classWeights?: readonly number[],
  ) {}

  /** Runs one step on a batch of `step.images` images. Read its losses with `takeSums`. */
  async run(batch: StepBatch, settings: StepSettings): Promise<void> {
    const { accumulate, entries } = this.step;
    const rates: Values = { learningRate: Float32Array.of(settings.learningRate) };
    if (settings.averageDecay !== undefined) rates.averageDecay = Float32Array.of(settings.averageDecay);
    if (entries.step) {
      const random = randomInputs(entries.step, settings, 0);
      await this.program.run('step', { image: batch.images, labels: batch.labels, ...rates, ...random }, []);
      return;
    }
    const parts = Array.from({ length: accumulate }, (_, part) => ({
      image: partOf(batch.images, part, accumulate),
      labels: partOf(batch.labels, part, accumulate),
    }));
    const weights = parts.map(({ labels }) => this.weightOf(labels));
    const total = weights.reduce((sum, weight) => sum + weight, 0);
    for (const [part, inputs] of parts.entries()) {
      const pixelShare = Float32Array.of(total > 0 ? weights[part] / total : 0);
      const keep = Float32Array.of(part === 0 ? 0 : 1);
      const random = randomInputs(entries.accumulate!, settings, part);
      await this.program.run('accumulate', { ...inputs, pixelShare, keep, ...random }, []);
    }
    await this.program.run('update', rates, []);
  }

  /** The sums of the losses and gradient norms of the steps since the last call, by name. */
  takeSums(): Promise<Map<string, number>> {
    return takeSums(this.program, this.step.sums);
  }

  /** Copies of states; default: all on which the next step depends. */
  readStates(names: readonly string[] = [...this.step.states.keys()]): Promise<Map<string, Float32Array>> {
    return this.program.readStates(names);
  }

  dispose(): Promise<void> {
    return this.program.dispose();
  }

  /** The divisor of a mean over pixels that are not ignored. */
  private weightOf(labels: Int32Array): number {
    const { classWeights } = this;
    const { classes } = this.step;
    let sum = 0;
    for (const label of labels) {
      if (label >= 0 && label < classes) sum += classWeights ? classWeights[label] : 1;
    }
    return sum;
  }
}

function partOf<Values extends Float32Array | Int32Array>(values: Values, part: number, parts: number): Values {
  const length = values.length / parts;
  return values.subarray(part * length, (part + 1) * length) as Values;
}

/** Values of random inputs: a function of the seed, the step and the batch within it. */
function randomInputs(graph: Graph, { seed, step }: StepSettings, part: number): Values {
  const values: Values = {};
  for (const [name, input] of graph.inputs) {
    const { random } = input.node.attributes as InputAttributes;
    if (!random) continue;
    const generator = new Random(seed, 'random input', name, step, ...(part > 0 ? [part] : []));
    const kept = 1 / random.keep;
    values[name] = Float32Array.from({ length: sizeOf(input.shape) }, () => (generator.chance(random.keep) ? kept : 0));
  }
  return values;
}
