import type { InferenceSession, Tensor as OnnxTensor, TensorConstructor } from 'onnxruntime-common';
import { type Graph, type Tensor as GraphTensor, sizeOf } from '../../graph/graph.ts';
import { CallQueue } from '../call-queue.ts';
import type { Engine, EntryProgram, Values } from '../engine.ts';
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
import { DeviceReader } from './device-reader.ts';
import { type LoweredGraph, lowerGraph } from './graph-to-onnx.ts';

/** The part of ONNX Runtime that the engine uses: that of onnxruntime-node, onnxruntime-web or any other binding. */
export interface OnnxRuntime {
  readonly InferenceSession: typeof InferenceSession;
  readonly Tensor: TensorConstructor;
}

export type OnnxDevice = 'cpu' | 'webgpu' | 'cuda' | 'dml' | 'wasm';

export interface OnnxEngineOptions {
  readonly runtime: OnnxRuntime;
  readonly device?: OnnxDevice;
  /** Threads of the CPU provider; ONNX Runtime's own choice where it is not given. */
  readonly threads?: number;
}

/** One graph of a program, as a session. */
interface OnnxEntry {
  readonly graph: Graph;
  readonly lowered: LoweredGraph;
  readonly session: InferenceSession;
  /** On the CPU, arrays that every run writes its outputs to. */
  readonly results: ReadonlyMap<string, OnnxTensor>;
}

/** Tensors by state name. */
type StateTensors = Map<string, OnnxTensor>;

/** Sessions over one store of states, which stay between runs in GPU buffers, or in two sets of arrays that trade places. */
class OnnxProgram implements EntryProgram {
  private readonly current: StateTensors = new Map();
  /** Where the next run writes, on the CPU; on a GPU the runtime makes new buffers. */
  private readonly spare: StateTensors = new Map();
  /** Runs share the states and, on the CPU, the arrays of the results. */
  private readonly calls = new CallQueue();

  constructor(
    private readonly entries: ReadonlyMap<string, OnnxEntry>,
    private readonly states: ReadonlyMap<string, GraphTensor>,
    private readonly runtime: OnnxRuntime,
    /** Where the states stay on a GPU: what copies them out of there. */
    private readonly device: DeviceReader | undefined,
  ) {
    // Copies: later runs write into these arrays.
    for (const [name, state] of states) {
      this.current.set(name, onnxTensor(runtime, initialState(state).slice(), state.shape));
    }
    if (device) return;
    const written = new Set([...entries.values()].flatMap(({ lowered }) => [...lowered.stateOutputs.keys()]));
    for (const name of written) {
      const { shape } = stateOf(states, name);
      this.spare.set(name, onnxTensor(runtime, new Float32Array(sizeOf(shape)), shape));
    }
  }

  run(entry: string, inputs: Values, outputs?: readonly string[]): Promise<Record<string, Float32Array>> {
    return this.calls.add(() => this.runNow(entryOf(this.entries, entry), inputs, outputs));
  }

  private async runNow(
    { graph, lowered, session, results }: OnnxEntry,
    inputs: Values,
    wanted: readonly string[] | undefined,
  ): Promise<Record<string, Float32Array>> {
    checkInputs(graph, inputs);
    const read = [...wantedOutputs(graph, wanted).keys()].map((name) => [name, lowered.outputs.get(name)!] as const);
    const feeds: Record<string, OnnxTensor> = {};
    for (const [name, tensor] of graph.inputs) feeds[name] = onnxTensor(this.runtime, inputs[name], tensor.shape);
    for (const [name, value] of lowered.stateInputs) feeds[value] = this.current.get(name)!;
    const fetched = [...lowered.stateOutputs.values(), ...read.map(([, value]) => value)];
    // A run that nobody wants anything of and that changes nothing.
    if (fetched.length === 0) return {};
    const fetches: Record<string, OnnxTensor> = {};
    for (const [name, value] of lowered.stateOutputs) fetches[value] = this.spare.get(name)!;
    for (const [name, value] of read) fetches[value] = results.get(name)!;
    const produced = await (this.device ? session.run(feeds, fetched) : session.run(feeds, fetches));
    for (const [name, value] of lowered.stateOutputs) {
      const previous = this.current.get(name)!;
      this.current.set(name, produced[value]);
      if (this.device) previous.dispose();
      else this.spare.set(name, previous);
    }
    const outputs: Record<string, Float32Array> = {};
    for (const [name, value] of read) {
      const data = produced[value].data as Float32Array;
      // The run that waits would overwrite the array before everyone who was promised it has seen it.
      outputs[name] = this.calls.waiting > 0 ? data.slice() : data;
    }
    return outputs;
  }

