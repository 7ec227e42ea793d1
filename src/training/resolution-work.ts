import type { BatchLoader } from '../data/batches/batch-loader.ts';
import type { Engine } from '../engine/engine.ts';
import type { Graph } from '../graph/graph.ts';
import type { TrainingResolution } from './plan.ts';
import { StepRunner } from './step/step-runner.ts';
import type { StepEntry } from './step/training-step.ts';

/** The program and batches of one resolution. */
interface ActiveResolution {
  readonly resolution: TrainingResolution;
  readonly runner: StepRunner;
  readonly loader: BatchLoader;
}

/** Owns the program and batches of the current resolution, and transfers the states to the next one. */
export class ResolutionWork {
  private active?: ActiveResolution;

  constructor(
    private readonly engine: Engine,
    private readonly openLoader: (resolution: TrainingResolution, startStep: number) => BatchLoader,
    /** Weight of each class in the cross-entropy; default: all 1. */
    private readonly classWeights?: readonly number[],
  ) {}

  /** The current resolution. */
  get current(): ActiveResolution {
    return this.active!;
  }

  /**
   * Prepares the steps at a resolution from `startStep` on. Does nothing if the run is at that resolution.
   *
   * @param states initial states of the program; default: from the previous resolution, or the initial weights
   */
  async enter(
    resolution: TrainingResolution,
    startStep: number,
    states?: ReadonlyMap<string, Float32Array>,
  ): Promise<ActiveResolution> {
    if (this.active?.resolution === resolution) return this.active;
    const carried = states ?? (await this.active?.runner.readStates());
    // Before the next one is compiled: two programs take twice the memory.
    await this.close();
    const loader = this.openLoader(resolution, startStep);
    try {
      const { step } = resolution;
      const program = await this.engine.compileEntries(step.entries as Readonly<Record<StepEntry, Graph>>);
      this.active = { resolution, runner: new StepRunner(program, step, this.classWeights), loader };
      if (carried) await program.writeStates(carried);
      return this.active;
    } catch (error) {
      if (!this.active) await loader.close();
      throw error;
    }
  }

  async close(): Promise<void> {
    const { active } = this;
    delete this.active;
    await active?.loader.close();
    await active?.runner.dispose();
  }
}
