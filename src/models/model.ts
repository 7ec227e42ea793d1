import { Graph, type Tensor } from '../graph/graph.ts';
import type { Scope } from '../nn/scope.ts';

/** What a network gives: class scores before the softmax, N×classes×h×w, at its own stride. */
export interface NetworkOutput {
  readonly logits: Tensor;
}

/** An architecture as the registry knows it. */
export interface Architecture {
  readonly name: string;
  /** One sentence for lists. */
  readonly summary: string;
  /** Both sides of a picture must be multiples of this. */
  readonly multiple: number;
  build(scope: Scope, x: Tensor, classes: number): NetworkOutput;
}

/** An architecture with its arguments filled in: it can be built into any graph, for training or inference. */
export interface Model {
  readonly name: string;
  readonly classes: number;
  readonly multiple: number;
  /** Builds the network; parameters are states of the graph of x. Same seed, same initial weights. */
  build(x: Tensor, mode: { training: boolean; seed?: number }): NetworkOutput;
}

/** The network alone in a graph with input `image` (N×3×H×W, normalised) and output `logits`, for inference. */
export function inferenceGraph(model: Model, shape: { batch: number; height: number; width: number }): Graph {
  const graph = new Graph();
  const x = graph.input('image', [shape.batch, 3, shape.height, shape.width]);
  graph.output('logits', model.build(x, { training: false }).logits);
  return graph;
}
