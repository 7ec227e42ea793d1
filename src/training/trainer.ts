import { mkdir } from 'node:fs/promises';
import { dirname } from 'node:path';
import { setImmediate } from 'node:timers/promises';
import { stringify as toYaml } from 'yaml';
import { runCurves } from '../charts/curves.ts';
import type { Config } from '../config/schema.ts';
import { type Batch, requireRoomForBatches } from '../data/batches/batch-loader.ts';
import { checkDataset } from '../data/dataset/check.ts';
import { type Dataset, openDataset, resolveSplit } from '../data/dataset/dataset.ts';
import { defaultThreads, selectEngine } from '../engine/select-engine.ts';
import { writeError, writeFileAtomic } from '../files/atomic-write.ts';
import { type Graph, stateAttributes } from '../graph/graph.ts';
import { celebamask19 } from '../labels/celebamask-19.ts';
import type { ScoreSummary } from '../metrics/face-score.ts';
import { encodeWeights, type Weights } from '../models/weights-file.ts';
import { averageState, unpackAverage } from '../optim/moving-average.ts';
import { learningRateAt } from '../optim/schedule.ts';
import { requirePackages } from '../packages/optional-packages.ts';
import { FaceParser } from '../parser/face-parser.ts';
import { FaceparseError } from '../text/errors.ts';
import { loadCheckpoint, requireFinite, saveCheckpoint } from './checkpoint.ts';
import { describeEnvironment, requireSameData } from './environment.ts';
import { evaluateParser, type ScoredImage } from './evaluation.ts';
import {
  drawRandomInputs,
  finalResolution,
  planTraining,
  resolutionAt,
  type TrainingPlan,
  type TrainingResolution,
  workDone,
} from './plan.ts';
import { loadTrainingImages, openResolutionBatches } from './resolution-batches.ts';
import { ResolutionWork } from './resolution-work.ts';
import { MetricsLog, type RunFolder, requireNewRun, runFolder } from './run-folder.ts';
import { batchImage, validationImage } from './run-images.ts';
import { StepWindow } from './step-window.ts';

/** What a run tells while it goes on. */
export interface TrainingProgress {
  readonly phase: 'load' | 'train' | 'validate';
  /** 0 to 1, of the phase. */
  readonly progress: number;
  readonly step: number;
  readonly epoch: number;
  readonly loss?: number;
  readonly learningRate?: number;
  readonly secondsLeft?: number;
  /** After a validation: its F (per image), and the best so far. */
  readonly valF?: number;
  readonly bestF?: number;
}

export interface TrainOptions {
  /** For a run that is resumed, what `storedConfig` gives. */
  readonly config: Config;
  /** Folder that holds train/ and val/. */
  readonly data: string;
  /** Folder of the run; it must not exist, unless the run is resumed. */
  readonly run: string;
  readonly resume?: boolean;
  /** Ends the run cleanly after the step that is under way. */
  readonly signal?: AbortSignal;
  readonly onProgress?: (progress: TrainingProgress) => void;
}

export interface TrainResult {
  readonly run: RunFolder;
  readonly steps: number;
  readonly seconds: number;
  readonly interrupted: boolean;
  readonly bestF: number;
  /** Scores of the last validation; undefined when the run was interrupted before one. */
  readonly last?: ScoreSummary;
}

/** A line in metrics.csv comes this often, in steps. */
const stepsPerLine = 20;

/**
 * Trains a network from scratch and keeps everything in a run folder: configuration, environment, metrics, weights,
 * checkpoint, curves and images.
 *
 * A run of so many epochs is a function of its configuration, data, engine and thread count; stopped and resumed it
 * gives the same weights. A run by the clock depends on how fast the machine is.
 *
 * @throws FaceparseError for a missing package, bad data, an existing run folder, a checkpoint that does not fit, a loss that is not finite
 */
