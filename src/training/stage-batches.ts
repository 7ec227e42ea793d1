import type { Config } from '../config/schema.ts';
import { type BatchLoader, createBatchLoader } from '../data/batch-loader.ts';
import type { PictureCache } from '../data/cached-pictures.ts';
import type { Dataset } from '../data/dataset.ts';
import { oversamplingWeights } from '../data/oversampling.ts';
import { loadPictureCache } from '../data/picture-cache.ts';
import { mergeTable } from '../labels/merge.ts';
import { getLabelSet } from '../labels/registry.ts';
import type { TrainingStage } from './plan.ts';

/** The decoded training pictures, as the configuration wants them. */
export function loadTrainingPictures(
  dataset: Dataset,
  { data }: Config,
  options: { readonly signal?: AbortSignal; readonly onProgress: (done: number, total: number) => void },
): Promise<PictureCache> {
  const labelSet = getLabelSet(data.labels);
  return loadPictureCache(dataset, {
    size: data.cacheSize,
    labelSet,
    repair: data.repair,
    ...(labelSet.mergeFrom && { mergeTable: mergeTable(labelSet) }),
    ...(data.diskCache && { directory: '.cache' }),
    ...options,
  });
}

/** Batches of the size of a stage, from the step `startStep` of the run on. */
export function openStageBatches(
  cache: PictureCache,
  { data, train }: Config,
  { size, labelSize }: TrainingStage,
  startStep: number,
): BatchLoader {
  const labelSet = getLabelSet(data.labels);
  const weights = oversamplingWeights(cache, labelSet, data.oversample);
  return createBatchLoader({
    cache,
    labelSet,
    ...(weights && { weights }),
    batchSize: train.batchSize,
    size,
    labelSize,
    augmentation: data.augmentation,
    seed: train.seed,
    workers: data.workers,
    startStep,
  });
}
