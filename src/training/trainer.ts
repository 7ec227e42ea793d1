import { mkdir } from 'node:fs/promises';
import { dirname } from 'node:path';
import { setImmediate } from 'node:timers/promises';
import { stringify as toYaml } from 'yaml';
import type { Config } from '../config/schema.ts';
import { type Batch, type BatchLoader, createBatchLoader } from '../data/batch-loader.ts';
import { checkDataset } from '../data/check.ts';
import { type Dataset, openDataset, resolveSplit } from '../data/dataset.ts';
import { loadPictureCache } from '../data/picture-cache.ts';
import type { Program } from '../engine/engine.ts';
import { defaultThreads, selectEngine } from '../engine/select-engine.ts';
import { FaceparseError } from '../errors.ts';
import { writeError, writeFileAtomic } from '../files/atomic-write.ts';
import { stateAttributes } from '../graph/graph.ts';
import { celebamask19 } from '../labels/celebamask-19.ts';
import { mergeTable } from '../labels/merge.ts';
import type { ScoreSummary } from '../metrics/face-score.ts';
import { averageState, unpackAverage } from '../optim/moving-average.ts';
import { learningRateAt } from '../optim/schedule.ts';
import { FaceParser } from '../parser/face-parser.ts';
import { encodeWeights, type Weights } from '../parser/weights-file.ts';
import { runCurves } from '../report/curves.ts';
import { loadCheckpoint, requireFinite, saveCheckpoint } from './checkpoint.ts';
import { describeEnvironment, requireSameData } from './environment.ts';
import { evaluateParser, type ScoredPicture } from './evaluation.ts';
import { planTraining, type TrainingPlan } from './plan.ts';
import { MetricsLog, type RunFolder, requireNewRun, runFolder } from './run-folder.ts';
import { batchPicture, validationPicture } from './run-pictures.ts';
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
 * checkpoint, curves and pictures.
 *
 * A run of so many epochs is a function of its configuration, data, engine and thread count; stopped and resumed it
 * gives the same weights. A run by the clock depends on how fast the machine is.
 *
 * @throws FaceparseError for bad data, an existing run folder, a checkpoint that does not fit, a loss that is not finite
 */
