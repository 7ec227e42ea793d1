import type { InferenceSession, Tensor as OnnxTensor, TensorConstructor } from 'onnxruntime-common';
import { type Graph, sizeOf } from '../../graph/graph.ts';
import { CallQueue } from '../call-queue.ts';
import type { Engine, Program, Values } from '../engine.ts';
import { checkInputs, checkStates, initialState, stateOf } from '../program-state.ts';
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

/** Where the states of a program stay between runs: in GPU buffers, or in two sets of arrays that trade places. */
type StateTensors = Map<string, OnnxTensor>;

class OnnxProgram implements Program {
  private current: StateTensors = new Map();
  /** Where the next run writes, on the CPU; on a GPU the runtime makes new buffers. */
  private spare: StateTensors = new Map();
  private readonly results = new Map<string, OnnxTensor>();
  /** Runs share the states and, on the CPU, the arrays of the results. */
  private readonly calls = new CallQueue();

  constructor(
    private readonly graph: Graph,
    private readonly lowered: LoweredGraph,
    private readonly session: InferenceSession,
    private readonly runtime: OnnxRuntime,
    /** Where the states stay on a GPU: what copies them out of there. */
    private readonly device: DeviceReader | undefined,
  ) {
    // Copies: later runs write into these arrays.
    for (const [name, state] of graph.states) {
      this.current.set(name, this.tensor(initialState(state).slice(), state.shape));
    }
    if (device) return;
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

  run(inputs: Values): Promise<Record<string, Float32Array>> {
    return this.calls.add(() => this.runNow(inputs));
  }

  private async runNow(inputs: Values): Promise<Record<string, Float32Array>> {
    checkInputs(this.graph, inputs);
    const feeds: Record<string, OnnxTensor> = {};
    for (const [name, tensor] of this.graph.inputs) feeds[name] = this.tensor(inputs[name], tensor.shape);
    for (const [name, value] of this.lowered.stateInputs) feeds[value] = this.current.get(name)!;
    const produced = this.device ? await this.session.run(feeds) : await this.session.run(feeds, this.fetches());
    for (const [name, value] of this.lowered.stateOutputs) {
      const previous = this.current.get(name)!;
      this.current.set(name, produced[value]);
      if (this.device) previous.dispose();
      else this.spare.set(name, previous);
    }
    const outputs: Record<string, Float32Array> = {};
    for (const [name, value] of this.lowered.outputs) {
      const data = produced[value].data as Float32Array;
      // The run that waits would overwrite the array before everyone who was promised it has seen it.
      outputs[name] = this.calls.waiting > 0 ? data.slice() : data;
    }
    return outputs;
  }

  private fetches(): Record<string, OnnxTensor> {
    const fetches: Record<string, OnnxTensor> = {};
    for (const [name, value] of this.lowered.stateOutputs) fetches[value] = this.spare.get(name)!;
    for (const [name, value] of this.lowered.outputs) fetches[value] = this.results.get(name)!;
    return fetches;
  }

  readStates(names?: readonly string[]): Promise<Map<string, Float32Array>> {
    return this.calls.add(async () => {
      const values = new Map<string, Float32Array>();
      for (const name of names ?? this.current.keys()) {
        stateOf(this.graph, name);
        const tensor = this.current.get(name)!;
        values.set(name, this.device ? await this.device.read(tensor) : (tensor.data as Float32Array).slice());
      }
      return values;
    });
  }

  writeStates(values: ReadonlyMap<string, Float32Array>): Promise<void> {
    return this.calls.add(async () => {
      checkStates(this.graph, values);
      for (const [name, value] of values) {
        if (this.device) this.current.get(name)!.dispose();
        this.current.set(name, this.tensor(Float32Array.from(value), stateOf(this.graph, name).shape));
      }
    });
  }

  dispose(): Promise<void> {
    return this.calls.close(async () => {
      if (this.device) for (const tensor of this.current.values()) tensor.dispose();
      this.current.clear();
      this.spare.clear();
      this.results.clear();
      await this.device?.dispose();
      await this.session.release();
    });
  }
}

/**
 * The engine over ONNX Runtime: a graph becomes one ONNX model, which one session runs. On the CPU the states are two
 * sets of arrays that the runtime reads and writes in turn; on WebGPU they stay in GPU buffers between runs, and are
 * copied out only where they are read.
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
      const common: InferenceSession.SessionOptions = {
        executionProviders: device === 'cpu' || device === 'wasm' ? [device] : [device, 'cpu'],
        ...(threads && { intraOpNumThreads: threads }),
        graphOptimizationLevel: 'all',
        logSeverityLevel: 3,
      };
      const session = await runtime.InferenceSession.create(lowered.model, {
        ...common,
        ...(onDevice && { preferredOutputLocation: locations }),
      });
      const reader = new DeviceReader((model) => runtime.InferenceSession.create(model, common));
      return new OnnxProgram(graph, lowered, session, runtime, onDevice ? reader : undefined);
    },
  };
}