  readStates(names?: readonly string[]): Promise<Map<string, Float32Array>> {
    return this.calls.add(async () => {
      const values = new Map<string, Float32Array>();
      for (const name of names ?? this.current.keys()) {
        stateOf(this.states, name);
        const tensor = this.current.get(name)!;
        values.set(name, this.device ? await this.device.read(tensor) : (tensor.data as Float32Array).slice());
      }
      return values;
    });
  }

  writeStates(values: ReadonlyMap<string, Float32Array>): Promise<void> {
    return this.calls.add(async () => {
      checkStates(this.states, values);
      for (const [name, value] of values) {
        if (this.device) this.current.get(name)!.dispose();
        const { shape } = stateOf(this.states, name);
        this.current.set(name, onnxTensor(this.runtime, Float32Array.from(value), shape));
      }
    });
  }

  dispose(): Promise<void> {
    return this.calls.close(async () => {
      if (this.device) for (const tensor of this.current.values()) tensor.dispose();
      this.current.clear();
      this.spare.clear();
      await this.device?.dispose();
      for (const { session } of this.entries.values()) await session.release();
    });
  }
}

function onnxTensor({ Tensor }: OnnxRuntime, data: Float32Array | Int32Array, shape: readonly number[]): OnnxTensor {
  return data instanceof Int32Array ? new Tensor('int32', data, shape) : new Tensor('float32', data, shape);
}

/**
 * The engine over ONNX Runtime: a graph becomes one ONNX model, which one session runs. On the CPU the states are two
 * sets of arrays that the runtime reads and writes in turn; on WebGPU they stay in GPU buffers between runs, and are
 * copied out only where they are read.
 */
export function createOnnxEngine({ runtime, device = 'cpu', threads }: OnnxEngineOptions): Engine {
  const onDevice = device === 'webgpu';
  const common: InferenceSession.SessionOptions = {
    executionProviders: device === 'cpu' || device === 'wasm' ? [device] : [device, 'cpu'],
    ...(threads && { intraOpNumThreads: threads }),
    graphOptimizationLevel: 'all',
    logSeverityLevel: 3,
  };

  async function openEntry(graph: Graph): Promise<OnnxEntry> {
    const lowered = lowerGraph(graph, { contrib: device === 'cpu' || device === 'wasm' });
    const locations: Record<string, 'gpu-buffer' | 'cpu'> = {};
    for (const value of lowered.outputs.values()) locations[value] = 'cpu';
    for (const value of lowered.stateOutputs.values()) locations[value] = 'gpu-buffer';
    const session = await runtime.InferenceSession.create(lowered.model, {
      ...common,
      ...(onDevice && { preferredOutputLocation: locations }),
    });
    const results = new Map<string, OnnxTensor>();
    if (!onDevice) {
      for (const [name, { shape }] of graph.outputs) {
        results.set(name, onnxTensor(runtime, new Float32Array(sizeOf(shape)), shape));
      }
    }
    return { graph, lowered, session, results };
  }

  async function compileEntries(graphs: Readonly<Record<string, Graph>>): Promise<EntryProgram> {
    const states = sharedStates(graphs);
    const entries = new Map<string, OnnxEntry>();
    try {
      for (const [name, graph] of Object.entries(graphs)) entries.set(name, await openEntry(graph));
    } catch (error) {
      for (const { session } of entries.values()) await session.release();
      throw error;
    }
    const reader = new DeviceReader((model) => runtime.InferenceSession.create(model, common));
    return new OnnxProgram(entries, states, runtime, onDevice ? reader : undefined);
  }

  return {
    name: 'onnx',
    device,
    compile: async (graph) => new SingleEntryProgram(await compileEntries({ [singleEntry]: graph })),
    compileEntries,
  };
}
