import type { Config } from '../config/schema.ts';
import type { Values } from '../engine/engine.ts';
import { FaceparseError } from '../errors.ts';
import { countParameters, gigaMultiplyAccumulates } from '../graph/cost.ts';
import { type InputAttributes, sizeOf } from '../graph/graph.ts';
import type { LabelSet } from '../labels/label-set.ts';
import { getLabelSet } from '../labels/registry.ts';
import { inferenceGraph, type Model } from '../models/model.ts';
import { createModel } from '../models/registry.ts';
import { Random } from '../random/random.ts';
import { buildTrainingStep, type TrainingStep } from './training-step.ts';

/** What a configuration comes to, before any data is read. */
export interface TrainingPlan {
  readonly labelSet: LabelSet;
  readonly model: Model;
  readonly labelSize: number;
  readonly parameters: number;
  /** Of one picture at the training size, forward. */
  readonly gigaMultiplyAccumulates: number;
  /** Whether a moving average of the weights is kept. */
  readonly average: boolean;
  readonly step: TrainingStep;
  /** Values for the inputs that are random: a function of the seed and the step. */
  drawRandomInputs(step: number): Values;
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
  const forward = inferenceGraph(model, { batch: 1, height: train.size, width: train.size });
  const parameters = countParameters(forward);
  checkParameterLimit(config, parameters);
  checkLoss(config, labelSet);
  const labelSize = train.labelSize ?? train.size / 2;
  const average = train.averageDecay > 0;
  const step = buildTrainingStep({
    model,
    batchSize: train.batchSize,
    size: train.size,
    labelSize,
    loss: config.loss,
    optimizer: train.optimizer,
    clipNorm: train.clipNorm,
    average,
    seed: train.seed,
  });
  return {
    labelSet,
    model,
    labelSize,
    parameters,
    gigaMultiplyAccumulates: gigaMultiplyAccumulates(forward),
    average,
    step,
    drawRandomInputs: (index) => drawRandomInputs(step, train.seed, index),
  };
}

function checkLoss({ loss }: Config, { name, classes }: LabelSet): void {
  if (loss.crossEntropy === 0 && loss.dice === 0) {
    throw new FaceparseError('loss.crossEntropy and loss.dice are both 0; at least one must be above', { exitCode: 2 });
  }
  if (loss.classWeights && loss.classWeights.length !== classes.length) {
    throw new FaceparseError(
      `loss.classWeights has ${loss.classWeights.length} numbers, but ${name} has ${classes.length} classes`,
      { exitCode: 2 },
    );
  }
}

function checkParameterLimit(config: Config, parameters: number): void {
  const { limit } = config.parameters;
  if (limit === undefined || parameters < limit) return;
  throw new FaceparseError(
    `${config.model.name} has ${parameters.toLocaleString('en')} trainable parameters, but parameters.limit wants fewer than ` +
      `${limit.toLocaleString('en')}. Choose a smaller network or raise the limit.`,
    { exitCode: 2 },
  );
}

function drawRandomInputs({ graph }: TrainingStep, seed: number, step: number): Values {
  const values: Values = {};
  for (const [name, input] of graph.inputs) {
    const { random } = input.node.attributes as InputAttributes;
    if (!random) continue;
    const generator = new Random(seed, 'random input', name, step);
    const kept = 1 / random.keep;
    values[name] = Float32Array.from({ length: sizeOf(input.shape) }, () => (generator.chance(random.keep) ? kept : 0));
  }
  return values;
}
