import type { BatchLoader } from '../data/batch-loader.ts';
import type { Engine, Program } from '../engine/engine.ts';
import type { TrainingStage } from './plan.ts';

/** What a stage of a run works with. */
interface ActiveStage {
  readonly stage: TrainingStage;
  readonly program: Program;
  readonly loader: BatchLoader;
}

/** Holds the program and the batches of the stage that a run is in, and carries the states from stage to stage. */
export class StageWork {
  private active?: ActiveStage;

  constructor(
    private readonly engine: Engine,
    private readonly openLoader: (stage: TrainingStage, startStep: number) => BatchLoader,
  ) {}

  /** The stage that was entered last. */
  get current(): ActiveStage {
    return this.active!;
  }

  /**
   * Gets ready for the steps of a stage from `startStep` on; nothing happens where the run is in that stage already.
   *
   * @param states what the program starts from; those of the stage before, or the initial ones, where not given
   */
  async enter(
    stage: TrainingStage,
    startStep: number,
    states?: ReadonlyMap<string, Float32Array>,
  ): Promise<ActiveStage> {
    if (this.active?.stage === stage) return this.active;
    const carried = states ?? (await this.active?.program.readStates());
    // Before the next one is made: two programs take twice the memory.
    await this.close();
    const loader = this.openLoader(stage, startStep);
    try {
      const program = await this.engine.compile(stage.step.graph);
      this.active = { stage, program, loader };
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
    await active?.program.dispose();
  }
}
