import type { Config } from '../config/schema.ts';
import type { Dataset } from '../data/dataset/dataset.ts';
import type { Engine } from '../engine/engine.ts';
import { evaluateParser, type ScoredImage } from '../evaluation/evaluate-parser.ts';
import type { ScoreSummary } from '../metrics/face-score.ts';
import type { Weights } from '../models/weights-file.ts';
import { pixelKernels } from '../native-pixels/pixel-kernels.ts';
import { FaceParser } from '../parser/face-parser.ts';
import { shownImages } from './run-images.ts';
import { LogitsRecorder, ValidationLoss } from './validation-loss.ts';

/** Scores of a validation, and the first images to show. */
export interface Validation {
  readonly summary: ScoreSummary;
  readonly shown: readonly ScoredImage[];
  /** Mean loss over the validation images, without auxiliary heads. */
  readonly loss: number;
  /** F (per image) on `validation.trainImages` training images; absent if that is 0. */
  readonly trainF?: number;
}

/** Controls of a validation. */
interface ScoringControls {
  readonly signal?: AbortSignal | undefined;
  /** Receives the progress from 0 to 1. */
  readonly onProgress: (share: number) => void;
}

/**
 * Up to `count` items at equal distances. The choice depends only on the dataset.
 *
 * @example spreadItems(['a', 'b', 'c', 'd'], 2) // ['a', 'c']
 */
export function spreadItems<Item>(items: readonly Item[], count: number): Item[] {
  const chosen = Math.min(count, items.length);
  return Array.from({ length: chosen }, (_, index) => items[Math.floor((index * items.length) / chosen)]);
}

/** Scores the weights of a run on its validation images, and on a fixed subset of its training images. */
export class RunValidator {
  constructor(
    private readonly engine: Engine,
    private readonly config: Config,
    private readonly validationSet: Dataset,
    private readonly trainSet: Dataset,
  ) {}

  /**
   * Scores weights on the first `validation.limit` validation images (default: all) and on at most as many training images.
   *
   * @param labelSize side at which the loss compares logits and labels
   * @throws the reason of `signal` if it is aborted
   */
  async validate(weights: Weights, labelSize: number, { signal, onProgress }: ScoringControls): Promise<Validation> {
    const { limit, trainImages } = this.config.validation;
    const count = Math.min(limit ?? Number.POSITIVE_INFINITY, this.validationSet.items.length);
    const seen = spreadItems(this.trainSet.items, Math.min(trainImages, count));
    const all = count + seen.length;
    const common = { ...(signal && { signal }) };
    const recorder = new LogitsRecorder(this.engine);
    const parser = await FaceParser.create(weights, recorder, { kernels: pixelKernels() });
    let losses: ValidationLoss | undefined;
    try {
      losses = await ValidationLoss.compile(
        this.engine,
        recorder.shape,
        labelSize,
        this.config.loss,
        weights.preprocessing.resize,
      );
      const shown: ScoredImage[] = [];
      let lossSum = 0;
      const summary = await evaluateParser(parser, this.validationSet, {
        ...common,
        limit: count,
        onImage: async (image, done) => {
          lossSum += await losses!.measure(recorder.logits!, image.truth);
          if (shown.length < shownImages) shown.push(image);
          onProgress(done / all);
        },
      });
      const validation = { summary, shown, loss: lossSum / count };
      if (seen.length === 0) return validation;
      const trained = await evaluateParser(
        parser,
        { ...this.trainSet, items: seen },
        { ...common, repair: this.config.data.repair, onImage: (_, done) => onProgress((count + done) / all) },
      );
      return { ...validation, trainF: trained.fPerImage };
    } finally {
      await losses?.dispose();
      await parser.dispose();
    }
  }

  /** Only the scores of a validation. */
  async score(weights: Weights, { signal, onProgress }: ScoringControls): Promise<ScoreSummary> {
    const { limit } = this.config.validation;
    const parser = await FaceParser.create(weights, this.engine, { kernels: pixelKernels() });
    try {
      return await evaluateParser(parser, this.validationSet, {
        ...(limit !== undefined && { limit }),
        ...(signal && { signal }),
        onImage: (_, done, total) => onProgress(done / total),
      });
    } finally {
      await parser.dispose();
    }
  }

  /** Only the images shown by a validation. */
  async show(weights: Weights, { signal, onProgress }: ScoringControls): Promise<ScoredImage[]> {
    const { limit = shownImages } = this.config.validation;
    const parser = await FaceParser.create(weights, this.engine, { kernels: pixelKernels() });
    const shown: ScoredImage[] = [];
    try {
      await evaluateParser(parser, this.validationSet, {
        limit: Math.min(limit, shownImages),
        ...(signal && { signal }),
        onImage: (image, done, total) => {
          shown.push(image);
          onProgress(done / total);
        },
      });
      return shown;
    } finally {
      await parser.dispose();
    }
  }
}
