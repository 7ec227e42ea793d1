import { type Graph, sizeOf, type Tensor } from '../../graph/graph.ts';
import type { Addon, AddonEngine, AddonProgram } from '../../native-addon/addon.ts';
import { CallQueue } from '../call-queue.ts';
import type { Engine, EntryProgram, Values } from '../engine.ts';
import { fuseGraph } from '../fusion/fuse-graph.ts';
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
import { nativeCapabilities } from './capabilities.ts';
import { type BuiltEntry, type BuiltPlan, buildPlan, type StepInfo } from './plan/build-plan.ts';

/** Mean time of one step of a program over the profiled runs. */
export interface ProfiledStep extends StepInfo {
  readonly seconds: number;
}

/** One graph of a program. */
interface NativeEntry extends BuiltEntry {
  readonly index: number;
  readonly graph: Graph;
  /** Arrays to which every run writes its outputs. */
  readonly results: ReadonlyMap<string, Float32Array>;
}

/** Entries over one block of memory that contains their states. */
export class NativeEntryProgram<Entry extends string> implements EntryProgram<Entry> {
  private readonly calls = new CallQueue();
  private readonly entries: ReadonlyMap<string, NativeEntry>;
  private readonly states: ReadonlyMap<string, Tensor>;
  /** States that no graph uses; they are kept here. */
  private readonly idleStates = new Map<string, Float32Array>();

  constructor(
    graphs: Readonly<Record<string, Graph>>,
    private readonly built: Omit<BuiltPlan, 'contents'>,
    private readonly compiled: AddonProgram,
  ) {
    this.entries = new Map(
      Object.entries(graphs).map(([name, graph], index) => {
        const results = new Map(
          [...graph.outputs].map(([output, { shape }]) => [output, new Float32Array(sizeOf(shape))]),
        );
        return [name, { ...built.entries[index], index, graph, results }];
      }),
    );
    this.states = sharedStates(graphs);
    for (const [name, state] of this.states) this.writeState(name, initialState(state));
  }

  private writeState(name: string, value: Float32Array): void {
    const offset = this.built.states.get(name);
    if (offset === undefined) this.idleStates.set(name, value.slice());
    else this.compiled.write(offset, value);
  }

  private readState(name: string): Float32Array {
    const { shape } = stateOf(this.states, name);
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

  run(name: Entry, inputs: Values, wanted?: readonly string[]): Promise<Record<string, Float32Array>> {
    return this.calls.add(async () => {
      const entry = entryOf(this.entries, name);
      checkInputs(entry.graph, inputs);
      const read = [...wantedOutputs(entry.graph, wanted).keys()];
      const placed = [...entry.inputs].flatMap(([input, offset]) => [offset, inputs[input]]);
      const outputs = read.flatMap((output) => [entry.outputs.get(output)!, entry.results.get(output)!]);
      await this.compiled.run(entry.index, placed, outputs);
      // A waiting run would overwrite the arrays before the previous caller has read them.
      const own = this.calls.waiting === 0;
      return Object.fromEntries(
        read.map((output) => {
          const value = entry.results.get(output)!;
          return [output, own ? value : value.slice()];
        }),
      );
    });
  }

  readStates(names?: readonly string[]): Promise<Map<string, Float32Array>> {
    return this.calls.add(async () => {
      const values = new Map<string, Float32Array>();
      for (const name of names ?? this.states.keys()) values.set(name, this.readState(name));
      return values;
    });
  }

  writeStates(values: ReadonlyMap<string, Float32Array>): Promise<void> {
    return this.calls.add(async () => {
      checkStates(this.states, values);
      for (const [name, value] of values) this.writeState(name, new Float32Array(value));
    });
  }

  /** Returns the times of each entry's steps since the last call. Switches profiling of further runs on or off. */
  profile(on: boolean): Promise<Record<Entry, ProfiledStep[]>> {
    return this.calls.add(async () => {
      const measured = this.compiled.profile(on);
      const profiles = [...this.entries].map(([name, { index, steps }]) => {
        const { seconds, runs } = measured[index];
        return [name, steps.map((step, place) => ({ ...step, seconds: seconds[place] / Math.max(1, runs) }))];
      });
      return Object.fromEntries(profiles) as Record<Entry, ProfiledStep[]>;
    });
  }

  dispose(): Promise<void> {
    return this.calls.close(async () => this.compiled.dispose());
  }
}

/** A program of the native engine, whose steps can be timed. */
export class NativeProgram extends SingleEntryProgram {
  constructor(private readonly native: NativeEntryProgram<typeof singleEntry>) {
    super(native);
  }

  /** All memory that the program takes. */
  get bytes(): number {
    return this.native.bytes;
  }

  /** Returns the times of the steps since the last call. Switches profiling of further runs on or off. */
  async profile(on: boolean): Promise<ProfiledStep[]> {
    return (await this.native.profile(on))[singleEntry];
  }
}

/** The engine over oneDNN. */
export interface NativeEngine extends Engine {
  compile(graph: Graph): Promise<NativeProgram>;
  compileEntries<Entry extends string>(entries: Readonly<Record<Entry, Graph>>): Promise<NativeEntryProgram<Entry>>;
  /** Measures the GFLOP/s of a product of square matrices on the engine's threads, as a reference for convolutions. */
  sgemmPeak(): Promise<number>;
}

/** Side of the matrices; large enough for arithmetic to dominate. */
const peakSize = 1536;

/**
 * The engine over oneDNN: TypeScript fuses the graph and plans layouts and memory; the add-on runs the plan on its own
 * thread.
 */
export function createNativeEngine(addon: Addon, threads: number): NativeEngine {
  const engine: AddonEngine = new addon.NativeEngine(threads);
  const facts = addon.facts();
  const capabilities = nativeCapabilities(facts);

  async function compileEntries<Entry extends string>(graphs: Readonly<Record<Entry, Graph>>) {
    const builder = new addon.PlanBuilder(engine);
    const optimized = Object.values<Graph>(graphs).map((graph) => fuseGraph(graph, capabilities));
    const { contents, ...built } = buildPlan(optimized, builder, facts);
    return new NativeEntryProgram<Entry>(graphs, built, await builder.compile(built.plan, contents));
  }

  return {
    name: 'native',
    device: 'cpu',
    compile: async (graph) => new NativeProgram(await compileEntries({ [singleEntry]: graph })),
    compileEntries,
    sgemmPeak: () => engine.sgemmPeak(peakSize),
  };
}
