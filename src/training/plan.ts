import { type Config, imagesPerStep } from '../config/schema.ts';
import { countParameters, gigaMultiplyAccumulates } from '../graph/cost.ts';
import type { Preprocessing } from '../image/preprocessing.ts';
import type { LabelSet } from '../labels/label-set.ts';
import { getLabelSet } from '../labels/registry.ts';
import { checkLoss } from '../losses/check-loss.ts';
import { inferenceGraph, type Model } from '../models/model.ts';
import { createModel } from '../models/registry.ts';
import { countOf, formatCount } from '../text/counts.ts';
import { FaceparseError } from '../text/errors.ts';
import { buildTrainingStep, type TrainingStep } from './step/training-step.ts';

/** A part of a run with one image size. All resolutions have the same states. */
export interface TrainingResolution {
  /** Fraction of the run at which it ends. */
  readonly until: number;
  /** Preprocessing of its images; recorded in the weights of its validations. */
  readonly preprocessing: Preprocessing;
  readonly labelSize: number;
  readonly step: TrainingStep;
}

/** The plan of a run, built from the configuration alone. */
export interface TrainingPlan {
  readonly labelSet: LabelSet;
  readonly model: Model;
  /** In order; the last has the size `train.size`. */
  readonly resolutions: readonly TrainingResolution[];
  readonly parameters: number;
  /** Forward cost of one image at the training size. */
  readonly gigaMultiplyAccumulates: number;
  /** Whether to keep a moving average of the weights. */
  readonly average: boolean;
  /** Names of the states used in inference, without auxiliary heads. */
  readonly inferenceStates: ReadonlySet<string>;
}

/**
 * Builds the plan of a configuration.
 *
 * @throws FaceparseError with both numbers if the network has as many parameters as the limit or more
 */
export function planTraining(config: Config): TrainingPlan {
  const { train } = config;
  const labelSet = getLabelSet(config.data.labels);
  const model = configuredModel(config, labelSet);
  checkLoss(config.loss, labelSet);
  checkResolutions(config);
  checkWatching(config);
  const average = train.averageDecay > 0;
  const forward = inferenceGraph(model, { batch: 1, height: train.size, width: train.size });
  const stride = train.size / forward.outputs.get('logits')!.shape[2];
  const resolutions = [...train.resolutions, { until: 1, size: train.size, labelSize: train.labelSize }].map(
    ({ until, size, labelSize = size / stride }): TrainingResolution => {
      const step = buildTrainingStep({ ...train, loss: config.loss, model, size, labelSize, average });
      return { until, preprocessing: { ...model.trainingPreprocessing, size }, labelSize, step };
    },
  );
  const parameters = countParameters(resolutions[0].step);
  checkParameterLimit(config, model, parameters);
  return {
    labelSet,
    model,
    resolutions,
    parameters,
    gigaMultiplyAccumulates: gigaMultiplyAccumulates(forward),
    average,
    inferenceStates: new Set(forward.states.keys()),
  };
}

/**
 * The configuration with batches that the pairs can fill: with fewer pairs than images per step, smaller batches, or fewer of
 * them. The same object if it fits.
 *
 * @example fitBatches(config, 5).train.batchSize // 5, where the configuration has 8
 */
export function fitBatches(config: Config, pairs: number): Config {
  const { train } = config;
  if (pairs >= imagesPerStep(train)) return config;
  const batchSize = Math.min(train.batchSize, pairs);
  return { ...config, train: { ...train, batchSize, accumulate: Math.floor(pairs / batchSize) } };
}

/** A plan whose batches the training pairs can fill. */
export interface FittedPlan {
  readonly plan: TrainingPlan;
  readonly config: Config;
  /** A line about batches that had to be changed. */
  readonly notice?: string;
}

/**
 * Fits a planned run to its number of training pairs. Only if there are too few is it planned again, with smaller batches (see
 * `fitBatches`).
 */
export function planForPairs(given: Config, plan: TrainingPlan, pairs: number): FittedPlan {
  const config = fitBatches(given, pairs);
  if (config === given) return { config, plan };
  const changes = (['batchSize', 'accumulate'] as const)
    .filter((key) => given.train[key] !== config.train[key])
    .map((key) => `train.${key} is ${config.train[key]}, not ${given.train[key]}`);
  const step = countOf(imagesPerStep(given.train), 'image');
  const notice = `${countOf(pairs, 'training pair')} cannot fill a step of ${step}: ${changes.join(' and ')}`;
  return { config, plan: planTraining(config), notice };
}

/** The resolution of a run at a fraction of its length, from 0 to 1. */
export function resolutionAt(resolutions: readonly TrainingResolution[], progress: number): TrainingResolution {
  return resolutions.find(({ until }) => progress < until) ?? resolutions.at(-1)!;
}

/** The fraction of a run's work done after a fraction of its steps, both from 0 to 1. Work is proportional to pixels. */
export function workDone(resolutions: readonly TrainingResolution[], progress: number): number {
  const workUntil = (share: number) => {
    let from = 0;
    let work = 0;
    for (const { until, preprocessing } of resolutions) {
      work += Math.max(0, Math.min(share, until) - from) * preprocessing.size ** 2;
      from = until;
    }
    return work;
  };
  return workUntil(progress) / workUntil(1);
}

/** The resolution with the size `train.size`, at which the network is used. */
export function finalResolution({ resolutions }: TrainingPlan): TrainingResolution {
  return resolutions.at(-1)!;
}

/** The network of a configuration. */
export function configuredModel({ model: { name, ...settings } }: Config, { classes }: LabelSet): Model {
  return createModel(name, { ...settings, classes: classes.length });
}

function checkResolutions({ train: { resolutions } }: Config): void {
  resolutions.forEach(({ until }, index) => {
    const before = resolutions[index - 1]?.until ?? 0;
    if (until > before) return;
    throw new FaceparseError(
      `entry ${index + 1} of train.resolutions: until is ${until}, but must be above ${before}, where the entry before it ends`,
      { exitCode: 2 },
    );
  });
}

/** Checks that there are validations to watch. */
function checkWatching({ train, validation }: Config): void {
  const { schedule, earlyStopping, epochs, minutes } = train;
  const watching =
    schedule === 'plateau'
      ? 'train.schedule=plateau'
      : earlyStopping.patience !== undefined && `train.earlyStopping.patience=${earlyStopping.patience}`;
  if (!watching || minutes || validation.every < epochs) return;
  throw new FaceparseError(
    `${watching} follows the validations of a run, but with validation.every=${validation.every} and train.epochs=${epochs} ` +
      'the only one is at the end; lower validation.every',
    { exitCode: 2 },
  );
}

function checkParameterLimit(config: Config, model: Model, parameters: number): void {
  const { limit } = config.parameters;
  if (limit === undefined || parameters < limit) return;
  throw new FaceparseError(
    `${model.title} has ${formatCount(parameters)} trainable parameters, but parameters.limit requires fewer than ` +
      `${formatCount(limit)}. Choose a smaller network or raise the limit.`,
    { exitCode: 2 },
  );
}
