import { type Config, imagesPerStep } from '../config/schema.ts';
import { type BatchLoader, createBatchLoader } from '../data/batches/batch-loader.ts';
import { oversamplingWeights } from '../data/batches/oversampling.ts';
import type { Dataset } from '../data/dataset/dataset.ts';
import { decodeDataset } from '../data/decoded/decode-dataset.ts';
import type { DecodedDataset } from '../data/decoded/decoded-dataset.ts';
import type { DecodedImages } from '../data/decoded/decoded-images.ts';
import { cacheFolder } from '../files/cache-folder.ts';
import { resizeRuleOf } from '../image/preprocessing.ts';
import { mergeTable } from '../labels/merge.ts';
import { getLabelSet } from '../labels/registry.ts';
import type { TrainingResolution } from './plan.ts';

/** The decoded training images for a configuration; taken from `images` if another run has decoded them. */
export function loadTrainingImages(
  dataset: Dataset,
  { data }: Config,
  options: {
    readonly images?: DecodedImages;
    readonly signal?: AbortSignal;
    readonly onProgress: (done: number, total: number) => void;
  },
): Promise<DecodedDataset> {
  const labelSet = getLabelSet(data.labels);
  const { images, ...controls } = options;
  const wanted = {
    size: data.cacheSize,
    resize: resizeRuleOf[data.resize],
    labelSet,
    repair: data.repair,
    ...(labelSet.mergeFrom && { mergeTable: mergeTable(labelSet) }),
    ...(data.diskCache && { directory: cacheFolder() }),
    ...controls,
  };
  return images ? images.load(dataset, wanted) : decodeDataset(dataset, wanted);
}

/** Batches at a resolution of the run, starting at the step `startStep`. */
export function openResolutionBatches(
  decoded: DecodedDataset,
  { data, train }: Config,
  { preprocessing, labelSize }: TrainingResolution,
  startStep: number,
): BatchLoader {
  const labelSet = getLabelSet(data.labels);
  const weights = oversamplingWeights(decoded, labelSet, data.oversample);
  return createBatchLoader({
    decoded,
    labelSet,
    ...(weights && { weights }),
    batchSize: imagesPerStep(train),
    size: preprocessing.size,
    labelSize,
    normalization: preprocessing,
    augmentation: data.augmentation,
    seed: train.seed,
    workers: data.workers,
    startStep,
  });
}