export async function train(options: TrainOptions): Promise<TrainResult> {
  const { config, data, resume = false } = options;
  // For the curves, which are first drawn when there is something to lose.
  requirePackages('training', ['echarts']);
  const plan = planTraining(config);
  const trainSet = await openDataset(await resolveSplit(data, 'train'), { requireMasks: true });
  const validationSet = await openDataset(await resolveSplit(data, 'val'), { requireMasks: true });
  const engine = await selectEngine(config.engine);
  const run = runFolder(options.run);
  if (resume) await requireSameData(run.environment, trainSet);
  else await requireNewRun(options.run);
  const session = new TrainingSession(options, plan, run, trainSet, validationSet, engine);
  return session.run();
}

class TrainingSession {
  private readonly config: Config;
  private work!: ResolutionWork;
  private step = 0;
  private seconds = 0;
  private clockStart = 0;
  private bestF = -1;
  private log!: MetricsLog;
  private last?: ScoreSummary;

  constructor(
    private readonly options: TrainOptions,
    private readonly plan: TrainingPlan,
    private readonly folder: RunFolder,
    private readonly trainSet: Dataset,
    private readonly validationSet: Dataset,
    private readonly engine: Awaited<ReturnType<typeof selectEngine>>,
  ) {
    this.config = options.config;
  }

  async run(): Promise<TrainResult> {
    const { options, folder } = this;
    const checkpoint = options.resume ? await loadCheckpoint(folder.checkpoint, this.graph) : undefined;
    if (checkpoint) ({ step: this.step, seconds: this.seconds, bestF: this.bestF } = checkpoint);
    // Before the engine is set up, which takes longer than finding that the data are bad.
    await this.checkValidationSet();
    for (const { size, labelSize } of this.plan.resolutions) {
      requireRoomForBatches({ ...this.config.train, size, labelSize, workers: this.config.data.workers });
    }
    const decoded = await loadTrainingImages(this.trainSet, this.config, {
      ...(options.signal && { signal: options.signal }),
      onProgress: (done, total) => this.report({ phase: 'load', progress: done / total }),
    });
    this.work = new ResolutionWork(this.engine, (resolution, start) =>
      openResolutionBatches(decoded, this.config, resolution, start),
    );
    try {
      await this.work.enter(this.lastResolution(), this.step, checkpoint?.states);
      // Bad data must not leave the folder of a run that never began.
      if (checkpoint) this.log = await MetricsLog.reopen(folder, this.step);
      else await this.beginRun();
      const interrupted = await this.loop();
      const { step: steps, seconds, bestF, last } = this;
      return { run: folder, steps, seconds, interrupted, bestF, ...(last && { last }) };
    } finally {
      await this.work.close();
    }
  }

  /** States are the same in all resolutions; this graph tells their shapes. */
  private get graph(): Graph {
    return finalResolution(this.plan).step.graph;
  }

  private get stepsPerEpoch(): number {
    return Math.floor(this.trainSet.items.length / this.config.train.batchSize);
  }

  private get totalSteps(): number {
    return Math.max(1, Math.round(this.config.train.epochs * this.stepsPerEpoch));
  }

  private get epoch(): number {
    return this.step / this.stepsPerEpoch;
  }

  /** How much of the run is done, from 0 to 1: by the clock where it has minutes, else by steps. */
  private get progress(): number {
    const { minutes } = this.config.train;
    return minutes ? this.seconds / (minutes * 60) : this.step / this.totalSteps;
  }

  /** The resolution of the last step, at whose size a validation that is still to be made up for has to be. */
  private lastResolution(): TrainingResolution {
    const { progress, step } = this;
    const last = this.config.train.minutes || step === 0 ? progress : (step - 1) / this.totalSteps;
    return resolutionAt(this.plan.resolutions, last);
  }

  /** From now on `readClock` adds the time that passes to the seconds of the run. */
  private startClock(): void {
    this.clockStart = performance.now() - this.seconds * 1000;
  }

  private readClock(): void {
    this.seconds = (performance.now() - this.clockStart) / 1000;
  }

  /** How much of the run's time is over, from 0 to 1; for people, since it is an estimate where there are resolutions. */
  private get done(): number {
    return this.config.train.minutes ? Math.min(1, this.progress) : workDone(this.plan.resolutions, this.progress);
  }

