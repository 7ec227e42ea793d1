import { readFile } from 'node:fs/promises';
import { setImmediate } from 'node:timers/promises';
import type { Config } from '../config/schema.ts';
import { type Batch, requireRoomForBatches } from '../data/batches/batch-loader.ts';
import { type Dataset, openDataset, resolveSplit } from '../data/dataset/dataset.ts';
import type { TrainingSet } from '../data/dataset/folds.ts';
import type { Engine } from '../engine/engine.ts';
import { selectEngine } from '../engine/select-engine.ts';
import { writeFileAtomic } from '../files/atomic-write.ts';
import { exists } from '../files/path-kind.ts';
import { stateAttributes } from '../graph/graph.ts';
import type { ScoreSummary } from '../metrics/face-score.ts';
import { decodeWeights, type Weights } from '../models/weights-file.ts';
import type { WeightsOrigin } from '../models/weights-origin.ts';
import { averageDecayAt, averageState, unpackAverage } from '../optim/moving-average.ts';
import { learningRateAt } from '../optim/schedule.ts';
import { requirePackages } from '../packages/optional-packages.ts';
import { FaceparseError } from '../text/errors.ts';
import { checkLabelledPixels, checkValidationSet, countRepairs, describeRepairs } from './check-data.ts';
import { type Checkpoint, requireFinite } from './checkpoint.ts';
import {
  describeChanges,
  findChanges,
  hasSameValidation,
  positionAt,
  readEarlierPart,
} from './earlier-run/earlier-part.ts';
import { findCheckpoint } from './earlier-run/find-checkpoint.ts';
import { loadInitialWeights } from './earlier-run/initial-weights.ts';
import { requirePossible } from './earlier-run/setting-changes.ts';
import { statesAtStart } from './earlier-run/states-at-start.ts';
import {
  finalResolution,
  planForPairs,
  planTraining,
  resolutionAt,
  type TrainingPlan,
  type TrainingResolution,
  workDone,
} from './plan.ts';
import { describeData, describeEnvironment, type ResumedWith } from './record/environment.ts';
import { claimRun } from './record/run-claim.ts';
import { type RunFolder, requireNewRun, runFolder } from './record/run-folder.ts';
import { RunProgress, stepsInEpochs } from './record/run-progress.ts';
import { loadTrainingImages, openResolutionBatches } from './resolution-batches.ts';
import { ResolutionWork } from './resolution-work.ts';
import { batchImage, validationImage } from './run-images.ts';
import { RunSaver } from './run-saver.ts';
import { RunValidator, type Validation } from './run-validation.ts';
import { startNotices } from './start-notices.ts';
import { describeInfinity } from './step/step-sums.ts';
import { storedConfig } from './stored-config.ts';
import type { BestScores, TrainingProgress, TrainOptions, TrainResult } from './train-options.ts';
import { describeHeldOut, openTrainingSet } from './training-set.ts';

/** Steps between lines of metrics.csv; the end of the run adds one too. */
const stepsPerLine = 20;

/** Steps between readings of the loss, which stall a device. */
const stepsPerCheck = 5;

/**
 * Trains a network, from scratch or from given weights (`train.init`), and writes a run folder: configuration, environment,
 * metrics, weights, checkpoint, curves and images.
 *
 * A run measured in epochs is a function of its configuration, data, engine and thread count, even if it is stopped or killed
 * and resumed. A run measured in minutes depends on the speed of the machine. A run that was killed before its first checkpoint
 * restarts. Other settings or data of a resumed run apply from its next step on and are recorded with it.
 *
 * @throws FaceparseError for a missing package, bad data, a run folder that exists or is in use, a change that a resumed run
 *   cannot make, initial weights or a checkpoint that do not match, or a loss that is not finite
 */
export async function train(options: TrainOptions): Promise<TrainResult> {
  const { data, resume = false } = options;
  // For the curves: check before training, not when they are first drawn.
  requirePackages('training', ['echarts']);
  const planned = planTraining(options.config);
  const trainSet = await openTrainingSet(data, options.config);
  const validationSet = await openDataset(await resolveSplit(data, 'val'), { requireMasks: true });
  const { config, plan, notice } = planForPairs(options.config, planned, trainSet.items.length);
  for (const line of [describeHeldOut(trainSet), notice]) if (line !== undefined) options.onNotice?.(line);
  const engine = await selectEngine(config.engine);
  const folder = runFolder(options.run);
  if (resume) requirePossible(await storedConfig(folder.path), config, folder.path);
  else await requireNewRun(folder.path);
  return new TrainingSession({ ...options, config }, plan, folder, trainSet, validationSet, engine).run();
}

