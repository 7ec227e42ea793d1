import type { Normalization } from '../../image/normalization.ts';
import { Random } from '../../random/random.ts';
import { type AugmentationOptions, type AugmentationSettings, augmentPair } from '../augmentation/augment.ts';
import { CopyPaster, type Pair } from '../augmentation/copy-paste.ts';
import type { CopyPastePlan } from '../augmentation/copy-paste-plan.ts';
import { copyRectangle, drawRectangle, type SamplePlace } from '../augmentation/cut-mix.ts';
import type { AugmentationKernels } from '../augmentation/kernels.ts';
import { augmentationKernels } from '../augmentation/native-kernels.ts';
import { type DecodedDataset, decodedLabels, decodedPhoto } from '../decoded/decoded-dataset.ts';

/** Dimensions of a batch. */
export interface BatchSize {
  readonly batchSize: number;
  /** Side of the images in pixels. */
  readonly size: number;
  /** Side of the labels in pixels. */
  readonly labelSize: number;
}

/**
 * Everything that a batch depends on except its step. A plain object: workers get a copy that shares the images.
 */
export interface BatchPlan extends BatchSize {
  readonly decoded: DecodedDataset;
  readonly augmentation: AugmentationOptions;
  /** 256 entries, id → id in the flipped image. */
  readonly mirror: Uint8Array;
  readonly normalization: Normalization;
  readonly seed: number;
  /** Relative sampling frequency of each pair; by default each pair occurs once per epoch. */
  readonly weights?: Float64Array;
  /** Pasting between pairs (`planCopyPaste`); absent if off. */
  readonly copyPaste?: CopyPastePlan;
}

/** The sequence of pairs of one epoch; `repeats[i]` counts the earlier occurrences of that pair in the epoch. */
export interface EpochOrder {
  readonly indices: Uint32Array;
  readonly repeats: Uint32Array;
}

/** The arrays of one batch, both on `buffer`: images N×3×S×S, then labels N×L×L. */
export interface BatchArrays {
  readonly images: Float32Array;
  readonly labels: Int32Array;
}

/** Returns the number of steps per epoch; an incomplete last batch is dropped. */
export function stepsPerEpoch(plan: BatchPlan): number {
  return Math.floor(plan.decoded.stems.length / plan.batchSize);
}

/** Returns the size of one batch's arrays in bytes. */
export function batchBytes({ batchSize, size, labelSize }: BatchSize): number {
  return batchSize * (3 * size ** 2 + labelSize ** 2) * 4;
}

/** Creates the arrays of a batch on a buffer of `batchBytes`. */
export function batchArrays({ batchSize, size, labelSize }: BatchSize, buffer: ArrayBuffer): BatchArrays {
  const imageValues = batchSize * 3 * size ** 2;
  return {
    images: new Float32Array(buffer, 0, imageValues),
    labels: new Int32Array(buffer, imageValues * 4, batchSize * labelSize ** 2),
  };
}

/**
 * Returns the sequence of pairs of one epoch, with the length of the data set. It depends only on seed and epoch.
 *
 * With weights it is a systematic sample (one random start, then equal strides through the cumulated weights): a pair with
 * an expected count of 2.3 occurs two or three times; with equal weights every pair occurs exactly once.
 */
export function epochOrder(plan: BatchPlan, epoch: number): EpochOrder {
  const count = plan.decoded.stems.length;
  const random = new Random(plan.seed, 'order', epoch);
  const indices = plan.weights
    ? systematicSample(plan.weights, random.uniform())
    : Uint32Array.from({ length: count }, (_, i) => i);
  random.shuffle(indices);
  const seen = new Uint32Array(count);
  const repeats = new Uint32Array(count);
  for (let i = 0; i < count; i++) repeats[i] = seen[indices[i]]++;
  return { indices, repeats };
}

