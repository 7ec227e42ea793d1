import { type Graph, stateAttributes } from '../src/graph/graph.ts';

/**
 * Lets programs of a graph start from these values. Drawing the initial ones takes longer than running a network on a small image.
 * States without a value keep their initial one.
 */
export function setInitialStates(graph: Graph, states: ReadonlyMap<string, Float32Array>): void {
  for (const [name, state] of graph.states) {
    const value = states.get(name);
    if (value) Object.assign(stateAttributes(state), { initial: () => value });
  }
}

/** Lets programs of several graphs share the initial values of the states that they have in common: each is drawn once. */
export function drawOnce(graph: Graph, drawn: Map<string, Float32Array>): void {
  for (const [name, state] of graph.states) {
    const attributes = stateAttributes(state);
    const { initial } = attributes;
    const shared = () => {
      const value = drawn.get(name) ?? initial();
      drawn.set(name, value);
      return value;
    };
    Object.assign(attributes, { initial: shared });
  }
}