class TrainingSession {
  private readonly config: Config;
  private readonly progress: RunProgress;
  private readonly validator: RunValidator;
  private work!: ResolutionWork;
  private saver!: RunSaver;
  private origin!: WeightsOrigin;
  private last?: ScoreSummary;
  /** The last step whose loss has been read. */
  private checked = 0;

  constructor(
    private readonly options: TrainOptions,
    private readonly plan: TrainingPlan,
    private readonly folder: RunFolder,
    private readonly trainSet: TrainingSet,
    private readonly validationSet: Dataset,
    private readonly engine: Engine,
  ) {
    this.config = options.config;
    this.progress = new RunProgress(this.config, trainSet.items.length);
    this.validator = new RunValidator(engine, this.config, validationSet, trainSet);
  }

  /** Sets up, trains and releases everything. */
  async run(): Promise<TrainResult> {
    const { options, folder } = this;
    let release = options.resume ? await claimRun(folder.path) : undefined;
    try {
      const checkpoint = options.resume ? await findCheckpoint(folder, finalResolution(this.plan).step) : undefined;
      if (release && !checkpoint) this.notify(`${folder.path} was stopped before its first checkpoint; it restarts`);
      await this.open(checkpoint);
      release ??= await claimRun(folder.path);
      const end = await this.loop();
      const best = end === 'over' ? await this.scoreBest() : undefined;
      const earlyStop = this.progress.isOver ? undefined : this.saver.earlyStop;
      const { step: steps, seconds } = this.progress;
      const scores = { bestF: this.saver.best.f, ...(this.last && { last: this.last }), ...(best && { best }) };
      return {
        run: folder,
        steps,
        seconds,
        interrupted: end === 'interrupted',
        paused: end === 'paused',
        earlyStop,
        ...scores,
      };
    } finally {
      await this.work?.close();
      await release?.();
    }
  }

  /** Checks and reads the data, and prepares the engine and the folder. */
  private async open(checkpoint: Checkpoint | undefined): Promise<void> {
    const { config, folder, options, plan, progress } = this;
    const earlier = checkpoint && (await readEarlierPart(folder, checkpoint.step));
    const initial = earlier ? undefined : await loadInitialWeights(config, plan.model);
    this.origin = earlier?.environment.origin ?? initial?.origin ?? { kind: 'random', seed: config.train.seed };
    if (checkpoint && earlier) {
      progress.continueFrom(positionAt(checkpoint, earlier));
    }
    this.checked = progress.step;
    const secondsSoFar = earlier && progress.seconds;
    this.notify(...startNotices(config, { initial, validations: progress.validations, secondsSoFar }));
    // Before the engine is set up: finding bad data is faster.
    await checkValidationSet(this.validationSet, plan.labelSet, options.signal);
    for (const { preprocessing, labelSize } of plan.resolutions) {
      requireRoomForBatches({ ...config.train, size: preprocessing.size, labelSize, workers: config.data.workers });
    }
    const decoded = await loadTrainingImages(this.trainSet, config, {
      ...(options.images && { images: options.images }),
      ...(options.signal && { signal: options.signal }),
      onProgress: (done, total) => this.report({ phase: 'load', progress: done / total }),
    });
    const trainingData = describeData(this.trainSet, countRepairs(decoded));
    const validationData = describeData(this.validationSet);
    this.notify(describeRepairs(trainingData), checkLabelledPixels(decoded, this.trainSet.folder));
    const current = { config, trainingData, validationData };
    const changed = earlier ? findChanges(earlier, current) : {};
    const openLoader = (resolution: TrainingResolution, start: number) =>
      openResolutionBatches(decoded, config, resolution, start);
    this.work = new ResolutionWork(this.engine, openLoader, config.loss.classWeights);
    const first = this.firstResolution(checkpoint, changed);
    await this.work.enter(first, progress.place, statesAtStart(first.step, { checkpoint, changed, initial }));
    const environment = describeEnvironment({
      config,
      engine: this.engine,
      trainingData,
      validationData,
      parameters: plan.parameters,
      origin: this.origin,
      ...(initial?.run && { initialRun: initial.run }),
    });
    const run = { folder, config, plan, progress, work: this.work };
    // Bad data must not leave the folder of a run that never started.
    this.saver = await (checkpoint && earlier
      ? RunSaver.reopen(run, checkpoint, environment, { changed, isComparable: hasSameValidation(earlier, current) })
      : RunSaver.begin(run, environment, options.resume === true));
    this.notify(...describeChanges(changed, earlier, progress.step));
    if (changed.changes && !progress.isOver && !this.saver.earlyStop)
      this.notify(`the learning rate continues at ${this.learningRate.toPrecision(3)}`);
    if (checkpoint && this.saver.isValidated) await this.repeatSaving();
  }

