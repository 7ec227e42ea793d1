import { gradients } from '../graph/autodiff.ts';
import { Graph, type Tensor, trainableStates } from '../graph/graph.ts';
import { add } from '../graph/ops/elementwise.ts';
import { scale } from '../graph/ops/reduction.ts';
import { resize } from '../graph/ops/resize.ts';
import { combinedLoss, type LossOptions } from '../losses/combined.ts';
import type { Model } from '../models/model.ts';
import { trackMovingAverage } from '../optim/moving-average.ts';
import { type UpdateOptions, updateParameters } from '../optim/optimizer.ts';
import { FaceparseError } from '../text/errors.ts';

export interface TrainingStepOptions extends UpdateOptions {
  readonly model: Model;
  readonly batchSize: number;
  /** Side of the images that the network is given. */
  readonly size: number;
  /** Side of the labels; the logits are brought to it before the loss. */
  readonly labelSize: number;
  readonly loss: LossOptions & {
    /** Weight of the losses at the auxiliary heads of the model; without it they are not built. */
    readonly auxiliary?: number;
  };
  /** Whether a moving average of the weights is kept. */
  readonly average: boolean;
  readonly seed: number;
}

/** A whole training step as a graph, and the states that make up the network. */
export interface TrainingStep {
  /** Inputs image, labels, learningRate, with an average also averageDecay; outputs loss, its parts, gradientNorm. */
  readonly graph: Graph;
  /** Weights and running statistics, in the order in which the average holds them. */
  readonly networkStates: readonly Tensor[];
}

/** Builds forward pass, loss, backward pass, optimiser and moving average into one graph. */
export function buildTrainingStep(options: TrainingStepOptions): TrainingStep {
  const { model, batchSize, size, labelSize, seed } = options;
  const graph = new Graph();
  const image = graph.input('image', [batchSize, 3, size, size]);
  const labels = graph.input('labels', [batchSize, labelSize, labelSize], 'int32');
  const learningRate = graph.input('learningRate', []);
  const { auxiliary: auxiliaryWeight = 0 } = options.loss;
  const { logits, auxiliary = [] } = model.build(image, { training: true, seed, auxiliary: auxiliaryWeight > 0 });
  if (auxiliaryWeight > 0 && auxiliary.length === 0) {
    throw new FaceparseError(`${model.name} has no auxiliary heads; set loss.auxiliary to 0`, { exitCode: 2 });
  }
  const networkStates = [...graph.states.values()];
  const lossOf = (scores: Tensor) => combinedLoss(resize(scores, labelSize, labelSize), labels, options.loss);
  const { total: main, parts } = lossOf(logits);
  const total = auxiliary.reduce((sum, scores) => add(sum, scale(lossOf(scores).total, auxiliaryWeight)), main);
  const parameters = trainableStates(graph);
  const { gradientNorm } = updateParameters(parameters, gradients(total, parameters), learningRate, options);
  if (options.average) trackMovingAverage(networkStates, graph.input('averageDecay', []));
  graph.output('loss', total);
  for (const [name, part] of parts) graph.output(name, part);
  graph.output('gradientNorm', gradientNorm);
  return { graph, networkStates };
}
