import type { Graph } from '../graph/graph.ts';
import { getLabelSet } from '../labels/registry.ts';
import { FaceparseError } from '../text/errors.ts';
import { inferenceGraph, type Model } from './model.ts';
import { createModel, registrationHint } from './registry.ts';
import { checkWeightsFit, type Weights } from './weights-file.ts';

/**
 * The network that weights belong to, with their classes and settings.
 *
 * @throws FaceparseError if it is unknown or does not have the settings
 */
export function modelOf({ model, settings, labels }: Pick<Weights, 'model' | 'settings' | 'labels'>): Model {
  return createModel(model, { ...settings, classes: getLabelSet(labels).classes.length });
}

/**
 * Builds the inference graph of the network that weights belong to, for images of size×size pixels, and checks the weights
 * against it.
 *
 * @param name what to call the weights in errors
 * @throws FaceparseError if the network is unknown, does not accept that size, or does not match the weights
 */
export function weightsGraph(weights: Weights, name: string, size = weights.preprocessing.size, batch = 1): Graph {
  let graph: Graph;
  try {
    graph = inferenceGraph(modelOf(weights), { batch, height: size, width: size });
  } catch (cause) {
    const hint = registrationHint(weights.model);
    const own = hint === undefined ? '' : `; ${hint}`;
    throw new FaceparseError(`${name} cannot be used: ${(cause as Error).message}${own}`, { cause });
  }
  checkWeightsFit(weights, graph, name);
  return graph;
}
