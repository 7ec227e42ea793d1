import { gradients } from '../../graph/autodiff.ts';
import { Graph, type StateOwner, type Tensor } from '../../graph/graph.ts';
import { add, mul } from '../../graph/ops/elementwise.ts';
import { scale } from '../../graph/ops/reduction.ts';
import { resize } from '../../graph/ops/resize.ts';
import { copyNode } from '../../graph/passes/rewrite.ts';
import { type BatchShares, combinedLoss, type LossOptions } from '../../losses/combined.ts';
import type { Model } from '../../models/model.ts';
import { flatten } from '../../optim/flat-vector.ts';
import { trackMovingAverage } from '../../optim/moving-average.ts';
import { type UpdateOptions, updateParameters } from '../../optim/optimizer.ts';
import { FaceparseError } from '../../text/errors.ts';
import { type StepSums, trackSums } from './step-sums.ts';
import { type FineTuningOptions, frozenBatchNorm, rateFactor, trainedParameters } from './trained-parameters.ts';

export interface TrainingStepOptions extends Omit<UpdateOptions, 'rateFactor'>, FineTuningOptions {
  readonly model: Model;
  /** Images per batch. */
  readonly batchSize: number;
  /** Gradient accumulation: batches per update; default 1. */
  readonly accumulate?: number;
  /** Side of the network input. */
  readonly size: number;
  /** Side of the labels; the logits are resized to it before the loss. */
  readonly labelSize: number;
  readonly loss: LossOptions & {
    /** Weight of the losses at the model's auxiliary heads; if absent, the heads are not built. */
    readonly auxiliary?: number;
  };
  /** Whether to keep a moving average of the weights. */
  readonly average: boolean;
  readonly seed: number;
}

/** The graphs of a step: `step` is a whole step; `accumulate` and `update` are its two halves. */
export type StepEntry = 'step' | 'accumulate' | 'update';

/** A training step as graphs over one store of states. */
export interface TrainingStep extends StateOwner {
  /**
   * Inputs image and labels of `step` and `accumulate`, learningRate and, with an average, averageDecay of `step` and `update`;
   * `accumulate` also has pixelShare and keep. Outputs loss and its parts, gradientNorm.
   */
  readonly entries: Readonly<Partial<Record<StepEntry, Graph>>>;
  /** Runs of `accumulate` per `update`; 1 if there is a `step` graph. */
  readonly accumulate: number;
  /** Images per step. */
  readonly images: number;
  readonly classes: number;
  /** Number of parameters that an update changes: those that are not frozen. */
  readonly trainedParameters: number;
  /** Weights and running statistics, in the order of the average. */
  readonly networkStates: readonly Tensor[];
  /** Names of all states on which the next step depends: the contents of a checkpoint. */
  readonly states: ReadonlyMap<string, Tensor>;
  /** Sums accumulated by the program until they are read. */
  readonly sums: readonly StepSums[];
}

/** The gradients of the batches since the last update, as one vector. An update clears it. */
const gradientSumState = 'gradient.sum';

/** Builds forward pass, loss, backward pass, optimiser and moving average: one graph, or two with gradient accumulation. */
export function buildTrainingStep(options: TrainingStepOptions): TrainingStep {
  const { accumulate = 1, batchSize } = options;
  const step = accumulate === 1 ? wholeStep(options) : cutStep(options, accumulate);
  const states = new Map<string, Tensor>();
  for (const graph of Object.values(step.entries)) {
    for (const [name, state] of graph.states) {
      if (name !== gradientSumState && !states.has(name)) states.set(name, state);
    }
  }
  return { ...step, accumulate, images: accumulate * batchSize, classes: options.model.classes, states };
}

type BuiltStep = Pick<TrainingStep, 'entries' | 'networkStates' | 'sums' | 'trainedParameters'>;

function wholeStep(options: TrainingStepOptions): BuiltStep {
  const graph = new Graph();
  const { image, labels } = batchInputs(graph, options);
  const learningRate = graph.input('learningRate', []);
  const { loss, auxiliary, parts, networkStates } = networkLoss(image, labels, options);
  const parameters = trainedParameters(graph, options.model.name, options);
  const flat = flatten(gradients(loss, parameters));
  const { gradientNorm } = updateParameters(parameters, flat, learningRate, updateOptions(options));
  if (options.average) trackMovingAverage(networkStates, graph.input('averageDecay', []));
  const sums = [
    ...trackLosses(graph, { loss, auxiliary, parts }),
    trackSums(graph, 'norms', new Map([['gradientNorm', gradientNorm]])),
  ];
  return { entries: { step: graph }, networkStates, sums, trainedParameters: flat.shape[0] };
}

