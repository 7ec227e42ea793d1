import { Graph, type Tensor } from '../graph/graph.ts';
import type { PreprocessingRules } from '../image/preprocessing.ts';
import type { Scope } from '../nn/scope.ts';

/** What a network gives: class scores before the softmax, N×classes×h×w, at its own stride. */
export interface NetworkOutput {
  readonly logits: Tensor;
  /** Scores of heads on inner features that help training; only where they were asked for. */
  readonly auxiliary?: readonly Tensor[];
}

/** How a model is built. */
export interface BuildOptions {
  /** Batch statistics and dropout on; running statistics are updated. */
  readonly training: boolean;
  /** Seed of the initial weights; default 0. */
  readonly seed?: number;
  /** Whether to build auxiliary heads too, where the architecture has any; default no. */
  readonly auxiliary?: boolean;
}

/** An architecture as the registry knows it. */
export interface Architecture {
  readonly name: string;
  /** One sentence for lists. */
  readonly summary: string;
  /** Both sides of an image must be multiples of this. */
  readonly multiple: number;
  /** What it is trained with; default `defaultPreprocessing`. To change it later, give the architecture a new name. */
  readonly trainingPreprocessing?: PreprocessingRules;
  build(scope: Scope, x: Tensor, classes: number): NetworkOutput;
}

/** An architecture with its arguments filled in: it can be built into any graph, for training or inference. */
export interface Model {
  readonly name: string;
  readonly classes: number;
  readonly multiple: number;
  /** What it is trained with. Trained weights carry their own, which need not be the same. */
  readonly trainingPreprocessing: PreprocessingRules;
  /** Builds the network; parameters are states of the graph of x. Same seed, same initial weights. */
  build(x: Tensor, options: BuildOptions): NetworkOutput;
}

/** The network alone in a graph with input `image` (N×3×H×W, normalised) and output `logits`, for inference. */
export function inferenceGraph(model: Model, shape: { batch: number; height: number; width: number }): Graph {
  const graph = new Graph();
  const x = graph.input('image', [shape.batch, 3, shape.height, shape.width]);
  graph.output('logits', model.build(x, { training: false }).logits);
  return graph;
}
