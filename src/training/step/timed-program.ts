import type { Engine, EntryProgram, Values } from '../../engine/engine.ts';
import { type Graph, type InputAttributes, sizeOf } from '../../graph/graph.ts';
import { Random } from '../../random/random.ts';
import { entriesOfStep } from './step-runner.ts';
import type { TrainingStep } from './training-step.ts';

/** Entries to time, and how one turn runs them. */
export interface TimedWork {
  readonly entries: Readonly<Record<string, Graph>>;
  readonly order: readonly string[];
  /** Outputs to read after every run; default: all. */
  readonly outputs?: readonly string[];
}

/** A training step for timing: nothing is read after a step. */
export function stepWork(step: TrainingStep): TimedWork {
  return { entries: step.entries as Readonly<Record<string, Graph>>, order: entriesOfStep(step), outputs: [] };
}

/** Realistic inputs: noise, not zeros, because denormal numbers are slow; labels of all classes. */
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

/** A program that runs its work on noise repeatedly. */
export class TimedProgram {
  private constructor(
    readonly program: EntryProgram,
    private readonly work: TimedWork,
    private readonly inputs: Readonly<Record<string, Values>>,
  ) {}

  static async compile(
    engine: Engine,
    work: TimedWork,
    { classes, seed }: { readonly classes: number; readonly seed: number },
  ): Promise<TimedProgram> {
    const inputs = Object.fromEntries(
      Object.entries(work.entries).map(([name, graph]) => [name, noiseInputs(graph, classes, seed)]),
    );
    return new TimedProgram(await engine.compileEntries(work.entries), work, inputs);
  }

  /** Runs all work several times. @returns the milliseconds of each run */
  async time(turns: number, tick?: () => void): Promise<number[]> {
    const { order, outputs } = this.work;
    const times: number[] = [];
    for (let turn = 0; turn < turns; turn++) {
      const start = performance.now();
      for (const entry of order) await this.program.run(entry, this.inputs[entry], outputs);
      times.push(performance.now() - start);
      tick?.();
    }
    return times;
  }

  dispose(): Promise<void> {
    return this.program.dispose();
  }
}
