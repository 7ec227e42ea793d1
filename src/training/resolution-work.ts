import type { BatchLoader } from '../data/batches/batch-loader.ts';
import type { Engine } from '../engine/engine.ts';
import type { Graph } from '../graph/graph.ts';
import type { TrainingResolution } from './plan.ts';
import { StepRunner } from './step-runner.ts';
import type { StepEntry } from './training-step.ts';

/** What the part of a run at one resolution works with. */
interface ActiveResolution {
  readonly resolution: TrainingResolution;
  readonly runner: StepRunner;
  readonly loader: BatchLoader;
}

/** Holds the program and the batches of the resolution that a run is in, and carries the states from resolution to resolution. */
export class ResolutionWork {
  private active?: ActiveResolution;

  constructor(
    private readonly engine: Engine,
    private readonly openLoader: (resolution: TrainingResolution, startStep: number) => BatchLoader,
    /** Weight of each class in the cross-entropy; all 1 where not given. */
    private readonly classWeights?: readonly number[],
  ) {}

  /** The resolution that was entered last. */
  get current(): ActiveResolution {
    return this.active!;
  }

  /**
   * Gets ready for the steps at a resolution from `startStep` on; nothing happens where the run is at that resolution already.
   *
   * @param states what the program starts from; those of the resolution before, or the initial ones, where not given
   */
  async enter(
    resolution: TrainingResolution,
    startStep: number,
    states?: ReadonlyMap<string, Float32Array>,
  ): Promise<ActiveResolution> {
    if (this.active?.resolution === resolution) return this.active;
    const carried = states ?? (await this.active?.runner.readStates());
    // Before the next one is made: two programs take twice the memory.
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
