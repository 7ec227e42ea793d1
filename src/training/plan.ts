import { type Config, imagesPerStep } from '../config/schema.ts';
import { countParameters, gigaMultiplyAccumulates } from '../graph/cost.ts';
import type { Preprocessing } from '../image/preprocessing.ts';
import type { LabelSet } from '../labels/label-set.ts';
import { getLabelSet } from '../labels/registry.ts';
import { checkLoss } from '../losses/check-loss.ts';
import { inferenceGraph, type Model } from '../models/model.ts';
import { createModel } from '../models/registry.ts';
import type { WeightsOrigin } from '../models/weights-origin.ts';
import { formatCount } from '../text/counts.ts';
import { FaceparseError } from '../text/errors.ts';
import { buildTrainingStep, type TrainingStep } from './training-step.ts';

/** A part of a run with images of one size. All resolutions have the same states. */
export interface TrainingResolution {
  /** Share of the run at which it ends. */
  readonly until: number;
  /** What its images are made by; the weights of a validation in it say so. */
  readonly preprocessing: Preprocessing;
  readonly labelSize: number;
  readonly step: TrainingStep;
}

/** What a configuration comes to, before any data is read. */
export interface TrainingPlan {
  readonly labelSet: LabelSet;
  readonly model: Model;
  /** What the weights are before the first step. */
  readonly origin: WeightsOrigin;
  /** One after the other; the last has the size that the configuration names first. */
  readonly resolutions: readonly TrainingResolution[];
  readonly parameters: number;
  /** Of one image at the training size, forward. */
  readonly gigaMultiplyAccumulates: number;
  /** Whether a moving average of the weights is kept. */
  readonly average: boolean;
  /** Names of the states that the network has outside of training, without auxiliary heads. */
  readonly inferenceStates: ReadonlySet<string>;
}

/**
 * Builds what a configuration describes.
 *
 * @throws FaceparseError for a network with as many parameters as the limit or more, saying both numbers
 */
export function planTraining(config: Config): TrainingPlan {
  const { train } = config;
  const labelSet = getLabelSet(config.data.labels);
  const model = createModel(config.model.name, { classes: labelSet.classes.length });
  checkLoss(config.loss, labelSet);
  checkResolutions(config);
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
  checkParameterLimit(config, parameters);
  return {
    labelSet,
    model,
    origin: { kind: 'random', seed: train.seed },
    resolutions,
    parameters,
    gigaMultiplyAccumulates: gigaMultiplyAccumulates(forward),
    average,
    inferenceStates: new Set(forward.states.keys()),
  };
}

/** Checks that a step can be filled from the pairs there are. @throws FaceparseError (exit code 2) that names the keys to lower */
export function requireEnoughPairs({ train }: Config, pairs: number): void {
  const images = imagesPerStep(train);
  if (pairs >= images) return;
  const keys = train.accumulate > 1 ? 'train.batchSize or train.accumulate' : 'train.batchSize';
  throw new FaceparseError(`a batch of ${images} cannot be filled from ${pairs} pairs; lower ${keys}`, { exitCode: 2 });
}

/** The resolution that a run is in after a share of it, from 0 to 1. */
export function resolutionAt(resolutions: readonly TrainingResolution[], progress: number): TrainingResolution {
  return resolutions.find(({ until }) => progress < until) ?? resolutions.at(-1)!;
}

/** The share of a run's work that is done after a share of its steps, both from 0 to 1: work goes with the number of pixels. */
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

/** The resolution with the size that the configuration names first: the size at which the network is used. */
export function finalResolution({ resolutions }: TrainingPlan): TrainingResolution {
  return resolutions.at(-1)!;
}

function checkResolutions({ train: { resolutions } }: Config): void {
  resolutions.forEach(({ until }, index) => {
    const before = resolutions[index - 1]?.until ?? 0;
    if (until > before) return;
    throw new FaceparseError(
      `train.resolutions.${index}.until is ${until}, but the resolution before it lasts until ${before}`,
      {
        exitCode: 2,
      },
    );
  });
}

function checkParameterLimit(config: Config, parameters: number): void {
  const { limit } = config.parameters;
  if (limit === undefined || parameters < limit) return;
  throw new FaceparseError(
    `${config.model.name} has ${formatCount(parameters)} trainable parameters, but parameters.limit wants fewer than ` +
      `${formatCount(limit)}. Choose a smaller network or raise the limit.`,
    { exitCode: 2 },
  );
}
