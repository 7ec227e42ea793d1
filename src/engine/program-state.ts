import { formatShape, type Graph, sizeOf, stateAttributes, type Tensor } from '../graph/graph.ts';

/** Checks that a run gets exactly the inputs of the graph, with the right types and lengths. */
export function checkInputs(graph: Graph, values: Readonly<Record<string, ArrayLike<number>>>): void {
  for (const [name, tensor] of graph.inputs) {
    const value = values[name];
    if (!value) throw new Error(`the input '${name}' (${formatShape(tensor.shape)}) is missing`);
    const typed = tensor.dtype === 'int32' ? value instanceof Int32Array : !(value instanceof Int32Array);
    if (!typed) throw new Error(`the input '${name}' must be ${tensor.dtype}`);
    if (value.length !== sizeOf(tensor.shape)) {
      throw new Error(
        `the input '${name}' has ${value.length} values; ${formatShape(tensor.shape)} requires ${sizeOf(tensor.shape)}`,
      );
    }
  }
  for (const name of Object.keys(values)) {
    if (!graph.inputs.has(name))
      throw new Error(`the graph has no input '${name}'; its inputs are ${[...graph.inputs.keys()].join(', ')}`);
  }
}

/** Returns the requested outputs of a graph; all if no names are given. @throws Error for an unknown name */
export function wantedOutputs(graph: Graph, names: readonly string[] | undefined): ReadonlyMap<string, Tensor> {
  if (!names) return graph.outputs;
  return new Map(
    names.map((name) => {
      const output = graph.outputs.get(name);
      if (!output)
        throw new Error(`the graph has no output '${name}'; its outputs are ${[...graph.outputs.keys()].join(', ')}`);
      return [name, output];
    }),
  );
}

/** Returns the states of all entries by name; the first graph with a state determines its initial value. */
export function sharedStates(entries: Readonly<Record<string, Graph>>): ReadonlyMap<string, Tensor> {
  const shared = new Map<string, Tensor>();
  for (const [entry, graph] of Object.entries(entries)) {
    for (const [name, state] of graph.states) {
      const known = shared.get(name);
      if (!known) shared.set(name, state);
      else if (formatShape(known.shape) !== formatShape(state.shape)) {
        throw new Error(
          `the state '${name}' is ${formatShape(state.shape)} in the entry '${entry}' but ${formatShape(known.shape)} in another`,
        );
      }
    }
  }
  return shared;
}

/** Returns the graph of an entry. @throws Error that lists the valid names */
export function entryOf<Value>(entries: ReadonlyMap<string, Value>, name: string): Value {
  const entry = entries.get(name);
  if (!entry) throw new Error(`the program has no entry '${name}'; its entries are ${[...entries.keys()].join(', ')}`);
  return entry;
}

/** Checks the names and lengths of values to be written to states. */
export function checkStates(states: ReadonlyMap<string, Tensor>, values: ReadonlyMap<string, ArrayLike<number>>): void {
  for (const [name, value] of values) {
    const length = sizeOf(stateOf(states, name).shape);
    if (value.length !== length)
      throw new Error(`the state '${name}' has ${length} values; ${value.length} were given`);
  }
}

/** Returns the state with that name. @throws Error if there is none */
export function stateOf(states: ReadonlyMap<string, Tensor>, name: string): Tensor {
  const state = states.get(name);
  if (!state) throw new Error(`the program has no state '${name}'`);
  return state;
}

/** Returns the initial value of a state. */
export function initialState(state: Tensor): Float32Array {
  const { name, initial } = stateAttributes(state);
  const value = initial();
  if (value.length !== sizeOf(state.shape)) {
    throw new Error(
      `the initial value of '${name}' has ${value.length} values; ${formatShape(state.shape)} requires ${sizeOf(state.shape)}`,
    );
  }
  return value;
}
