import type { Graph } from '../graph/graph.ts';

/** Values that a program is fed or gives back, by name. */
export type Values = Record<string, Float32Array | Int32Array>;

/**
 * A graph made ready to run by an engine. Its states live inside it between runs. Calls may overlap: they are carried out
 * one after the other, in the order in which they are made.
 */
export interface Program {
  /**
   * Runs the graph once and carries out its updates; gives back its outputs, valid until `run` is called again. The inputs
   * must not change before that.
   */
  run(inputs: Values): Promise<Record<string, Float32Array>>;
  /** Copies of states, all where no names are given. */
  readStates(names?: readonly string[]): Promise<Map<string, Float32Array>>;
  /** Overwrites states; an unknown name or a wrong length is an error, and nothing is written then. */
  writeStates(values: ReadonlyMap<string, Float32Array>): Promise<void>;
  /** Frees what the program holds, after the calls that are under way; it cannot be used afterwards. */
  dispose(): Promise<void>;
}

/** Something that runs graphs. */
export interface Engine {
  /** `onnx`, `reference` or `native`. */
  readonly name: string;
  /** What it runs on: `cpu`, `webgpu`, `cuda`, `dml` or `wasm`. */
  readonly device: string;
  /** Prepares a graph; shapes that do not fit and ops that cannot run are errors here, not later. */
  compile(graph: Graph): Promise<Program>;
}
