import { mkdir, readFile, rm } from 'node:fs/promises';
import { dirname } from 'node:path';
import { stringify as toYaml } from 'yaml';
import { runCurves } from '../charts/curves.ts';
import { parseConfig } from '../config/parse-config.ts';
import type { Config } from '../config/schema.ts';
import { writeError, writeFileAtomic } from '../files/atomic-write.ts';
import { buildFolder } from '../files/build-folder.ts';
import { exists } from '../files/path-kind.ts';
import type { StateOwner } from '../graph/graph.ts';
import { encodeWeights, type Weights } from '../models/weights-file.ts';
import { type Checkpoint, type RunRecord, requireFinite, saveCheckpoint } from './checkpoint.ts';
import { type RunEnvironment, recordResume, writeEnvironment } from './environment.ts';
import type { TrainingPlan } from './plan.ts';
import type { ResolutionWork } from './resolution-work.ts';
import { formatMetrics, MetricsLog, type RunFolder, readMetrics, runFolder } from './run-folder.ts';
import type { RunProgress } from './run-progress.ts';
import type { Validation } from './run-validation.ts';
import { StepWindow } from './step-window.ts';

/** What a run is, and where it stands; the saver reads it whenever it saves. */
export interface SavedRun {
  readonly folder: RunFolder;
  readonly config: Config;
  readonly plan: TrainingPlan;
  readonly progress: RunProgress;
  readonly work: ResolutionWork;
}

/**
 * Saves a run so that it can be killed at any moment.
 *
 * The checkpoint is what a resumed run goes by, and is saved first. It holds all that the other files are made of, so they
 * may lag behind it, or be ahead of it: `reopen` cuts back what is ahead, and `saveValidation`, done again, writes what a
 * kill has kept from being written. metrics.csv comes last: a validation that stands there has been saved whole.
 */
export class RunSaver {
  /** When the last checkpoint was saved. */
  private saved = performance.now();

  private constructor(
    private readonly run: SavedRun,
    private readonly log: MetricsLog,
    /** The steps since the last line of metrics. */
    readonly window: StepWindow,
    /** The best validation so far. */
    private best: { readonly f: number; readonly step: number },
  ) {}

  /**
   * Makes the folder of a new run, complete with configuration and environment.
   *
   * @param again in a folder that was claimed, of a run without a checkpoint; what there is of it is removed
   */
  static async begin(run: SavedRun, environment: RunEnvironment, again: boolean): Promise<RunSaver> {
    const { folder, config } = run;
    if (again) {
      for (const file of madeInTraining(folder)) await rm(file, { force: true });
      await writeOrigin(folder, config, environment);
    } else {
      await buildFolder(folder.path, (aside) => writeOrigin(runFolder(aside), config, environment));
    }
    return new RunSaver(run, MetricsLog.create(folder), new StepWindow(), { f: -1, step: -1 });
  }

  /** Goes on from a checkpoint; what has changed since is recorded. */
  static async reopen(run: SavedRun, checkpoint: Checkpoint, environment: RunEnvironment): Promise<RunSaver> {
    const { folder, config } = run;
    const { step, bestF, record = await recordOfVersion1(folder, step) } = checkpoint;
    const stored = parseConfig(await readFile(folder.config, 'utf8'), folder.config);
    // In this order: what is in force but not recorded is noticed by the next resume, the reverse is not.
    if (JSON.stringify(stored) !== JSON.stringify(config)) await writeFileAtomic(folder.config, toYaml(config));
    await recordResume(folder.environment, environment, step);
    const log = await MetricsLog.reopen(folder, record);
    return new RunSaver(run, log, new StepWindow(record.window), { f: bestF, step: record.bestStep });
  }

  /** F of the best validation so far, −1 before the first. */
  get bestF(): number {
    return this.best.f;
  }

  /** Whether the validation after the last step has been made. */
  get isValidated(): boolean {
    return this.log.lines.some(({ step, valF }) => step === this.run.progress.step && valF !== undefined);
  }

  /** Reads what the steps since the last call gave; gives back their sums. */
  async readSums(): Promise<ReadonlyMap<string, number>> {
    const sums = await this.run.work.current.runner.takeSums();
    this.window.addSums(sums);
    return sums;
  }

  /** Adds a line with the means since the last one. */
  addLine(learningRate: number): void {
    if (this.window.count === 0) return;
    const { step, epoch, seconds } = this.run.progress;
    this.log.add({ step, epoch, seconds, learningRate, ...this.window.take() });
  }

