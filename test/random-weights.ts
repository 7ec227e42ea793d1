import { type Graph, sizeOf, stateAttributes } from '../src/graph/graph.ts';
import { defaultPreprocessing, type PreprocessingRules } from '../src/image/preprocessing.ts';
import type { LabelSetChoice } from '../src/labels/label-table.ts';
import { getLabelSet } from '../src/labels/registry.ts';
import { inferenceGraph } from '../src/models/model.ts';
import { createModel } from '../src/models/registry.ts';
import type { Weights } from '../src/models/weights-file.ts';
import { Random } from '../src/random/random.ts';

/**
 * Values for all states of a graph: weights about as large as the initial ones, biases that are not 0, and running statistics
 * that are not 0 and 1. Uniform, which is drawn several times faster than normal.
 */
export function randomStates(graph: Graph, name: string): Map<string, Float32Array> {
  const random = new Random(6, name);
  const draw = (count: number, middle: number, reach: number) => {
    const values = new Float32Array(count);
    for (let index = 0; index < count; index++) values[index] = random.uniform(middle - reach, middle + reach);
    return values;
  };
  const valuesOf = (key: string, shape: readonly number[]) => {
    const count = sizeOf(shape);
    if (key.endsWith('running_var')) return draw(count, 1.25, 0.75);
    if (key.endsWith('running_mean') || key.endsWith('bias')) return draw(count, 0, 0.125);
    if (shape.length === 1) return draw(count, 1, 0.25);
    return draw(count, 0, Math.sqrt(6 / sizeOf(shape.slice(1))));
  };
  return new Map([...graph.states].map(([key, { shape }]) => [key, valuesOf(key, shape)]));
}

/** The same weights for images of another size, as networks without fully connected layers allow. */
export function atSize(weights: Weights, size: number): Weights {
  return { ...weights, preprocessing: { ...weights.preprocessing, size } };
}

/** The same weights for letterboxed photos. */
export function letterboxed(weights: Weights): Weights {
  return { ...weights, preprocessing: { ...weights.preprocessing, resize: 'letterbox-area-bilinear' } };
}

/** The states that a network has before training. */
function initialStates(graph: Graph): Map<string, Float32Array> {
  return new Map([...graph.states].map(([name, state]) => [name, stateAttributes(state).initial()]));
}

/** The weights that a network has before training, or others, and the graph that they belong to. */
export function randomWeights(
  options: {
    model?: string;
    encoder?: string;
    labels?: LabelSetChoice;
    size?: number;
    rules?: PreprocessingRules;
  } = {},
  statesOf: (graph: Graph, model: string) => Map<string, Float32Array> = initialStates,
): {
  weights: Weights;
  graph: Graph;
} {
  const { model = 'mobile-unet', encoder, labels = 'celebamask-19', size = 32, rules = defaultPreprocessing } = options;
  const classes = getLabelSet(labels).classes.length;
  const network = createModel(model, { classes, ...(encoder !== undefined && { encoder }) });
  const graph = inferenceGraph(network, { batch: 1, height: size, width: size });
  const states = statesOf(graph, model);
  const preprocessing = { ...rules, size };
  const { settings } = network;
  const described = { model, ...(settings.encoder !== undefined && { settings }), labels, preprocessing };
  return { weights: { ...described, states, notes: { run: 'untrained' } }, graph };
}
