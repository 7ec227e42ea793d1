import type { Module } from './module.ts';

/** Element types of the tensors in a graph. */
export type DataType = 'float32' | 'int32';

export type Shape = readonly number[];

/** The static type of a tensor. */
export interface TensorType {
  readonly shape: Shape;
  readonly dtype: DataType;
}

/** One value in a graph: output `index` of `node`. Shapes are N×C×H×W for images and feature maps. */
export interface Tensor extends TensorType {
  readonly id: number;
  readonly graph: Graph;
  readonly node: GraphNode;
  readonly index: number;
}

/** One application of an op. `attributes` have the type given by the op's definition; use `isOp` to narrow it. */
export interface GraphNode<Attributes extends object = object> {
  readonly op: string;
  readonly inputs: readonly Tensor[];
  readonly attributes: Attributes;
  readonly outputs: readonly Tensor[];
  /** The innermost module that created the node; undefined outside networks, for example in a loss. */
  readonly module?: Module;
}

/** How the host draws a random input: each element is 1/keep with probability `keep`, else 0. */
export interface RandomSource {
  readonly kind: 'dropout';
  readonly keep: number;
}

export interface InputAttributes {
  readonly name: string;
  readonly random?: RandomSource;
}

export interface ConstantAttributes {
  readonly data: Float32Array | Int32Array;
}

/** A tensor that persists inside a program between runs: a weight, a moment, a running statistic. */
export interface StateAttributes {
  readonly name: string;
  /** Value before the first run; called only when it is needed. */
  readonly initial: () => Float32Array;
  /** Whether the optimiser updates it. */
  readonly trainable: boolean;
  /** Whether weight decay applies to it (convolution and matrix weights, not biases or normalisation). */
  readonly decay: boolean;
}

/** States by name, of one graph or of several graphs that share them. */
export interface StateOwner {
  readonly states: ReadonlyMap<string, Tensor>;
}

/** The number of elements of a shape. */
export function sizeOf(shape: Shape): number {
  return shape.reduce((product, extent) => product * extent, 1);
}

/** Formats a shape for people: `8×3×256×256`, or `scalar`. */
export function formatShape(shape: Shape): string {
  return shape.length === 0 ? 'scalar' : shape.join('×');
}

/**
 * A static dataflow graph: nodes in topological order, with named inputs, states and outputs.
 *
 * A training step is one graph: its inputs are a batch and the learning rate, its states are weights, moments and
 * running statistics, and `assign` sets the new value of each state after a run.
 *
 * @example
 * const graph = new Graph();
 * const x = graph.input('x', [1, 3, 8, 8]);
 * graph.output('y', relu(x));
 */
export class Graph {
  readonly nodes: GraphNode[] = [];
  readonly inputs = new Map<string, Tensor>();
  readonly states = new Map<string, Tensor>();
  readonly outputs = new Map<string, Tensor>();
  /** Maps each state name to its value after a run. */
  readonly updates = new Map<string, Tensor>();
  private nextId = 0;
  private currentModule: Module | undefined;

  /** The module to which new nodes belong. */
  get module(): Module | undefined {
    return this.currentModule;
  }

  /** Assigns all nodes created by the body to a module, or to none if it is undefined. Calls may be nested. */
  within<Result>(module: Module | undefined, body: () => Result): Result {
    const outer = this.currentModule;
    this.currentModule = module;
    try {
      return body();
    } finally {
      this.currentModule = outer;
    }
  }

  /** Appends a node. Callers use the op's builder function instead. */
  add(op: string, inputs: readonly Tensor[], attributes: object, types: readonly TensorType[]): readonly Tensor[] {
    for (const input of inputs) {
      if (input.graph !== this) throw new Error(`${op}: an input belongs to another graph`);
    }
    const outputs: Tensor[] = [];
    const module = this.currentModule;
    const node: GraphNode = { op, inputs: [...inputs], attributes, outputs, ...(module && { module }) };
    types.forEach(({ shape, dtype }, index) => {
      checkShape(op, shape);
      outputs.push({ id: this.nextId++, graph: this, node, index, shape: [...shape], dtype });
    });
    this.nodes.push(node);
    return outputs;
  }

