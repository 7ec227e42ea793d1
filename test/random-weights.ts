import { type Graph, stateAttributes } from '../src/graph/graph.ts';
import { defaultPreprocessing, type PreprocessingRules } from '../src/image/preprocessing.ts';
import type { LabelSetChoice } from '../src/labels/label-table.ts';
import { getLabelSet } from '../src/labels/registry.ts';
import { inferenceGraph } from '../src/models/model.ts';
import { createModel } from '../src/models/registry.ts';
import type { Weights } from '../src/models/weights-file.ts';
import { Random } from '../src/random/random.ts';

/** Values for all states of a graph: near the initial ones, with running statistics that are not 0 and 1. */
export function randomStates(graph: Graph, name: string): Map<string, Float32Array> {
  const random = new Random(5, name);
  const draw = (key: string, initial: Float32Array) => {
    if (key.endsWith('running_mean')) return initial.map(() => 0.1 * random.normal());
    if (key.endsWith('running_var')) return initial.map(() => random.uniform(0.5, 2));
    return initial.map((value) => value + 0.05 * random.normal());
  };
  return new Map([...graph.states].map(([key, state]) => [key, draw(key, stateAttributes(state).initial())]));
}

/** The same weights for images of another size, as networks without fully connected layers allow. */
export function atSize(weights: Weights, size: number): Weights {
  return { ...weights, preprocessing: { ...weights.preprocessing, size } };
}

/** The same weights for letterboxed photos. */
export function letterboxed(weights: Weights): Weights {
  return { ...weights, preprocessing: { ...weights.preprocessing, resize: 'letterbox-area-bilinear' } };
}

/** The weights that a network has before training, and the graph that they belong to. */
export function randomWeights(
  options: {
    model?: string;
    encoder?: string;
    labels?: LabelSetChoice;
    size?: number;
    rules?: PreprocessingRules;
  } = {},
): {
  weights: Weights;
  graph: Graph;
} {
  const { model = 'mobile-unet', encoder, labels = 'celebamask-19', size = 32, rules = defaultPreprocessing } = options;
  const classes = getLabelSet(labels).classes.length;
  const network = createModel(model, { classes, ...(encoder !== undefined && { encoder }) });
  const graph = inferenceGraph(network, { batch: 1, height: size, width: size });
  const states = new Map([...graph.states].map(([name, state]) => [name, stateAttributes(state).initial()]));
  const preprocessing = { ...rules, size };
  const { settings } = network;
  const described = { model, ...(settings.encoder !== undefined && { settings }), labels, preprocessing };
  return { weights: { ...described, states, notes: { run: 'untrained' } }, graph };
}