/**
 * `accumulate` adds the gradients of one batch to a state; `update` makes the optimiser step from it. The losses cover all
 * batches together: see `BatchShares`.
 */
function cutStep(options: TrainingStepOptions, batches: number): BuiltStep {
  const forward = new Graph();
  const { image, labels } = batchInputs(forward, options);
  const shares = { pixels: forward.input('pixelShare', []), images: 1 / batches };
  // 0 for the first batch of a step, to start a new sum; else 1.
  const keep = forward.input('keep', []);
  const { loss, auxiliary, parts, networkStates } = networkLoss(image, labels, options, shares);
  const parameters = trainedParameters(forward, options.model.name, options);
  const flat = flatten(gradients(loss, parameters));
  const sum = gradientSum(forward, flat.shape[0]);
  forward.assign(sum, add(mul(sum, keep), flat));
  const losses = trackLosses(forward, { loss, auxiliary, parts });

  const update = new Graph();
  const learningRate = update.input('learningRate', []);
  const states = networkStates.map(({ node }) => copyNode(node, [], update)[0]);
  const flatSum = gradientSum(update, flat.shape[0]);
  const updated = states.filter((_, index) => parameters.includes(networkStates[index]));
  const { gradientNorm } = updateParameters(updated, flatSum, learningRate, updateOptions(options));
  // The first graph changes the running statistics.
  const changed = new Set([...forward.updates.keys(), ...update.updates.keys()]);
  if (options.average) trackMovingAverage(states, update.input('averageDecay', []), changed);
  const norms = trackSums(update, 'norms', new Map([['gradientNorm', gradientNorm]]));
  const sums = [...losses, norms];
  return { entries: { accumulate: forward, update }, networkStates, sums, trainedParameters: flat.shape[0] };
}

/** The losses of a step that the metrics show. Auxiliary heads have a state of their own, which older checkpoints lack. */
function trackLosses(
  graph: Graph,
  { loss, auxiliary, parts }: Pick<NetworkLoss, 'loss' | 'auxiliary' | 'parts'>,
): StepSums[] {
  const losses = trackSums(graph, 'losses', new Map([['loss', loss], ...parts]));
  return auxiliary ? [losses, trackSums(graph, 'auxiliary', new Map([['auxiliary', auxiliary]]))] : [losses];
}

function updateOptions(options: TrainingStepOptions): UpdateOptions {
  const { optimizer, clipNorm } = options;
  const factor = rateFactor(options);
  return { optimizer, clipNorm, ...(factor && { rateFactor: factor }) };
}

function gradientSum(graph: Graph, length: number): Tensor {
  return graph.state(gradientSumState, [length], () => new Float32Array(length));
}

function batchInputs(graph: Graph, { batchSize, size, labelSize }: TrainingStepOptions) {
  return {
    image: graph.input('image', [batchSize, 3, size, size]),
    labels: graph.input('labels', [batchSize, labelSize, labelSize], 'int32'),
  };
}

interface NetworkLoss {
  readonly loss: Tensor;
  /** Each loss of the logits before weighting. */
  readonly parts: ReadonlyMap<string, Tensor>;
  /** Sum of the losses at the auxiliary heads before it is weighted; absent without them. */
  readonly auxiliary?: Tensor | undefined;
  readonly networkStates: readonly Tensor[];
}

/** Builds the network and its loss, including the auxiliary heads. */
function networkLoss(image: Tensor, labels: Tensor, options: TrainingStepOptions, shares?: BatchShares): NetworkLoss {
  const { model, labelSize, seed } = options;
  const { auxiliary: auxiliaryWeight = 0 } = options.loss;
  const frozen = frozenBatchNorm(options);
  const { logits, auxiliary = [] } = model.build(image, {
    training: true,
    seed,
    auxiliary: auxiliaryWeight > 0,
    ...(frozen && { frozenBatchNorm: frozen }),
  });
  if (auxiliaryWeight > 0 && auxiliary.length === 0) {
    throw new FaceparseError(`${model.name} has no auxiliary heads; set loss.auxiliary to 0`, { exitCode: 2 });
  }
  const networkStates = [...image.graph.states.values()];
  const lossOf = (scores: Tensor) => combinedLoss(resize(scores, labelSize, labelSize), labels, options.loss, shares);
  const { total: main, parts } = lossOf(logits);
  const heads = auxiliary.map((scores) => lossOf(scores).total);
  const loss = heads.reduce((sum, head) => add(sum, scale(head, auxiliaryWeight)), main);
  return {
    loss,
    parts,
    networkStates,
    auxiliary: heads.length > 0 ? heads.reduce((sum, head) => add(sum, head)) : undefined,
  };
}