  /** Declares an input, to be fed at every run. */
  input(name: string, shape: Shape, dtype: DataType = 'float32', random?: RandomSource): Tensor {
    if (this.inputs.has(name)) throw new Error(`the graph already has an input '${name}'`);
    const attributes: InputAttributes = random ? { name, random } : { name };
    const [tensor] = this.add('input', [], attributes, [{ shape, dtype }]);
    this.inputs.set(name, tensor);
    return tensor;
  }

  /** Adds a constant. */
  constant(data: Float32Array | Int32Array | readonly number[], shape: Shape): Tensor {
    const values = Array.isArray(data) ? Float32Array.from(data) : (data as Float32Array | Int32Array);
    if (values.length !== sizeOf(shape)) {
      throw new Error(`constant: ${values.length} values do not fill the shape ${formatShape(shape)}`);
    }
    const dtype = values instanceof Int32Array ? 'int32' : 'float32';
    return this.add('constant', [], { data: values } satisfies ConstantAttributes, [{ shape, dtype }])[0];
  }

  /** Adds a scalar constant. */
  scalar(value: number): Tensor {
    return this.constant([value], []);
  }

  /** Declares a state: a value that persists inside the program between runs. */
  state(
    name: string,
    shape: Shape,
    initial: () => Float32Array,
    options: { trainable?: boolean; decay?: boolean } = {},
  ): Tensor {
    if (this.states.has(name)) throw new Error(`the graph already has a state '${name}'`);
    const { trainable = false, decay = false } = options;
    const attributes: StateAttributes = { name, initial, trainable, decay };
    const [tensor] = this.add('state', [], attributes, [{ shape, dtype: 'float32' }]);
    this.states.set(name, tensor);
    return tensor;
  }

  /** Sets a state to `next` after the run; every read within the run sees the old value. */
  assign(state: Tensor, next: Tensor): void {
    if (state.node.op !== 'state') throw new Error('assign: the target is not a state');
    if (state.graph !== this || next.graph !== this) throw new Error('assign: a tensor belongs to another graph');
    const { name } = state.node.attributes as StateAttributes;
    if (this.updates.has(name)) throw new Error(`the state '${name}' is assigned twice`);
    if (formatShape(state.shape) !== formatShape(next.shape)) {
      throw new Error(`the state '${name}' is ${formatShape(state.shape)} but is assigned ${formatShape(next.shape)}`);
    }
    this.updates.set(name, next);
  }

  /**
   * Sets a state to a function of its value. Where a layer is used several times, each use starts from the value that the one
   * before has set, as if they ran one after the other.
   */
  update(state: Tensor, change: (current: Tensor) => Tensor): void {
    if (state.node.op !== 'state') throw new Error('update: the target is not a state');
    const { name } = stateAttributes(state);
    const next = change(this.updates.get(name) ?? state);
    this.updates.delete(name);
    this.assign(state, next);
  }

  /** Declares a named output. */
  output(name: string, tensor: Tensor): void {
    if (this.outputs.has(name)) throw new Error(`the graph already has an output '${name}'`);
    if (tensor.graph !== this) throw new Error(`the output '${name}' belongs to another graph`);
    this.outputs.set(name, tensor);
  }
}

/** The attributes of a state tensor. */
export function stateAttributes(state: Tensor): StateAttributes {
  return state.node.attributes as StateAttributes;
}

/** The states that an optimiser updates, in order of declaration. */
export function trainableStates(graph: Graph): Tensor[] {
  return [...graph.states.values()].filter((state) => stateAttributes(state).trainable);
}

function checkShape(op: string, shape: Shape): void {
  for (const extent of shape) {
    if (!Number.isInteger(extent) || extent < 1) {
      throw new Error(`${op}: the result would be ${formatShape(shape)}; every extent must be a positive integer`);
    }
  }
  if (sizeOf(shape) > 2 ** 31) throw new Error(`${op}: ${formatShape(shape)} is more than 2^31 elements`);
}
