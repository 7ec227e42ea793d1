import { type Graph, sizeOf } from '../../graph/graph.ts';
import type { Addon, AddonEngine, AddonProgram } from '../../native-addon/addon.ts';
import { CallQueue } from '../call-queue.ts';
import type { Engine, Program, Values } from '../engine.ts';
import { checkInputs, checkStates, initialState, stateOf } from '../program-state.ts';
import { optimizeForNative } from './passes/optimize-for-native.ts';
import { type BuiltPlan, buildPlan, type StepInfo } from './plan/build-plan.ts';

/** The time that one step of a program takes, on average over the runs that were measured. */
export interface ProfiledStep extends StepInfo {
  readonly seconds: number;
}

/** A program of the native engine, whose steps can be timed. */
export class NativeProgram implements Program {
  private readonly calls = new CallQueue();
  /** Arrays that every run writes its results to. */
  private readonly results: Record<string, Float32Array> = {};
  /** States that nothing in the graph depends on: they are kept here. */
  private readonly idleStates = new Map<string, Float32Array>();

  constructor(
    private readonly graph: Graph,
    private readonly built: Omit<BuiltPlan, 'contents'>,
    private readonly compiled: AddonProgram,
  ) {
    for (const [name, tensor] of graph.outputs) this.results[name] = new Float32Array(sizeOf(tensor.shape));
    for (const [name, state] of graph.states) this.writeState(name, initialState(state));
  }

  private writeState(name: string, value: Float32Array): void {
    const offset = this.built.states.get(name);
    if (offset === undefined) this.idleStates.set(name, value.slice());
    else this.compiled.write(offset, value);
  }

  private readState(name: string): Float32Array {
    const { shape } = stateOf(this.graph, name);
    const offset = this.built.states.get(name);
    if (offset === undefined) return this.idleStates.get(name)!.slice();
    const value = new Float32Array(sizeOf(shape));
    this.compiled.read(offset, value);
    return value;
  }

  /** All memory that the program takes. */
  get bytes(): number {
    return this.built.plan.bytes;
  }

  run(inputs: Values): Promise<Record<string, Float32Array>> {
    return this.calls.add(async () => {
      checkInputs(this.graph, inputs);
      const placed = [...this.built.inputs].flatMap(([name, offset]) => [offset, inputs[name]]);
      const outputs = [...this.built.outputs].flatMap(([name, offset]) => [offset, this.results[name]]);
      await this.compiled.run(placed, outputs);
      // The run that waits would overwrite the arrays before everyone who was promised them has seen them.
      if (this.calls.waiting === 0) return { ...this.results };
      return Object.fromEntries(Object.entries(this.results).map(([name, value]) => [name, value.slice()]));
    });
  }

  readStates(names?: readonly string[]): Promise<Map<string, Float32Array>> {
    return this.calls.add(async () => {
      const values = new Map<string, Float32Array>();
      for (const name of names ?? this.graph.states.keys()) values.set(name, this.readState(name));
      return values;
    });
  }

  writeStates(values: ReadonlyMap<string, Float32Array>): Promise<void> {
    return this.calls.add(async () => {
      checkStates(this.graph, values);
      for (const [name, value] of values) this.writeState(name, Float32Array.from(value));
    });
  }

  /** What each step has taken since the last call; says whether the runs from now on are measured. */
  profile(on: boolean): Promise<ProfiledStep[]> {
    return this.calls.add(async () => {
      const { seconds, runs } = this.compiled.profile(on);
      return this.built.steps.map((step, index) => ({ ...step, seconds: seconds[index] / Math.max(1, runs) }));
    });
  }

  dispose(): Promise<void> {
    return this.calls.close(async () => this.compiled.dispose());
  }
}

/** The engine over oneDNN. */
export interface NativeEngine extends Engine {
  compile(graph: Graph): Promise<NativeProgram>;
  /** GFLOP/s of a product of square matrices on the engine's threads: what convolutions can be measured against. */
  sgemmPeak(): Promise<number>;
}

/** Side of the matrices whose product is timed: large enough that nothing but arithmetic counts. */
const peakSize = 1536;

/**
 * The engine over oneDNN: TypeScript fuses the graph and plans layouts and memory, the add-on runs what comes out of it
 * on a thread of its own.
 */
export function createNativeEngine(addon: Addon, threads: number): NativeEngine {
  const engine: AddonEngine = new addon.NativeEngine(threads);
  const facts = addon.facts();
  return {
    name: 'native',
    device: 'cpu',
    async compile(graph) {
      const builder = new addon.PlanBuilder(engine);
      const { contents, ...built } = buildPlan(optimizeForNative(graph), builder, facts);
      return new NativeProgram(graph, built, await builder.compile(built.plan, contents));
    },
    sgemmPeak: () => engine.sgemmPeak(peakSize),
  };
}