  private async beginRun(): Promise<void> {
    const { lastWeights } = this.folder;
    await mkdir(dirname(lastWeights), { recursive: true }).catch((cause) => {
      throw writeError(lastWeights, cause);
    });
    this.log = MetricsLog.create(this.folder);
    await writeFileAtomic(this.folder.config, toYaml(this.config));
    const environment = describeEnvironment({
      engine: this.engine,
      threads: this.config.engine.threads ?? defaultThreads(),
      dataset: this.trainSet,
      parameters: this.plan.parameters,
      seed: this.config.train.seed,
    });
    await writeFileAtomic(this.folder.environment, `${JSON.stringify(environment, null, 2)}\n`);
  }

  /** A fault in the validation images is told now, not at the first validation. */
  private async checkValidationSet(): Promise<void> {
    const { labelSet } = this.plan;
    const { signal } = this.options;
    const { problems } = await checkDataset(this.validationSet.folder, labelSet.mergeFrom ? celebamask19 : labelSet, {
      ...(signal && { signal }),
    });
    const [problem] = problems;
    if (problem) throw new FaceparseError(`${problem.file}: ${problem.message}; ${problem.remedy}`);
  }

  private report(progress: Pick<TrainingProgress, 'phase' | 'progress'> & Partial<TrainingProgress>): void {
    this.options.onProgress?.({ step: this.step, epoch: 0, ...progress });
  }

  /** Trains until the run is over or interrupted; true when it was interrupted. */
  private async loop(): Promise<boolean> {
    const { config, plan, stepsPerEpoch } = this;
    const { train } = config;
    const stepsPerValidation = Math.max(1, Math.round(config.validation.every * stepsPerEpoch));
    const before = this.seconds;
    const doneBefore = this.done;
    this.startClock();
    const window = new StepWindow();
    const writeLine = (learningRate: number) => {
      this.readClock();
      if (window.count === 0) return;
      const { step, epoch, seconds } = this;
      this.log.add({ step, epoch, seconds, learningRate, ...window.take() });
    };
    // A run that was stopped between a step and its validation makes up for it, so that it keeps the same best weights.
    if (this.step > 0 && this.step % stepsPerValidation === 0 && !this.isValidated()) {
      if (await this.validate()) return true;
    }
    for (;;) {
      this.readClock();
      const { progress } = this;
      if (progress >= 1) break;
      const next = resolutionAt(plan.resolutions, progress);
      // A resolution for which there is no memory must not take what was learnt with it.
      if (next !== this.work.current.resolution) await this.saveProgress();
      const { resolution, program, loader } = await this.work.enter(next, this.step);
      const batch = await loader.next();
      const learningRate = learningRateAt(progress, { ...train, kind: train.schedule, learningRate: train.lr });
      const outputs = await program.run({
        image: batch.images,
        labels: batch.labels,
        learningRate: Float32Array.of(learningRate),
        ...(plan.average && { averageDecay: Float32Array.of(averageDecayAt(this.step, train.averageDecay)) }),
        ...drawRandomInputs(resolution.step, train.seed, this.step),
      });
      for (const name of ['loss', 'gradientNorm']) {
        if (!Number.isFinite(outputs[name][0])) await this.stopForNumber(name, outputs[name][0], batch, learningRate);
      }
      if (this.step === 0) await this.writeBatchImage(batch, resolution);
      this.step++;
      window.add(outputs, batch.count);
      this.readClock();
      const { done } = this;
      this.report({
        phase: 'train',
        progress: done,
        epoch: this.epoch,
        loss: window.loss,
        learningRate,
        secondsLeft: ((this.seconds - before) * (1 - done)) / (done - doneBefore),
      });
      if (this.step % stepsPerLine === 0) {
        writeLine(learningRate);
      }
      // An engine may compute on this thread; signals and progress get their turn here.
      await setImmediate();
      if (this.options.signal?.aborted) {
        writeLine(learningRate);
        await this.saveProgress();
        return true;
      }
      if (this.step % stepsPerValidation === 0) {
        writeLine(learningRate);
        if (await this.validate()) return true;
        window.restart();
      }
    }
    return this.isValidated() ? false : this.validate();
  }

