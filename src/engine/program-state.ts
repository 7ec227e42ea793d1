import { formatShape, type Graph, sizeOf, stateAttributes, type Tensor } from '../graph/graph.ts';

/** Checks that a run is given every input of the graph, with the right type and length, and nothing else. */
export function checkInputs(graph: Graph, values: Readonly<Record<string, ArrayLike<number>>>): void {
  for (const [name, tensor] of graph.inputs) {
    const value = values[name];
    if (!value) throw new Error(`the input '${name}' (${formatShape(tensor.shape)}) is missing`);
    const typed = tensor.dtype === 'int32' ? value instanceof Int32Array : !(value instanceof Int32Array);
    if (!typed) throw new Error(`the input '${name}' must be ${tensor.dtype}`);
    if (value.length !== sizeOf(tensor.shape)) {
      throw new Error(
        `the input '${name}' has ${value.length} values; ${formatShape(tensor.shape)} wants ${sizeOf(tensor.shape)}`,
      );
    }
  }
  for (const name of Object.keys(values)) {
    if (!graph.inputs.has(name))
      throw new Error(`the graph has no input '${name}'; it has ${[...graph.inputs.keys()].join(', ')}`);
  }
}

/** Checks values that are to be written into states: every name known, every length right. */
export function checkStates(graph: Graph, values: ReadonlyMap<string, ArrayLike<number>>): void {
  for (const [name, value] of values) {
    const length = sizeOf(stateOf(graph, name).shape);
    if (value.length !== length)
      throw new Error(`the state '${name}' has ${length} values; ${value.length} were given`);
  }
}

/** The state of that name, or an error that says so. */
export function stateOf(graph: Graph, name: string): Tensor {
  const state = graph.states.get(name);
  if (!state) throw new Error(`the graph has no state '${name}'`);
  return state;
}

/** The value that a state starts with. */
export function initialState(state: Tensor): Float32Array {
  const { name, initial } = stateAttributes(state);
  const value = initial();
  if (value.length !== sizeOf(state.shape)) {
    throw new Error(
      `the initial value of '${name}' has ${value.length} values; ${formatShape(state.shape)} wants ${sizeOf(state.shape)}`,
    );
  }
  return value;
}
