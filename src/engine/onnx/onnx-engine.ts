import type { InferenceSession, Tensor as OnnxTensor, TensorConstructor } from 'onnxruntime-common';
import { type Graph, sizeOf } from '../../graph/graph.ts';
import type { Engine, Program, Values } from '../engine.ts';
import { checkInputs, checkStates, initialState, stateOf } from '../program-state.ts';
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

/** Where the states of a program stay between runs: in GPU buffers, or in two sets of arrays that trade places. */
type StateTensors = Map<string, OnnxTensor>;

class OnnxProgram implements Program {
  private disposed = false;
  private current: StateTensors = new Map();
  /** Where the next run writes, on the CPU; on a GPU the runtime makes new buffers. */
  private spare: StateTensors = new Map();
  private readonly results = new Map<string, OnnxTensor>();

  constructor(
    private readonly graph: Graph,
    private readonly lowered: LoweredGraph,
    private readonly session: InferenceSession,
    private readonly runtime: OnnxRuntime,
    private readonly onDevice: boolean,
  ) {
    for (const [name, state] of graph.states) this.current.set(name, this.tensor(initialState(state), state.shape));
    if (onDevice) return;
    for (const name of lowered.stateOutputs.keys()) {
      const { shape } = stateOf(graph, name);
      this.spare.set(name, this.tensor(new Float32Array(sizeOf(shape)), shape));
    }
    for (const [name, tensor] of graph.outputs) {
      this.results.set(name, this.tensor(new Float32Array(sizeOf(tensor.shape)), tensor.shape));
    }
  }

  private tensor(data: Float32Array | Int32Array, shape: readonly number[]): OnnxTensor {
    return data instanceof Int32Array
      ? new this.runtime.Tensor('int32', data, shape)
      : new this.runtime.Tensor('float32', data, shape);
  }

  private check(): void {
    if (this.disposed) throw new Error('the program has been disposed of');
  }

  async run(inputs: Values): Promise<Record<string, Float32Array>> {
    this.check();
    checkInputs(this.graph, inputs);
    const feeds: Record<string, OnnxTensor> = {};
    for (const [name, tensor] of this.graph.inputs) feeds[name] = this.tensor(inputs[name]!, tensor.shape);
    for (const [name, value] of this.lowered.stateInputs) feeds[value] = this.current.get(name)!;
    const produced = this.onDevice ? await this.session.run(feeds) : await this.session.run(feeds, this.fetches());
    for (const [name, value] of this.lowered.stateOutputs) {
      const previous = this.current.get(name)!;
      this.current.set(name, produced[value] as OnnxTensor);
      if (this.onDevice) previous.dispose();
      else this.spare.set(name, previous);
    }
    const outputs: Record<string, Float32Array> = {};
    for (const [name, value] of this.lowered.outputs) {
      outputs[name] = (await (produced[value] as OnnxTensor).getData()) as Float32Array;
    }
    return outputs;
  }

  private fetches(): Record<string, OnnxTensor> {
    const fetches: Record<string, OnnxTensor> = {};
    for (const [name, value] of this.lowered.stateOutputs) fetches[value] = this.spare.get(name)!;
    for (const [name, value] of this.lowered.outputs) fetches[value] = this.results.get(name)!;
    return fetches;
  }

  async readStates(names: readonly string[] = [...this.current.keys()]): Promise<Map<string, Float32Array>> {
    this.check();
    const values = new Map<string, Float32Array>();
    for (const name of names) {
      stateOf(this.graph, name);
      values.set(name, Float32Array.from((await this.current.get(name)!.getData()) as Float32Array));
    }
    return values;
  }

  async writeStates(values: ReadonlyMap<string, Float32Array>): Promise<void> {
    this.check();
    checkStates(this.graph, values);
    for (const [name, value] of values) {
      const previous = this.current.get(name)!;
      if (this.onDevice && previous.location === 'gpu-buffer') previous.dispose();
      this.current.set(name, this.tensor(Float32Array.from(value), stateOf(this.graph, name).shape));
    }
  }

  async dispose(): Promise<void> {
    if (this.disposed) return;
    this.disposed = true;
    if (this.onDevice) for (const tensor of this.current.values()) tensor.dispose();
    this.current.clear();
    this.spare.clear();
    this.results.clear();
    await this.session.release();
  }
}

/**
 * The engine over ONNX Runtime: a graph becomes one ONNX model, which one session runs. On the CPU the states are two
 * sets of arrays that the runtime reads and writes in turn; on WebGPU they stay in GPU buffers between runs.
 */
export function createOnnxEngine({ runtime, device = 'cpu', threads }: OnnxEngineOptions): Engine {
  return {
    name: 'onnx',
    device,
    async compile(graph) {
      const lowered = lowerGraph(graph, { contrib: device === 'cpu' || device === 'wasm' });
      const onDevice = device === 'webgpu';
      const locations: Record<string, 'gpu-buffer' | 'cpu'> = {};
      for (const value of lowered.outputs.values()) locations[value] = 'cpu';
      for (const value of lowered.stateOutputs.values()) locations[value] = 'gpu-buffer';
      const session = await runtime.InferenceSession.create(lowered.model, {
        executionProviders: device === 'cpu' || device === 'wasm' ? [device] : [device, 'cpu'],
        ...(threads && { intraOpNumThreads: threads }),
        graphOptimizationLevel: 'all',
        logSeverityLevel: 3,
        ...(onDevice && { preferredOutputLocation: locations }),
      });
      return new OnnxProgram(graph, lowered, session, runtime, onDevice);
    },
  };
}
