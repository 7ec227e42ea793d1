import {
  type ConstantAttributes,
  type Graph,
  type GraphNode,
  type InputAttributes,
  sizeOf,
  stateAttributes,
  type Tensor,
  type TensorType,
} from '../../graph/graph.ts';
import type { NodeEvaluator } from '../../graph/passes/constant-folding.ts';
import { liveNodes } from '../../graph/passes/dead-code.ts';
import type { Engine, EntryProgram, Program } from '../engine.ts';
import {
  checkInputs,
  checkStates,
  entryOf,
  initialState,
  sharedStates,
  stateOf,
  wantedOutputs,
} from '../program-state.ts';
import { SingleEntryProgram, singleEntry } from '../single-entry.ts';
import type { Kernel, KernelTable, NumericArray } from './kernel.ts';
import { convolutionKernels } from './kernels-convolution.ts';
import { elementwiseKernels } from './kernels-elementwise.ts';
import { lovaszKernels } from './kernels-lovasz.ts';
import { normalizationKernels } from './kernels-normalization.ts';
import { poolingKernels } from './kernels-pooling.ts';
import { shapeKernels } from './kernels-shape.ts';
import { softmaxKernels } from './kernels-softmax.ts';

type FloatArray = Float32Array | Float64Array;
type FloatArrayConstructor = Float32ArrayConstructor | Float64ArrayConstructor;

/** A program in double precision, for checking gradients against finite differences. */
export interface DoubleProgram {
  run(
    inputs: Readonly<Record<string, NumericArray>>,
    outputs?: readonly string[],
  ): Promise<Record<string, Float64Array>>;
  readStates(names?: readonly string[]): Promise<Map<string, Float64Array>>;
  writeStates(values: ReadonlyMap<string, FloatArray>): Promise<void>;
  dispose(): Promise<void>;
}

/** The reference engine in double precision. */
export interface DoubleEngine {
  readonly name: string;
  readonly device: string;
  compile(graph: Graph): Promise<DoubleProgram>;
}

export interface ReferenceEngineOptions {
  /** `float64` computes and stores everything in double precision; default `float32`. */
  precision?: 'float32' | 'float64';
}

/**
 * Creates the engine in plain TypeScript: slow, obvious, without dependencies. The other engines are tested against it.
 *
 * @example
 * const program = await createReferenceEngine().compile(graph);
 * const { y } = await program.run({ x: new Float32Array(12) });
 */
export function createReferenceEngine(options?: { precision?: 'float32' }): Engine;
export function createReferenceEngine(options: { precision: 'float64' }): DoubleEngine;
export function createReferenceEngine({ precision = 'float32' }: ReferenceEngineOptions = {}): Engine | DoubleEngine {
  const Float = precision === 'float64' ? Float64Array : Float32Array;
  return {
    name: 'reference',
    device: 'cpu',
    // The program's arrays have the type given by the precision; the overloads above declare it for callers.
    compile: async (graph: Graph) =>
      new SingleEntryProgram(
        new ReferenceProgram({ [singleEntry]: graph }, Float) as EntryProgram,
      ) as Program as Program & DoubleProgram,
    compileEntries: async <Entry extends string>(entries: Readonly<Record<Entry, Graph>>) =>
      new ReferenceProgram(entries, Float) as EntryProgram<Entry>,
  };
}

/** Computes one node in single precision, for constant folding. */
export const evaluateNode: NodeEvaluator = (node, inputs) =>
  evaluate(node, inputs, Float32Array) as (Float32Array | Int32Array)[];

const kernels: KernelTable = {
  ...convolutionKernels,
  ...elementwiseKernels,
  ...lovaszKernels,
  ...normalizationKernels,
  ...poolingKernels,
  ...shapeKernels,
  ...softmaxKernels,
};

function kernelOf(node: GraphNode): Kernel {
  const kernel = (kernels as Readonly<Record<string, Kernel | undefined>>)[node.op];
  // Only a graph that was not built with the op builders has other ops.
  if (!kernel) throw new Error(`the reference engine has no kernel for the op '${node.op}'`);
  return kernel;
}

function evaluate(node: GraphNode, inputs: readonly NumericArray[], Float: FloatArrayConstructor): NumericArray[] {
  const outputs = node.outputs.map(
    ({ dtype, shape }: TensorType) => new (dtype === 'int32' ? Int32Array : Float)(sizeOf(shape)),
  );
  kernelOf(node)({ node, attributes: node.attributes, inputs, outputs });
  return outputs;
}

function isSource(node: GraphNode): boolean {
  return node.op === 'input' || node.op === 'constant' || node.op === 'state';
}