  private async writeBatchImage(batch: Batch, { size, labelSize }: TrainingResolution): Promise<void> {
    await writeFileAtomic(this.folder.batchImage, await batchImage(batch, size, labelSize, this.plan.labelSet));
  }

  private isValidated(): boolean {
    return this.log.lines.some(({ step, valF }) => step === this.step && valF !== undefined);
  }

  /** The weights to be used: the moving average where one is kept. */
  private async currentWeights(): Promise<Weights> {
    const { resolution, program } = this.work.current;
    const { networkStates } = resolution.step;
    const all = this.plan.average
      ? unpackAverage(networkStates, (await program.readStates([averageState])).get(averageState)!)
      : await program.readStates(networkStates.map((state) => stateAttributes(state).name));
    // Auxiliary heads have done their work.
    const states = new Map([...all].filter(([name]) => this.plan.inferenceStates.has(name)));
    const { model, data } = this.config;
    const notes = { run: this.folder.name, step: String(this.step), average: String(this.plan.average) };
    return { model: model.name, labels: data.labels, size: resolution.size, states, notes };
  }

  private async saveWeights(path: string, weights: Weights): Promise<void> {
    await writeFileAtomic(path, encodeWeights(weights, this.graph));
  }

  /** Saves what is needed to go on: checkpoint, last weights, metrics, curves. */
  private async saveProgress(weights?: Weights): Promise<void> {
    const { step, seconds, bestF } = this;
    const states = await this.work.current.program.readStates();
    requireFinite(states, step);
    await saveCheckpoint(this.folder.checkpoint, { step, seconds, bestF, states }, this.graph);
    await this.saveWeights(this.folder.lastWeights, weights ?? (await this.currentWeights()));
    await this.log.flush();
    await writeFileAtomic(this.folder.curves, await runCurves(this.log.lines));
  }

  /** Scores the weights and saves everything; true when it was interrupted, and what there is has been saved. */
  private async validate(): Promise<boolean> {
    const { epoch } = this;
    const weights = await this.currentWeights();
    requireFinite(weights.states, this.step);
    const parser = await FaceParser.create(weights, this.engine);
    const shown: ScoredImage[] = [];
    const { limit } = this.config.validation;
    const { signal } = this.options;
    try {
      this.last = await evaluateParser(parser, this.validationSet, {
        ...(limit && { limit }),
        ...(signal && { signal }),
        onImage: (image, done, total) => {
          if (shown.length < 8) shown.push(image);
          this.report({ phase: 'validate', progress: done / total, epoch });
        },
      });
    } catch (error) {
      if (!signal?.aborted) throw error;
      await this.saveProgress(weights);
      return true;
    } finally {
      await parser.dispose();
    }
    // Validations are part of a run by the clock.
    this.readClock();
    const { fPerImage, macro, pixelAccuracy } = this.last;
    this.log.add({
      step: this.step,
      epoch,
      seconds: this.seconds,
      valF: fPerImage,
      valMacroIou: macro.withBackground.iou,
      valPixelAccuracy: pixelAccuracy,
    });
    if (fPerImage > this.bestF) {
      this.bestF = fPerImage;
      await this.saveWeights(this.folder.bestWeights, {
        ...weights,
        notes: { ...weights.notes, validationF: fPerImage.toFixed(4) },
      });
    }
    await this.saveProgress(weights);
    await writeFileAtomic(this.folder.validationImage, await validationImage(shown, this.plan.labelSet));
    this.report({ phase: 'validate', progress: 1, epoch, valF: fPerImage, bestF: this.bestF });
    return false;
  }

  private async stopForNumber(name: string, value: number, batch: Batch, learningRate: number): Promise<never> {
    await this.log.flush();
    throw new FaceparseError(
      `the ${name === 'loss' ? 'loss' : 'gradient'} became ${value} at step ${this.step} (learning rate ${learningRate.toPrecision(3)}, batch ${batch.stems.join(', ')}). ` +
        'Lower train.lr or raise train.warmup; the last checkpoint is kept.',
    );
  }
}

/** The decay of the moving average at a step: it starts low, so that the first weights are soon forgotten. */
function averageDecayAt(step: number, decay: number): number {
  return Math.min(decay, (1 + step) / (10 + step));
}