  /** Adds the line of a validation. */
  addValidation({ summary, loss, trainF }: Validation): void {
    const { step, epoch, seconds } = this.run.progress;
    const { fPerImage, macro, pixelAccuracy } = summary;
    const scores = { valF: fPerImage, valMacroIou: macro.withBackground.iou, valPixelAccuracy: pixelAccuracy };
    this.log.add({ step, epoch, seconds, ...scores, valLoss: loss, ...(trainF !== undefined && { trainF }) });
    if (fPerImage > this.best.f) this.best = { f: fPerImage, step };
  }

  /** Saves all that a resumed run needs, and nothing else. @throws FaceparseError where a state is not finite */
  async checkpoint(): Promise<void> {
    const { folder, plan, progress, work } = this.run;
    const { resolution, runner } = work.current;
    const { best, window } = this;
    const states = await runner.readStates();
    requireFinite(states, progress.step);
    const record = {
      bestStep: best.step,
      resolution: plan.resolutions.indexOf(resolution),
      window: window.state,
      ...(await this.log.saveEvents()),
    };
    const { step, seconds } = progress;
    await saveCheckpoint(folder.checkpoint, { step, seconds, bestF: best.f, record, states }, this.step);
    this.saved = performance.now();
  }

  /** Saves a checkpoint where the last one is older than `train.checkpointMinutes`. */
  async checkpointIfDue(): Promise<void> {
    const { checkpointMinutes } = this.run.config.train;
    if (checkpointMinutes === 0 || performance.now() - this.saved < checkpointMinutes * 60_000) return;
    await this.checkpoint();
    await this.log.save();
  }

  /** After the checkpoint of a validation: saves what follows from it. The same again gives the same files. */
  async saveValidation(weights: Weights, image: Buffer): Promise<void> {
    const { folder, progress } = this.run;
    if (this.best.step === progress.step) {
      const notes = { ...weights.notes, validationF: this.best.f.toFixed(4) };
      await this.saveWeights(folder.bestWeights, { ...weights, notes });
    }
    await this.saveWeights(folder.lastWeights, weights);
    await writeFileAtomic(folder.validationImage, image);
    await this.saveMetrics();
    this.window.restart();
  }

  /** Saves a run that is stopped on its way. */
  async stop(weights: Weights, learningRate?: number): Promise<void> {
    await this.checkpoint();
    await this.saveWeights(this.run.folder.lastWeights, weights);
    // This line is for readers. The checkpoint does not have it: a resumed run writes the lines of one that was not stopped.
    if (learningRate !== undefined) {
      await this.readSums();
      this.addLine(learningRate);
    }
    await this.saveMetrics();
  }

  /** Brings metrics and curves up to date. */
  async saveMetrics(): Promise<void> {
    await writeFileAtomic(this.run.folder.curves, await runCurves(this.log.lines));
    await this.log.save();
  }

  /** The states are the same in all resolutions. */
  private get step(): StateOwner {
    return this.run.plan.resolutions[0].step;
  }

  private async saveWeights(path: string, weights: Weights): Promise<void> {
    await writeFileAtomic(path, encodeWeights(weights, this.step));
  }
}

/** All that a run makes on its way but the checkpoint. */
function madeInTraining(folder: RunFolder): string[] {
  const { bestWeights, lastWeights, metrics, events, curves, batchImage, validationImage } = folder;
  return [bestWeights, lastWeights, metrics, events, curves, batchImage, validationImage];
}

async function writeOrigin(folder: RunFolder, config: Config, environment: RunEnvironment): Promise<void> {
  const weights = dirname(folder.lastWeights);
  await mkdir(weights, { recursive: true }).catch((cause) => {
    throw writeError(weights, cause);
  });
  await writeFileAtomic(folder.config, toYaml(config));
  await writeEnvironment(folder.environment, environment);
}

/** What a checkpoint of version 1 does not say, as far as it can be known. */
async function recordOfVersion1(folder: RunFolder, lastStep: number): Promise<RunRecord> {
  const lines = (await exists(folder.metrics)) ? await readMetrics(folder.metrics) : [];
  return {
    bestStep: -1,
    resolution: -1,
    metrics: formatMetrics(lines.filter(({ step }) => step <= lastStep)),
    eventBytes: Number.MAX_SAFE_INTEGER,
    window: new StepWindow().state,
  };
}
