import { type DataType, formatShape, type Graph, sizeOf, type Tensor } from '../graph/graph.ts';

/** Any array that a program may be handed; Float64Array only by the reference engine in double precision. */
export type NumericArray = Float32Array | Float64Array | Int32Array;

/**
 * Checks what a program is fed: every input of the graph, nothing else, each with its length and element type.
 *
 * @throws Error that names the first input that does not fit, and what the program wants.
 */
export function checkInputs(graph: Graph, values: Readonly<Record<string, NumericArray>>): void {
  for (const name of Object.keys(values)) {
    if (!graph.inputs.has(name))
      throw new Error(`unknown input '${name}'; the program wants ${describe(graph.inputs)}`);
  }
  for (const [name, tensor] of graph.inputs) {
    if (!Object.hasOwn(values, name) || values[name] === undefined) {
      throw new Error(`the input '${name}' is missing; the program wants ${describe(graph.inputs)}`);
    }
    checkArray(`input '${name}'`, values[name], tensor);
  }
}

/**
 * Checks values for states before any of them is written.
 *
 * @throws Error that names the first state that is unknown or whose length does not fit.
 */
export function checkStateValues(graph: Graph, values: ReadonlyMap<string, NumericArray>): void {
  for (const [name, value] of values) checkArray(`state '${name}'`, value, findState(graph, name));
}

/** The state of a name; an unknown name is an error. */
export function findState(graph: Graph, name: string): Tensor {
  const state = graph.states.get(name);
  if (!state)
    throw new Error(`unknown state '${name}'; the program has ${[...graph.states.keys()].join(', ') || 'none'}`);
  return state;
}

function checkArray(what: string, value: NumericArray, tensor: Tensor): void {
  if (dataType(value) !== tensor.dtype) {
    const wanted = tensor.dtype === 'int32' ? 'an Int32Array' : 'a Float32Array';
    const given = ArrayBuffer.isView(value) ? value.constructor.name : typeof value;
    throw new Error(`the ${what} is given as ${given}; it wants ${wanted}`);
  }
  if (value.length !== sizeOf(tensor.shape)) {
    throw new Error(
      `the ${what} has ${value.length} values; ${formatShape(tensor.shape)} wants ${sizeOf(tensor.shape)}`,
    );
  }
}

function dataType(value: unknown): DataType | undefined {
  if (value instanceof Int32Array) return 'int32';
  return value instanceof Float32Array || value instanceof Float64Array ? 'float32' : undefined;
}

function describe(tensors: ReadonlyMap<string, Tensor>): string {
  const entries = [...tensors].map(([name, { dtype, shape }]) => `${name} (${dtype} ${formatShape(shape)})`);
  return entries.join(', ') || 'no inputs';
}
