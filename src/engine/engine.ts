import type { Graph } from '../graph/graph.ts';

/** Inputs or outputs of a program, by name. */
export type Values = Record<string, Float32Array | Int32Array>;

/** Values that persist inside a program between runs: weights, moments, running statistics. */
export interface StateStore {
  /** Returns copies of states; all states if no names are given. */
  readStates(names?: readonly string[]): Promise<Map<string, Float32Array>>;
  /** Overwrites states. An unknown name or a wrong length is an error; nothing is written then. */
  writeStates(values: ReadonlyMap<string, Float32Array>): Promise<void>;
  /** Frees the program's resources after pending calls; it cannot be used afterwards. */
  dispose(): Promise<void>;
}

/**
 * A graph compiled by an engine. Its states persist between runs. Calls may overlap: they run in sequence, in the order in
 * which they were made.
 */
export interface Program extends StateStore {
  /**
   * Runs the graph once and applies its updates. The returned outputs are valid until the next call of `run`. Do not
   * change the inputs until then.
   *
   * @param outputs names of the outputs to return; default all. With an empty list, the call does not wait for a device
   */
  run(inputs: Values, outputs?: readonly string[]): Promise<Record<string, Float32Array>>;
}

/**
 * Several graphs over one store of states, as one program: an entry reads what another has updated. States are shared by
 * name; an entry need not have all of them. As with `Program`, calls run in sequence.
 */
export interface EntryProgram<Entry extends string = string> extends StateStore {
  /** Runs one entry; otherwise like `run` of `Program`. */
  run(entry: Entry, inputs: Values, outputs?: readonly string[]): Promise<Record<string, Float32Array>>;
}

/** Something that runs graphs. */
export interface Engine {
  /** `onnx`, `reference` or `native`. */
  readonly name: string;
  /** Device: `cpu`, `webgpu`, `cuda`, `dml` or `wasm`. */
  readonly device: string;
  /** Compiles a graph. Mismatched shapes and unsupported ops are reported here, not at run time. */
  compile(graph: Graph): Promise<Program>;
  /**
   * Compiles graphs that share their states. States with the same name must have the same shape; the first graph
   * determines the initial value.
   *
   * @example
   * const program = await engine.compileEntries({ accumulate, update });
   * for (const batch of batches) await program.run('accumulate', batch, []);
   * const { gradientNorm } = await program.run('update', { learningRate });
   */
  compileEntries<Entry extends string>(entries: Readonly<Record<Entry, Graph>>): Promise<EntryProgram<Entry>>;
}
