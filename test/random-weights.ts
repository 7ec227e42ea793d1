import { type Graph, stateAttributes } from '../src/graph/graph.ts';
import { getLabelSet } from '../src/labels/registry.ts';
import { inferenceGraph } from '../src/models/model.ts';
import { createModel } from '../src/models/registry.ts';
import type { Weights } from '../src/parser/weights-file.ts';

/** The weights that a network has before training, and the graph that they belong to. */
export function randomWeights(options: { model?: string; labels?: string; size?: number } = {}): {
  weights: Weights;
  graph: Graph;
} {
  const { model = 'unet', labels = 'celebamask-19', size = 32 } = options;
  const network = createModel(model, { classes: getLabelSet(labels).classes.length });
  const graph = inferenceGraph(network, { batch: 1, height: size, width: size });
  const states = new Map([...graph.states].map(([name, state]) => [name, stateAttributes(state).initial()]));
  return { weights: { model, labels, size, states, notes: { run: 'untrained' } }, graph };
}