export async function train(options: TrainOptions): Promise<TrainResult> {
  const { config, data, resume = false } = options;
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
  private step = 0;
  private seconds = 0;
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
    const { options, plan, folder } = this;
    const { graph } = plan.step;
    const checkpoint = options.resume ? await loadCheckpoint(folder.checkpoint, graph) : undefined;
    if (checkpoint) ({ step: this.step, seconds: this.seconds, bestF: this.bestF } = checkpoint);
    // Before the engine is set up, which takes longer than finding that the data are bad.
    await this.checkValidationSet();
    let loader: BatchLoader | undefined;
    let program: Program | undefined;
    try {
      loader = await this.openLoader();
      program = await this.engine.compile(graph);
      if (checkpoint) {
        await program.writeStates(checkpoint.states);
        this.log = await MetricsLog.reopen(folder, this.step);
      } else {
        // Bad data must not leave the folder of a run that never began.
        await this.beginRun();
      }
      const interrupted = await this.loop(program, loader);
      const { step: steps, seconds, bestF, last } = this;
      return { run: folder, steps, seconds, interrupted, bestF, ...(last && { last }) };
    } finally {
      await loader?.close();
      await program?.dispose();
    }
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

  /** A fault in the validation pictures is told now, not at the first validation. */
  private async checkValidationSet(): Promise<void> {
    const { labelSet } = this.plan;
    const { signal } = this.options;
    const { problems } = await checkDataset(this.validationSet.folder, labelSet.mergeFrom ? celebamask19 : labelSet, {
      ...(signal && { signal }),
    });
    const [problem] = problems;
    if (problem) throw new FaceparseError(`${problem.file}: ${problem.message}; ${problem.remedy}`);
  }

  private async openLoader(): Promise<BatchLoader> {
    const { labelSet, labelSize } = this.plan;
    const { data, train } = this.config;
    const { signal } = this.options;
    const cache = await loadPictureCache(this.trainSet, {
      size: data.cacheSize,
      labelSet,
      repair: data.repair,
      ...(labelSet.mergeFrom && { mergeTable: mergeTable(labelSet) }),
      ...(data.diskCache && { directory: '.cache' }),
      ...(signal && { signal }),
      onProgress: (done, total) => this.report({ phase: 'load', progress: done / total }),
    });
    return createBatchLoader({
      cache,
      labelSet,
      batchSize: train.batchSize,
      size: train.size,
      labelSize,
      augmentation: data.augmentation,
      seed: train.seed,
      workers: data.workers,
      startStep: this.step,
    });
  }

  private report(progress: Pick<TrainingProgress, 'phase' | 'progress'> & Partial<TrainingProgress>): void {
    this.options.onProgress?.({ step: this.step, epoch: 0, ...progress });
  }

  /** Trains until the run is over or interrupted; true when it was interrupted. */
  private async loop(program: Program, loader: BatchLoader): Promise<boolean> {
    const { config, plan } = this;
    const { train } = config;
    const totalSteps = Math.max(1, Math.round(train.epochs * loader.stepsPerEpoch));
    const budget = train.minutes && train.minutes * 60;
    const stepsPerValidation = Math.max(1, Math.round(config.validation.every * loader.stepsPerEpoch));
    const before = this.seconds;
    const start = performance.now();
    const elapsed = () => before + (performance.now() - start) / 1000;
    const window = new StepWindow();
    const writeLine = (learningRate: number) => {
      this.seconds = elapsed();
      if (window.count === 0) return;
      const { step, seconds } = this;
      this.log.add({ step, epoch: step / loader.stepsPerEpoch, seconds, learningRate, ...window.take() });
    };
    // A run that was stopped between a step and its validation makes up for it, so that it keeps the same best weights.
    if (this.step > 0 && this.step % stepsPerValidation === 0 && !this.isValidated()) {
      if (await this.validate(program, this.step / loader.stepsPerEpoch)) return true;
    }
    for (;;) {
      this.seconds = elapsed();
      const progress = budget ? this.seconds / budget : this.step / totalSteps;
      if (progress >= 1) break;
      const batch = await loader.next();
      const learningRate = learningRateAt(progress, { ...train, kind: train.schedule, learningRate: train.lr });
      const outputs = await program.run({
        image: batch.images,
        labels: batch.labels,
        learningRate: Float32Array.of(learningRate),
        ...(plan.average && { averageDecay: Float32Array.of(averageDecayAt(this.step, train.averageDecay)) }),
        ...plan.drawRandomInputs(this.step),
      });
      for (const name of ['loss', 'gradientNorm']) {
        if (!Number.isFinite(outputs[name]![0]))
          await this.stopForNumber(name, outputs[name]![0]!, batch, learningRate);
      }
      if (this.step === 0) {
        await writeFileAtomic(
          this.folder.batchPicture,
          await batchPicture(batch, train.size, plan.labelSize, plan.labelSet),
        );
      }
      this.step++;
      const epoch = this.step / loader.stepsPerEpoch;
      window.add(outputs, batch.count);
      const secondsLeft = budget
        ? budget - elapsed()
        : ((elapsed() - before) / Math.max(1, window.steps)) * (totalSteps - this.step);
      const fraction = budget ? elapsed() / budget : this.step / totalSteps;
      this.report({
        phase: 'train',
        progress: Math.min(1, fraction),
        epoch,
        loss: window.loss,
        learningRate,
        secondsLeft,
      });
      if (this.step % stepsPerLine === 0) {
        writeLine(learningRate);
      }
      // An engine may compute on this thread; signals and progress get their turn here.
      await setImmediate();
      if (this.options.signal?.aborted) {
        writeLine(learningRate);
        await this.saveProgress(program);
        return true;
      }
      if (this.step % stepsPerValidation === 0) {
        writeLine(learningRate);
        if (await this.validate(program, epoch)) return true;
        window.restart();
      }
    }
    return this.isValidated() ? false : this.validate(program, this.step / loader.stepsPerEpoch);
  }

  private isValidated(): boolean {
    return this.log.lines.some(({ step, valF }) => step === this.step && valF !== undefined);
  }

  /** The weights to be used: the moving average where one is kept. */
  private async currentWeights(program: Program): Promise<Weights> {
    const { networkStates } = this.plan.step;
    const states = this.plan.average
      ? unpackAverage(networkStates, (await program.readStates([averageState])).get(averageState)!)
      : await program.readStates(networkStates.map((state) => stateAttributes(state).name));
    const { model, train, data } = this.config;
    const notes = { run: this.folder.name, step: String(this.step), average: String(this.plan.average) };
    return { model: model.name, labels: data.labels, size: train.size, states, notes };
  }

  private async saveWeights(path: string, weights: Weights): Promise<void> {
    await writeFileAtomic(path, encodeWeights(weights, this.plan.step.graph));
  }

  /** Saves what is needed to go on: checkpoint, last weights, metrics, curves. */
  private async saveProgress(program: Program, weights?: Weights): Promise<void> {
    const { step, seconds, bestF } = this;
    const states = await program.readStates();
    requireFinite(states, step);
    await saveCheckpoint(this.folder.checkpoint, { step, seconds, bestF, states }, this.plan.step.graph);
    await this.saveWeights(this.folder.lastWeights, weights ?? (await this.currentWeights(program)));
    await this.log.flush();
    await writeFileAtomic(this.folder.curves, runCurves(this.log.lines));
  }

  /** Scores the weights and saves everything; true when it was interrupted, and what there is has been saved. */
  private async validate(program: Program, epoch: number): Promise<boolean> {
    const weights = await this.currentWeights(program);
    requireFinite(weights.states, this.step);
    const parser = await FaceParser.create(weights, this.engine);
    const shown: ScoredPicture[] = [];
    const { limit } = this.config.validation;
    const { signal } = this.options;
    try {
      this.last = await evaluateParser(parser, this.validationSet, {
        ...(limit && { limit }),
        ...(signal && { signal }),
        onPicture: (picture, done, total) => {
          if (shown.length < 8) shown.push(picture);
          this.report({ phase: 'validate', progress: done / total, epoch });
        },
      });
    } catch (error) {
      if (!signal?.aborted) throw error;
      await this.saveProgress(program, weights);
      return true;
    } finally {
      await parser.dispose();
    }
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
    await this.saveProgress(program, weights);
    await writeFileAtomic(this.folder.validationPicture, await validationPicture(shown, this.plan.labelSet));
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
