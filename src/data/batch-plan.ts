import type { Normalization } from '../parser/normalization.ts';
import { Random } from '../random/random.ts';
import { type AugmentationOptions, augmentPair } from './augment.ts';
import { cachedLabels, cachedPhoto, type PictureCache } from './cached-pictures.ts';
import { pictureOperations } from './native-pictures.ts';
import type { PictureOperations } from './picture-operations.ts';

/**
 * All that a batch depends on beside its step. A plain object: workers get a copy of it, with the pictures shared.
 */
export interface BatchPlan {
  readonly cache: PictureCache;
  readonly batchSize: number;
  /** Side of the images in pixels. */
  readonly size: number;
  /** Side of the labels in pixels. */
  readonly labelSize: number;
  readonly augmentation: AugmentationOptions;
  /** 256 entries, id → id in a mirrored picture. */
  readonly mirror: Uint8Array;
  readonly normalization: Normalization;
  readonly seed: number;
  readonly shuffle: boolean;
  readonly dropLast: boolean;
  /** How often each pair comes up, relative to the others; without it, all once an epoch. */
  readonly weights?: Float64Array;
}

/** One epoch's sequence of pairs; `repeats[i]` counts how often that pair came up before in this epoch. */
export interface EpochOrder {
  readonly indices: Uint32Array;
  readonly repeats: Uint32Array;
}

/** The arrays of one batch, both on `buffer`: images N×3×S×S, then labels N×L×L. */
export interface BatchArrays {
  readonly images: Float32Array;
  readonly labels: Int32Array;
}

/** Steps that make up one epoch. */
export function stepsPerEpoch(plan: BatchPlan): number {
  const steps = plan.cache.stems.length / plan.batchSize;
  return plan.dropLast ? Math.floor(steps) : Math.ceil(steps);
}

/** Bytes of one batch's arrays. */
export function batchBytes(plan: BatchPlan): number {
  return plan.batchSize * (3 * plan.size ** 2 + plan.labelSize ** 2) * 4;
}

/** Views of the first `count` samples of a batch on a buffer of `batchBytes`. */
export function batchArrays(plan: BatchPlan, buffer: ArrayBuffer, count = plan.batchSize): BatchArrays {
  const imageValues = 3 * plan.size ** 2;
  return {
    images: new Float32Array(buffer, 0, count * imageValues),
    labels: new Int32Array(buffer, plan.batchSize * imageValues * 4, count * plan.labelSize ** 2),
  };
}

/**
 * The sequence of pairs of one epoch, as long as the data set: a function of seed and epoch alone.
 *
 * With weights it is a systematic sample (one random start, then equal strides through the cumulated weights): a pair whose
 * share asks for 2.3 places gets two or three, never none or five; equal weights give every pair exactly once.
 */
export function epochOrder(plan: BatchPlan, epoch: number): EpochOrder {
  const count = plan.cache.stems.length;
  const random = new Random(plan.seed, 'order', epoch);
  const indices = plan.weights
    ? systematicSample(plan.weights, random.uniform())
    : Uint32Array.from({ length: count }, (_, i) => i);
  if (plan.shuffle) random.shuffle(indices);
  const seen = new Uint32Array(count);
  const repeats = new Uint32Array(count);
  for (let i = 0; i < count; i++) repeats[i] = seen[indices[i]]++;
  return { indices, repeats };
}

/** As many draws as there are weights. */
function systematicSample(weights: Float64Array, start: number): Uint32Array {
  const total = weights.reduce((sum, weight) => sum + weight, 0);
  const result = new Uint32Array(weights.length);
  let index = 0;
  let reached = weights[0];
  for (let i = 0; i < result.length; i++) {
    const place = ((i + start) * total) / result.length;
    while (reached <= place && index < weights.length - 1) reached += weights[++index];
    // Rounding can carry the last places past the end, where a weight may be 0.
    while (weights[index] === 0) index--;
    result[i] = index;
  }
  return result;
}

/** Fills batches of a plan; keeps the order of the last epoch it was asked for. */
export class BatchFiller {
  readonly #plan: BatchPlan;
  readonly #operations: PictureOperations;
  #epoch = -1;
  #order: EpochOrder = { indices: new Uint32Array(0), repeats: new Uint32Array(0) };

  /** @param operations default: the fastest version that is there; the batches do not depend on it */
  constructor(plan: BatchPlan, operations: PictureOperations = pictureOperations()) {
    this.#plan = plan;
    this.#operations = operations;
  }

  /**
   * Writes the batch of a step (counted from 0 over all epochs) to a buffer of `batchBytes`.
   *
   * @returns the indices of its pairs in the cache, one a sample
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
    const { images, labels } = batchArrays(plan, buffer, chosen.length);
    const { size, labelSize, mirror, normalization } = plan;
    const settings = {
      size,
      labelSize,
      options: plan.augmentation,
      mirror,
      normalization,
      operations: this.#operations,
    };
    chosen.forEach((index, sample) => {
      const random = new Random(plan.seed, 'augment', epoch, index, repeats[first + sample]);
      augmentPair(cachedPhoto(plan.cache, index), cachedLabels(plan.cache, index), settings, random, {
        images,
        imageOffset: sample * 3 * size * size,
        labels,
        labelOffset: sample * labelSize * labelSize,
      });
    });
    return chosen;
  }
}