/** Draws a systematic sample with as many draws as weights. */
function systematicSample(weights: Float64Array, start: number): Uint32Array {
  const total = weights.reduce((sum, weight) => sum + weight, 0);
  const result = new Uint32Array(weights.length);
  let index = 0;
  let reached = weights[0];
  for (let i = 0; i < result.length; i++) {
    const place = ((i + start) * total) / result.length;
    while (reached <= place && index < weights.length - 1) reached += weights[++index];
    // Rounding can carry the last positions past the end, where a weight may be 0.
    while (weights[index] === 0) index--;
    result[i] = index;
  }
  return result;
}

/** Fills batches of a plan; caches the order of the last epoch and buffers for mixed samples. */
export class BatchFiller {
  readonly #plan: BatchPlan;
  readonly #settings: AugmentationSettings;
  readonly #paster?: CopyPaster;
  /** Buffer for the other pair of a mixed sample. */
  #other?: SamplePlace;
  #epoch = -1;
  #order: EpochOrder = { indices: new Uint32Array(0), repeats: new Uint32Array(0) };

  /** @param operations default: the fastest available kernels; the batches do not depend on them */
  constructor(plan: BatchPlan, operations: AugmentationKernels = augmentationKernels()) {
    const { size, labelSize, mirror, normalization } = plan;
    this.#plan = plan;
    this.#settings = { size, labelSize, options: plan.augmentation, mirror, normalization, operations };
    if (plan.copyPaste) this.#paster = new CopyPaster(plan.decoded, plan.copyPaste);
  }

  /**
   * Writes the batch of a step (counted from 0 over all epochs) to a buffer of `batchBytes`.
   *
   * @returns the indices of its pairs in the data set, one per sample
   */
  fill(step: number, buffer: ArrayBuffer): Uint32Array {
    const plan = this.#plan;
    const steps = stepsPerEpoch(plan);
    const epoch = Math.floor(step / steps);
    if (epoch !== this.#epoch) {
      this.#order = epochOrder(plan, epoch);
      this.#epoch = epoch;
    }
    const first = (step % steps) * plan.batchSize;
    const { indices, repeats } = this.#order;
    const chosen = indices.slice(first, first + plan.batchSize);
    const { images, labels } = batchArrays(plan, buffer);
    const { size, labelSize } = plan;
    chosen.forEach((index, sample) => {
      const place = {
        images,
        imageOffset: sample * 3 * size * size,
        labels,
        labelOffset: sample * labelSize * labelSize,
      };
      const keys = [epoch, index, repeats[first + sample]];
      this.#fillSample(index, keys, place);
      this.#mix(keys, place);
    });
    return chosen;
  }

  /** Fills one sample. Each augmentation has its own generator, so enabling one does not change the others. */
  #fillSample(index: number, keys: readonly (string | number)[], place: SamplePlace): void {
    const { decoded, seed } = this.#plan;
    const pair: Pair = this.#paster
      ? this.#paster.pair(index, new Random(seed, 'copy-paste', ...keys))
      : { photo: decodedPhoto(decoded, index), labels: decodedLabels(decoded, index) };
    augmentPair(pair.photo, pair.labels, this.#settings, new Random(seed, 'augment', ...keys), place);
  }

  /** Applies CutMix. The other pair is drawn from the epoch, so pairs keep their sampling frequencies. */
  #mix(keys: readonly number[], place: SamplePlace): void {
    const { seed, augmentation, size, labelSize } = this.#plan;
    const random = new Random(seed, 'cut-mix', ...keys);
    if (!random.chance(augmentation.cutMix)) return;
    const { indices } = this.#order;
    const index = indices[random.integer(indices.length)];
    this.#other ??= {
      images: new Float32Array(3 * size * size),
      imageOffset: 0,
      labels: new Int32Array(labelSize * labelSize),
      labelOffset: 0,
    };
    this.#fillSample(index, ['cut-mix', ...keys], this.#other);
    copyRectangle(this.#other, place, drawRectangle(random, labelSize), size, labelSize);
  }
}
