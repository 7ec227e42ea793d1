import { type Graph, stateAttributes } from '../src/graph/graph.ts';

/** Lets programs of a graph start from these values: drawing initial ones takes longer than running a network on a small image. */
export function setInitialStates(graph: Graph, states: ReadonlyMap<string, Float32Array>): void {
  for (const [name, state] of graph.states) Object.assign(stateAttributes(state), { initial: () => states.get(name)! });
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