/** A graph prepared for running. */
class ReferenceEntry {
  readonly nodes: readonly GraphNode[];
  /** For every node, the tensors that can be freed after it. */
  private readonly releases: readonly (readonly Tensor[])[];

  constructor(
    readonly graph: Graph,
    private readonly Float: FloatArrayConstructor,
  ) {
    this.nodes = liveNodes(graph);
    for (const node of this.nodes) if (!isSource(node)) kernelOf(node);
    for (const [name, output] of graph.outputs) {
      if (output.dtype !== 'float32')
        throw new Error(`the output '${name}' is ${output.dtype}; outputs must be float32`);
    }
    this.releases = findReleases(graph, this.nodes);
  }

  /** Computes all outputs and updates. */
  compute(sourceValue: (node: GraphNode) => NumericArray): Map<Tensor, NumericArray> {
    const values = new Map<Tensor, NumericArray>();
    this.nodes.forEach((node, index) => {
      if (isSource(node)) values.set(node.outputs[0], sourceValue(node));
      else {
        const results = evaluate(
          node,
          node.inputs.map((input) => values.get(input)!),
          this.Float,
        );
        node.outputs.forEach((output, k) => {
          values.set(output, results[k]);
        });
      }
      for (const tensor of this.releases[index]) values.delete(tensor);
    });
    return values;
  }
}

class ReferenceProgram {
  private readonly entries: ReadonlyMap<string, ReferenceEntry>;
  private readonly stateTensors: ReadonlyMap<string, Tensor>;
  private states = new Map<string, FloatArray>();
  private disposed = false;

  constructor(
    entries: Readonly<Record<string, Graph>>,
    private readonly Float: FloatArrayConstructor,
  ) {
    this.entries = new Map(Object.entries(entries).map(([name, graph]) => [name, new ReferenceEntry(graph, Float)]));
    this.stateTensors = sharedStates(entries);
    for (const [name, state] of this.stateTensors) this.states.set(name, new Float(initialState(state)));
  }

  async run(
    entry: string,
    inputs: Readonly<Record<string, NumericArray>>,
    wanted?: readonly string[],
  ): Promise<Record<string, FloatArray>> {
    this.checkAlive();
    const program = entryOf(this.entries, entry);
    const { graph } = program;
    checkInputs(graph, inputs);
    const read = wantedOutputs(graph, wanted);
    const values = program.compute((node) => this.sourceValue(node, inputs));
    const outputs: Record<string, FloatArray> = {};
    // Copies: an output or an update may be an input, a constant, a state or another output itself.
    for (const [name, tensor] of read) outputs[name] = new this.Float(values.get(tensor)!);
    const next = new Map(this.states);
    for (const [name, tensor] of graph.updates) next.set(name, new this.Float(values.get(tensor)!));
    this.states = next;
    return outputs;
  }

  async readStates(names: readonly string[] = [...this.states.keys()]): Promise<Map<string, FloatArray>> {
    this.checkAlive();
    return new Map(
      names.map((name) => {
        stateOf(this.stateTensors, name);
        return [name, this.states.get(name)!.slice()];
      }),
    );
  }

  async writeStates(values: ReadonlyMap<string, FloatArray>): Promise<void> {
    this.checkAlive();
    checkStates(this.stateTensors, values);
    for (const [name, value] of values) this.states.set(name, new this.Float(value));
  }

  async dispose(): Promise<void> {
    this.disposed = true;
    this.states.clear();
  }

  private checkAlive(): void {
    if (this.disposed) throw new Error('the program is disposed; compile the graph again');
  }

  private sourceValue(node: GraphNode, inputs: Readonly<Record<string, NumericArray>>): NumericArray {
    const [output] = node.outputs;
    if (node.op === 'state') return this.states.get(stateAttributes(output).name)!;
    const value =
      node.op === 'input'
        ? inputs[(node.attributes as InputAttributes).name]
        : (node.attributes as ConstantAttributes).data;
    return value instanceof Int32Array || value instanceof this.Float ? value : new this.Float(value);
  }
}

/** Finds the tensors that can be freed after each node. */
function findReleases(graph: Graph, nodes: readonly GraphNode[]): Tensor[][] {
  const kept = new Set<Tensor>([...graph.outputs.values(), ...graph.updates.values()]);
  const lastUse = new Map<Tensor, number>();
  nodes.forEach((node, index) => {
    for (const tensor of [...node.inputs, ...node.outputs]) lastUse.set(tensor, index);
  });
  const releases: Tensor[][] = nodes.map(() => []);
  for (const [tensor, index] of lastUse) if (!kept.has(tensor)) releases[index].push(tensor);
  return releases;
}
