import { Graph, type Tensor } from '../graph/graph.ts';
import type { PreprocessingRules } from '../image/preprocessing.ts';
import type { Scope } from '../nn/scope.ts';
import type { ModelSettings, SettingRules } from './settings.ts';

/** Output of a network: logits N×classes×h×w at the network's output stride. */
export interface NetworkOutput {
  readonly logits: Tensor;
  /** Logits of the auxiliary heads, if they were requested. */
  readonly auxiliary?: readonly Tensor[];
}

/** How a model is built. */
export interface BuildOptions {
  /** Whether to use batch statistics and dropout and to update the running statistics. */
  readonly training: boolean;
  /** Seed of the initial weights; default 0. */
  readonly seed?: number;
  /** Whether to build the auxiliary heads, if the architecture has any; default false. */
  readonly auxiliary?: boolean;
  /** Whether the batch normalisation at a path stays frozen in training (`BuildMode`); default: none does. */
  readonly frozenBatchNorm?: (path: string) => boolean;
}

/** An entry of the registry of architectures. */
export interface Architecture {
  readonly name: string;
  /** One sentence for lists. */
  readonly summary: string;
  /** Both sides of an image must be multiples of this. */
  readonly multiple: number;
  /** Its settings, if any. */
  readonly settings?: SettingRules;
  /**
   * Preprocessing for training; default: the encoder's, or `defaultPreprocessing`. To change it later, give the architecture a
   * new name.
   */
  readonly trainingPreprocessing?: PreprocessingRules;
  /** @param settings all settings of `settings`, with defaults filled in */
  build(scope: Scope, x: Tensor, classes: number, settings: ModelSettings): NetworkOutput;
}

/** An architecture with its arguments bound; it can be built into any graph, for training or inference. */
export interface Model {
  readonly name: string;
  /** Its settings, with all defaults filled in. */
  readonly settings: ModelSettings;
  /** Its name for people: `unet (resnet18)`. */
  readonly title: string;
  readonly classes: number;
  readonly multiple: number;
  /** Preprocessing for training. Trained weights carry their own, which may differ. */
  readonly trainingPreprocessing: PreprocessingRules;
  /** Builds the network. Parameters are states of the graph of x. The same seed gives the same initial weights. */
  build(x: Tensor, options: BuildOptions): NetworkOutput;
}

/** Builds an inference graph of the network, with input `image` (N×3×H×W, normalised) and output `logits`. */
export function inferenceGraph(model: Model, shape: { batch: number; height: number; width: number }): Graph {
  const graph = new Graph();
  const x = graph.input('image', [shape.batch, 3, shape.height, shape.width]);
  graph.output('logits', model.build(x, { training: false }).logits);
  return graph;
}