  /** The resolution at which the run starts or goes on. */
  private firstResolution(checkpoint: Checkpoint | undefined, { changes }: ResumedWith): TrainingResolution {
    const { resolutions } = this.plan;
    const stored = changes ? undefined : resolutions[checkpoint?.record?.resolution ?? -1];
    return stored ?? resolutionAt(resolutions, this.progress.share);
  }

  private notify(...lines: readonly (string | undefined)[]): void {
    for (const line of lines) if (line !== undefined) this.options.onNotice?.(line);
  }

  private report(progress: Pick<TrainingProgress, 'phase' | 'progress'> & Partial<TrainingProgress>): void {
    this.options.onProgress?.({ step: this.progress.step, epoch: 0, ...progress });
  }

  /**
   * Trains until the run ends. The clock is read at the end of each step and not again before the next, so a run by the clock
   * knows at its last step that it must complete a line of metrics.
   *
   * @returns how it ended
   */
  private async loop(): Promise<'over' | 'interrupted' | 'paused'> {
    const { progress, saver, options } = this;
    progress.startClock();
    const timeLeft = this.timeLeft();
    for (;;) {
      if (this.isValidationDue() && (await this.validate())) return 'interrupted';
      if (progress.isOver || saver.earlyStop) return 'over';
      if (this.isPauseDue()) return 'paused';
      const learningRate = await this.trainStep();
      const lineDue = progress.step % stepsPerLine === 0 || this.isEndOfInterval() || progress.isOver;
      if (lineDue || progress.step % stepsPerCheck === 0) await this.checkLoss(learningRate);
      const { loss } = saver.window;
      const report = { progress: this.done, epoch: progress.epoch, learningRate, ...(loss !== undefined && { loss }) };
      this.report({ phase: 'train', ...report, ...timeLeft() });
      if (lineDue) saver.addLine(learningRate);
      // An engine may compute on this thread; let signals and progress run here.
      await setImmediate();
      if (options.signal?.aborted) {
        await saver.stop(await this.currentWeights(), learningRate);
        return 'interrupted';
      }
      await saver.checkpointIfDue();
    }
  }

  /** Whether a validation follows this step. */
  private isEndOfInterval(): boolean {
    return this.progress.step > 0 && this.progress.place % this.progress.stepsPerValidation === 0;
  }

  /** Repeats a validation that was missed because the run was stopped before it, so that the best weights stay the same. */
  private isValidationDue(): boolean {
    return (this.isEndOfInterval() || this.progress.isOver) && !this.saver.isValidated;
  }

  /** Whether the run pauses here. A validation has just been saved, so a resumed run goes on as if it had not paused. */
  private isPauseDue(): boolean {
    const { until } = this.options;
    if (until === undefined || !this.saver.isValidated) return false;
    return this.progress.place >= stepsInEpochs(until, this.progress.stepsPerEpoch);
  }

  /** The learning rate of the next step. */
  private get learningRate(): number {
    return learningRateAt(this.progress.share, this.config.train, this.saver.reduction);
  }

  /** Makes one optimiser step. @returns its learning rate */
  private async trainStep(): Promise<number> {
    const { plan, progress, saver } = this;
    const { train } = this.config;
    const { share, step, place } = progress;
    const next = resolutionAt(plan.resolutions, share);
    // Running out of memory at the next resolution must not lose the weights.
    if (next !== this.work.current.resolution) await saver.checkpoint();
    const { resolution, runner, loader } = await this.work.enter(next, place);
    const batch = await loader.next();
    const { learningRate } = this;
    const averageDecay = averageDecayAt(step, train.averageDecay);
    const settings = { step, seed: train.seed, learningRate, ...(plan.average && { averageDecay }) };
    await runner.run(batch, settings);
    if (step === 0) await this.writeBatchImage(batch, resolution);
    progress.step++;
    saver.window.add(batch.count);
    progress.readClock();
    return learningRate;
  }

  /** Reads the losses of the steps since the last call. @throws FaceparseError if they are not finite */
  private async checkLoss(learningRate: number): Promise<void> {
    const { step } = this.progress;
    const sums = await this.saver.readSums();
    const from = this.checked + 1;
    this.checked = step;
    const fault = describeInfinity(sums, from, step, learningRate);
    if (fault === undefined) return;
    await this.saver.saveMetrics();
    throw new FaceparseError(fault);
  }

