/**
 * The part of ONNX Runtime that the engine uses. It is declared here because onnxruntime-common refers to DOM types, which
 * a Node-only project lacks.
 */
export interface OnnxRuntime {
  readonly InferenceSession: { create(model: Uint8Array, options: OnnxSessionOptions): Promise<OnnxSession> };
  readonly Tensor: new (
    type: 'float32' | 'int32',
    data: Float32Array | Int32Array,
    dims: readonly number[],
  ) => OnnxTensor;
}

export interface OnnxTensor {
  /** The values, where `location` is `cpu`; otherwise an error. */
  readonly data: unknown;
  readonly dims: readonly number[];
  readonly location: string;
  dispose(): void;
}

export interface OnnxSession {
  run(feeds: Readonly<Record<string, OnnxTensor>>, fetches: readonly string[]): Promise<Record<string, OnnxTensor>>;
  release(): Promise<void>;
}

export interface OnnxSessionOptions {
  readonly executionProviders: readonly string[];
  readonly intraOpNumThreads?: number;
  readonly graphOptimizationLevel?: 'all';
  readonly logSeverityLevel?: 3;
  readonly preferredOutputLocation?: Readonly<Record<string, 'gpu-buffer' | 'cpu'>>;
}
