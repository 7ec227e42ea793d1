import { readFile, rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { stringify as toYaml } from 'yaml';
import { runCurves } from '../charts/curves.ts';
import { parseRunConfig } from '../config/parse-config.ts';
import type { Config } from '../config/schema.ts';
import { writeFileAtomic } from '../files/atomic-write.ts';
import { buildFolder } from '../files/build-folder.ts';
import { makeFolder } from '../files/make-folder.ts';
import { exists } from '../files/path-kind.ts';
import type { StateOwner } from '../graph/graph.ts';
import type { ScoreSummary } from '../metrics/face-score.ts';
import { encodeWeights, type Weights } from '../models/weights-file.ts';
import { type Checkpoint, type RunRecord, requireFinite, saveCheckpoint } from './checkpoint.ts';
import type { TrainingPlan } from './plan.ts';
import { type ResumedWith, type RunEnvironment, recordResume, writeEnvironment } from './record/environment.ts';
import {
  formatMetrics,
  type MetricsLine,
  MetricsLog,
  type RunFolder,
  readMetrics,
  runFolder,
} from './record/run-folder.ts';
import type { RunProgress } from './record/run-progress.ts';
import type { ResolutionWork } from './resolution-work.ts';
import type { Validation } from './run-validation.ts';
import { describeEarlyStop, ScoreWatch } from './score-watch.ts';
import { StepWindow } from './step/step-window.ts';

/** How a resumed run differs from its earlier part. */
export interface ReopenedWith {
  /** To be recorded. */
  readonly changed: ResumedWith;
  /** Whether its scores can be compared with the earlier ones. */
  readonly isComparable: boolean;
}

/** The validation with the highest F (per image); of several, the first. Its weights are in best.safetensors. */
interface BestValidation {
  readonly f: number;
  readonly step: number;
  /** Absent if an earlier part of the run made the validation. */
  readonly summary?: ScoreSummary;
}

/** A run and its current state, read at every save. */
export interface SavedRun {
  readonly folder: RunFolder;
  readonly config: Config;
  readonly plan: TrainingPlan;
  readonly progress: RunProgress;
  readonly work: ResolutionWork;
}

/**
 * Saves a run in such a way that it can be killed at any moment.
 *
 * The checkpoint is saved first; a resumed run starts from it. It contains the source of all other files, so they may be
 * behind or ahead of it: `reopen` cuts back files that are ahead, and repeating `saveValidation` writes files that a kill
 * prevented. metrics.csv is written last: a validation listed there is completely saved.
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
    private current: BestValidation,
    private readonly watch: ScoreWatch,
  ) {}

  /**
   * Creates the folder of a new run with configuration and environment.
   *
   * @param again restart in a claimed folder without a checkpoint; existing files of the run are removed
   */
  static async begin(run: SavedRun, environment: RunEnvironment, again: boolean): Promise<RunSaver> {
    const { folder, config } = run;
    if (again) {
      for (const file of madeInTraining(folder)) await rm(file, { force: true });
      await writeOrigin(folder, config, environment);
    } else {
      await buildFolder(folder.path, (aside) => writeOrigin(runFolder(aside), config, environment));
    }
    return new RunSaver(run, MetricsLog.create(folder), new StepWindow(), noBest, new ScoreWatch(config.train));
  }

  /** Continues from a checkpoint and records changed conditions and settings. */
  static async reopen(
    run: SavedRun,
    checkpoint: Checkpoint,
    environment: RunEnvironment,
    { changed, isComparable }: ReopenedWith,
  ): Promise<RunSaver> {
    const { folder, config } = run;
    const { step, bestF, record = await recordOfVersion1(folder, step) } = checkpoint;
    const stored = parseRunConfig(await readFile(folder.config, 'utf8'), folder.config);
    // In this order: a record of a change that is not in force yet is dropped by the next resume, which is at the same step,
    // but a change in force without a record would stay unknown.
    await recordResume(folder.environment, environment, step, changed);
    if (JSON.stringify(stored) !== JSON.stringify(config)) await writeFileAtomic(folder.config, toYaml(config));
    const log = await MetricsLog.reopen(folder, record);
    // No line of metrics mixes steps of two settings, or steps with other sums.
    const window =
      Object.keys(changed).length > 0 || checkpoint.lacksSums ? new StepWindow() : new StepWindow(record.window);
    // Losses are comparable only if the loss is the same.
    const isSameLoss = !changed.changes?.some(({ key }) => key.startsWith('loss.'));
    const watch = new ScoreWatch(
      config.train,
      record.watch,
      (score) => isComparable && (score !== 'valLoss' || isSameLoss),
    );
    if (isComparable) return new RunSaver(run, log, window, { f: bestF, step: record.bestStep }, watch);
    await keepBestWeights(folder, step);
    return new RunSaver(run, log, window, noBest, watch);
  }

  /** The best validation so far; its F is −1 before the first. */
  get best(): BestValidation {
    return this.current;
  }

  /** The epoch of a validation. */
  epochAt(step: number): number | undefined {
    return this.log.lines.find((line) => line.step === step && line.valF !== undefined)?.epoch;
  }

  /** Factor of the learning rate, which a plateau of the watched score reduces. */
  get reduction(): number {
    return this.watch.reduction;
  }

  /** Why the run ends with the validation after the last step, if it stops early there. */
  get earlyStop(): string | undefined {
    const { progress, config } = this.run;
    const last = this.log.lines.at(-1);
    return last?.step === progress.step ? describeEarlyStop(last, config) : undefined;
  }

  /** Whether the validation after the last step is done. */
  get isValidated(): boolean {
    return this.log.lines.some(({ step, valF }) => step === this.run.progress.step && valF !== undefined);
  }

  /** Reads the sums of the steps since the last call. */
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

  /** Adds the line of a validation, which is the best so far only if its F is higher than all before. @returns the line */
  addValidation({ summary, loss, trainF }: Validation): MetricsLine {
    const { step, epoch, seconds } = this.run.progress;
    const { fPerImage, macro, pixelAccuracy } = summary;
    const scores = {
      valF: fPerImage,
      valMacroF1: macro.withBackground.f1,
      valMacroF1NoBackground: macro.withoutBackground.f1,
      valMacroIou: macro.withBackground.iou,
      valPixelAccuracy: pixelAccuracy,
      valLoss: loss,
    };
    const watched = this.watch.add(scores);
    const line = { step, epoch, seconds, ...scores, ...(trainF !== undefined && { trainF }), ...watched };
    this.log.add(line);
    if (fPerImage > this.best.f) this.current = { f: fPerImage, step, summary };
    return line;
  }

  /** Saves only what a resumed run needs. @throws FaceparseError if a state is not finite */
  async checkpoint(): Promise<void> {
    const { folder, plan, progress, work } = this.run;
    const { resolution, runner } = work.current;
    const { best, window } = this;
    const states = await runner.readStates();
    requireFinite(states, progress.step);
    const record = {
      bestStep: best.step,
      offset: progress.offset,
      stepsPerEpoch: progress.stepsPerEpoch,
      resolution: plan.resolutions.indexOf(resolution),
      ...(this.watch.state && { watch: this.watch.state }),
      window: window.state,
      ...(await this.log.saveEvents()),
    };
    const { step, seconds } = progress;
    await saveCheckpoint(folder.checkpoint, { step, seconds, bestF: best.f, record, states }, this.step);
    this.saved = performance.now();
  }

  /** Saves a checkpoint if the last one is older than `train.checkpointMinutes`. */
  async checkpointIfDue(): Promise<void> {
    const { checkpointMinutes } = this.run.config.train;
    if (checkpointMinutes === 0 || performance.now() - this.saved < checkpointMinutes * 60_000) return;
    await this.checkpoint();
    await this.log.save();
  }

  /** Saves all files that follow from the checkpoint of a validation. It is idempotent. */
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

  /** Saves a run that is interrupted. */
  async stop(weights: Weights, learningRate?: number): Promise<void> {
    await this.checkpoint();
    await this.saveWeights(this.run.folder.lastWeights, weights);
    // This line is for readers only. It is not in the checkpoint: a resumed run writes the same lines as an uninterrupted one.
    if (learningRate !== undefined) {
      await this.readSums();
      this.addLine(learningRate);
    }
    await this.saveMetrics();
  }

  /** Updates metrics and curves. */
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

/** The best validation before the first. */
const noBest: BestValidation = { f: -1, step: -1 };

/** All files of a run except the checkpoint. */
function madeInTraining(folder: RunFolder): string[] {
  const { bestWeights, lastWeights, metrics, events, curves, batchImage, validationImage } = folder;
  return [bestWeights, lastWeights, metrics, events, curves, batchImage, validationImage];
}

/** Keeps the best weights of the validations so far under another name, because the next validation has other images. */
async function keepBestWeights({ bestWeights }: RunFolder, step: number): Promise<void> {
  if (!(await exists(bestWeights))) return;
  const copy = join(dirname(bestWeights), `best-before-step-${step}.safetensors`);
  await writeFileAtomic(copy, await readFile(bestWeights));
}

async function writeOrigin(folder: RunFolder, config: Config, environment: RunEnvironment): Promise<void> {
  const weights = dirname(folder.lastWeights);
  await makeFolder(weights);
  await writeFileAtomic(folder.config, toYaml(config));
  await writeEnvironment(folder.environment, environment);
}

/** Values missing in checkpoints of version 1, as far as they can be determined. */
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
