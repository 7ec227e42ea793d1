import type { Graph } from '../graph/graph.ts';

/** Values that a program is fed or gives back, by name. */
export type Values = Record<string, Float32Array | Int32Array>;

/** Values that live inside a program between runs: weights, moments, running statistics. */
export interface StateStore {
  /** Copies of states, all where no names are given. */
  readStates(names?: readonly string[]): Promise<Map<string, Float32Array>>;
  /** Overwrites states; an unknown name or a wrong length is an error, and nothing is written then. */
  writeStates(values: ReadonlyMap<string, Float32Array>): Promise<void>;
  /** Frees what the program holds, after the calls that are under way; it cannot be used afterwards. */
  dispose(): Promise<void>;
}

/**
 * A graph made ready to run by an engine. Its states live inside it between runs. Calls may overlap: they are carried out
 * one after the other, in the order in which they are made.
 */
export interface Program extends StateStore {
  /**
   * Runs the graph once and carries out its updates; gives back its outputs, valid until `run` is called again. The inputs
   * must not change before that.
   *
   * @param outputs names of the outputs to read, all where not given; with none, nothing waits for a device
   */
  run(inputs: Values, outputs?: readonly string[]): Promise<Record<string, Float32Array>>;
}

/**
 * Several graphs over one store of states, as one program: what one entry updates, the next one reads. States go by their
 * names; an entry need not have them all. As with `Program`, calls are carried out one after the other.
 */
export interface EntryProgram<Entry extends string = string> extends StateStore {
  /** Runs one entry; otherwise as `run` of `Program`. */
  run(entry: Entry, inputs: Values, outputs?: readonly string[]): Promise<Record<string, Float32Array>>;
}

/** Something that runs graphs. */
export interface Engine {
  /** `onnx`, `reference` or `native`. */
  readonly name: string;
  /** What it runs on: `cpu`, `webgpu`, `cuda`, `dml` or `wasm`. */
  readonly device: string;
  /** Prepares a graph; shapes that do not fit and ops that cannot run are errors here, not later. */
  compile(graph: Graph): Promise<Program>;
  /**
   * Prepares graphs that share their states. States of one name must have one shape; they start with the value that the
   * first graph gives them.
   *
   * @example
   * const program = await engine.compileEntries({ accumulate, update });
   * for (const batch of batches) await program.run('accumulate', batch, []);
   * const { gradientNorm } = await program.run('update', { learningRate });
   */
  compileEntries<Entry extends string>(entries: Readonly<Record<Entry, Graph>>): Promise<EntryProgram<Entry>>;
}