  /** Elapsed fraction of the run's time, 0 to 1; an estimate for display if there are several resolutions. */
  private get done(): number {
    const { share } = this.progress;
    return this.config.train.minutes ? Math.min(1, share) : workDone(this.plan.resolutions, share);
  }

  /** Estimates the time left from the progress since this call. */
  private timeLeft(): () => { secondsLeft: number } {
    const { seconds: before } = this.progress;
    const { done: doneBefore } = this;
    return () => {
      const { done } = this;
      return { secondsLeft: ((this.progress.seconds - before) * (1 - done)) / (done - doneBefore) };
    };
  }

  private async writeBatchImage(batch: Batch, { preprocessing, labelSize }: TrainingResolution): Promise<void> {
    const image = await batchImage(batch, preprocessing, labelSize, this.plan.labelSet);
    await writeFileAtomic(this.folder.batchImage, image);
  }

  /** The weights for inference: the moving average if there is one. */
  private async currentWeights(): Promise<Weights> {
    const { resolution, runner } = this.work.current;
    const { networkStates } = resolution.step;
    const all = this.plan.average
      ? unpackAverage(networkStates, (await runner.readStates([averageState])).get(averageState)!)
      : await runner.readStates(networkStates.map((state) => stateAttributes(state).name));
    // Auxiliary heads are for training only.
    const states = new Map([...all].filter(([name]) => this.plan.inferenceStates.has(name)));
    const { data } = this.config;
    const { name: model, settings } = this.plan.model;
    const notes = { run: this.folder.name, step: String(this.progress.step), average: String(this.plan.average) };
    const { preprocessing } = resolution;
    return { model, settings, labels: data.labels, preprocessing, origin: this.origin, states, notes };
  }

  /** Scores the weights and saves everything. @returns whether it was interrupted, after saving the current state */
  private async validate(): Promise<boolean> {
    const { options, plan, progress, saver, validator } = this;
    const weights = await this.currentWeights();
    requireFinite(weights.states, progress.step);
    let scored: Validation;
    try {
      scored = await validator.validate(weights, this.work.current.resolution.labelSize, this.scoring());
    } catch (error) {
      if (!options.signal?.aborted) throw error;
      await saver.stop(weights);
      return true;
    }
    // Validations count towards the length of a run measured in minutes.
    progress.readClock();
    this.last = scored.summary;
    const { trainF, staleValidations } = saver.addValidation(scored);
    await saver.checkpoint();
    await saver.saveValidation(weights, await validationImage(scored.shown, plan.labelSet));
    const { f: bestF, step: bestStep } = saver.best;
    const scores = {
      valF: scored.summary.fPerImage,
      bestF,
      bestStep,
      valLoss: scored.loss,
      ...(trainF !== undefined && { trainF }),
      ...(staleValidations !== undefined && { staleValidations }),
    };
    this.report({ phase: 'validate', progress: 1, epoch: progress.epoch, ...scores });
    return false;
  }

  /** The scores of the best weights. If an earlier part of the run scored them, they are scored again. */
  private async scoreBest(): Promise<BestScores | undefined> {
    const { folder, options, saver } = this;
    const { best } = saver;
    const { epoch } = this.progress;
    if (best.summary) return { step: best.step, epoch: saver.epochAt(best.step) ?? epoch, summary: best.summary };
    if (!(await exists(folder.bestWeights))) return undefined;
    const weights = decodeWeights(await readFile(folder.bestWeights), folder.bestWeights);
    const step = Number(weights.notes?.step);
    try {
      return {
        step,
        epoch: saver.epochAt(step) ?? epoch,
        summary: await this.validator.score(weights, this.scoring()),
      };
    } catch (error) {
      // Everything is saved, so only these scores are missing.
      if (options.signal?.aborted) return undefined;
      throw error;
    }
  }

  /** Repeats the saving after a validation's checkpoint, because a kill may have prevented it. */
  private async repeatSaving(): Promise<void> {
    const weights = await this.currentWeights();
    const shown = await this.validator.show(weights, this.scoring());
    await this.saver.saveValidation(weights, await validationImage(shown, this.plan.labelSet));
  }

  private scoring() {
    const { epoch } = this.progress;
    const onProgress = (progress: number) => this.report({ phase: 'validate', progress, epoch });
    return { signal: this.options.signal, onProgress };
  }
}
