import { gradients } from '../graph/autodiff.ts';
import { Graph, type Tensor, trainableStates } from '../graph/graph.ts';
import { resize } from '../graph/ops/resize.ts';
import { combinedLoss, type LossOptions } from '../losses/combined.ts';
import type { Model } from '../models/model.ts';
import { trackMovingAverage } from '../optim/moving-average.ts';
import { type UpdateOptions, updateParameters } from '../optim/optimizer.ts';

export interface TrainingStepOptions extends UpdateOptions {
  readonly model: Model;
  readonly batchSize: number;
  /** Side of the pictures that the network is given. */
  readonly size: number;
  /** Side of the labels; the logits are brought to it before the loss. */
  readonly labelSize: number;
  readonly loss: LossOptions;
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
  const { logits } = model.build(image, { training: true, seed });
  const networkStates = [...graph.states.values()];
  const { total, parts } = combinedLoss(resize(logits, labelSize, labelSize), labels, options.loss);
  const parameters = trainableStates(graph);
  const { gradientNorm } = updateParameters(parameters, gradients(total, parameters), learningRate, options);
  if (options.average) trackMovingAverage(networkStates, graph.input('averageDecay', []));
  graph.output('loss', total);
  for (const [name, part] of parts) graph.output(name, part);
  graph.output('gradientNorm', gradientNorm);
  return { graph, networkStates };
}
