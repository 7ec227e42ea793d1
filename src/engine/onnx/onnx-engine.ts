import type { Graph, Tensor as GraphTensor } from '../../graph/graph.ts';
import { FaceparseError } from '../../text/errors.ts';
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
import type { OnnxRuntime, OnnxSession, OnnxSessionOptions, OnnxTensor } from './onnx-runtime.ts';

export type { OnnxRuntime };

export type OnnxDevice = 'cpu' | 'webgpu' | 'cuda' | 'dml' | 'wasm';

export interface OnnxEngineOptions {
  readonly runtime: OnnxRuntime;
  /** Default `cpu`, which is WebAssembly in onnxruntime-web. */
  readonly device?: OnnxDevice;
  /**
   * Threads of the CPU provider; default: ONNX Runtime's own choice. onnxruntime-web ignores it: there, set
   * `env.wasm.numThreads` before the first session.
   */
  readonly threads?: number;
}

/** One graph of a program, as a session. */
interface OnnxEntry {
  readonly graph: Graph;
  readonly lowered: LoweredGraph;
  readonly session: OnnxSession;
}

/**
 * Sessions over one store of states. Between runs, states stay as the runtime returned them: arrays, or GPU buffers. No run is given
 * tensors to write to: onnxruntime-web 1.30 returns them unwritten, without an error (microsoft/onnxruntime#25786), and
 * onnxruntime-node copies results into new arrays all the same.
 */
class OnnxProgram implements EntryProgram {
  private readonly current = new Map<string, OnnxTensor>();
  /** Runs share the states. */
  private readonly calls = new CallQueue();

  constructor(
    private readonly entries: ReadonlyMap<string, OnnxEntry>,
    private readonly states: ReadonlyMap<string, GraphTensor>,
    private readonly runtime: OnnxRuntime,
    private readonly reader: DeviceReader,
  ) {
    // Copies: the caller may write to the arrays of its graph.
    for (const [name, state] of states) {
      this.current.set(name, onnxTensor(runtime, initialState(state).slice(), state.shape));
    }
  }

  run(entry: string, inputs: Values, outputs?: readonly string[]): Promise<Record<string, Float32Array>> {
    return this.calls.add(() => this.runNow(entryOf(this.entries, entry), inputs, outputs));
  }

  private async runNow(
    { graph, lowered, session }: OnnxEntry,
    inputs: Values,
    wanted: readonly string[] | undefined,
  ): Promise<Record<string, Float32Array>> {
    checkInputs(graph, inputs);
    const read = [...wantedOutputs(graph, wanted).keys()].map((name) => [name, lowered.outputs.get(name)!] as const);
    const feeds: Record<string, OnnxTensor> = {};
    for (const [name, tensor] of graph.inputs) feeds[name] = onnxTensor(this.runtime, inputs[name], tensor.shape);
    for (const [name, value] of lowered.stateInputs) feeds[value] = this.current.get(name)!;
    const fetched = [...lowered.stateOutputs.values(), ...read.map(([, value]) => value)];
    // A run without outputs or updates.
    if (fetched.length === 0) return {};
    const produced = await session.run(feeds, fetched);
    for (const [name, value] of lowered.stateOutputs) {
      this.current.get(name)!.dispose();
      this.current.set(name, produced[value]);
    }
    return Object.fromEntries(read.map(([name, value]) => [name, produced[value].data as Float32Array]));
  }

  readStates(names?: readonly string[]): Promise<Map<string, Float32Array>> {
    return this.calls.add(async () => {
      const values = new Map<string, Float32Array>();
      for (const name of names ?? this.current.keys()) {
        stateOf(this.states, name);
        values.set(name, await this.reader.read(this.current.get(name)!));
      }
      return values;
    });
  }

  writeStates(values: ReadonlyMap<string, Float32Array>): Promise<void> {
    return this.calls.add(async () => {
      checkStates(this.states, values);
      for (const [name, value] of values) {
        this.current.get(name)!.dispose();
        const { shape } = stateOf(this.states, name);
        this.current.set(name, onnxTensor(this.runtime, new Float32Array(value), shape));
      }
    });
  }

  dispose(): Promise<void> {
    return this.calls.close(async () => {
      for (const tensor of this.current.values()) tensor.dispose();
      this.current.clear();
      await this.reader.dispose();
      for (const { session } of this.entries.values()) await session.release();
    });
  }
}

function onnxTensor({ Tensor }: OnnxRuntime, data: Float32Array | Int32Array, shape: readonly number[]): OnnxTensor {
  return data instanceof Int32Array ? new Tensor('int32', data, shape) : new Tensor('float32', data, shape);
}

/** What ONNX Runtime says if a device is missing on this machine, such as CUDA without its libraries. */
const missingDevice = /execution ?provider|shared library|backend|adapter|no available/i;

function deviceError(device: string, cause: unknown): unknown {
  const reason = cause instanceof Error ? cause.message.split('\n', 1)[0] : String(cause);
  if (device === 'cpu' || device === 'wasm' || !missingDevice.test(reason)) return cause;
  return new FaceparseError(
    `the device ${device} is not available here (${reason}); choose another one (faceparse doctor lists them), or leave the device out`,
    { exitCode: 2, cause },
  );
}

/**
 * The engine over ONNX Runtime. A graph becomes one ONNX model, run by one session. Between runs, states stay in arrays or,
 * on WebGPU, in GPU buffers, which are copied only when they are read.
 *
 * @throws FaceparseError (exit code 2) if no runtime is given
 */
export function createOnnxEngine({ runtime, device = 'cpu', threads }: OnnxEngineOptions): Engine {
  if (typeof runtime?.InferenceSession?.create !== 'function') {
    throw new FaceparseError(
      'createOnnxEngine requires ONNX Runtime: pass { runtime: ort } with a module of ONNX Runtime, such as onnxruntime-web',
      { exitCode: 2 },
    );
  }
  const onDevice = device === 'webgpu';
  const common: OnnxSessionOptions = {
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
    }).catch((cause: unknown) => {
      throw deviceError(device, cause);
    });
    return { graph, lowered, session };
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
    return new OnnxProgram(entries, states, runtime, reader);
  }

  return {
    name: 'onnx',
    device,
    compile: async (graph) => new SingleEntryProgram(await compileEntries({ [singleEntry]: graph })),
    compileEntries,
  };
}
