import type { OnnxSessionOptions } from '../onnx-runtime.ts';

/** Indices into the memory shared by both threads: whether a command is running, and whether no more may start. */
export const sharedFlags = { busy: 0, stopped: 1 } as const;

/** A tensor sent between threads. */
export interface TensorMessage {
  readonly type: 'float32' | 'int32';
  readonly data: Float32Array | Int32Array;
  readonly dims: readonly number[];
}

/** Commands to the worker. */
export type SessionCommand =
  | {
      readonly kind: 'create';
      readonly session: number;
      readonly model: Uint8Array;
      readonly options: OnnxSessionOptions;
    }
  | {
      readonly kind: 'run';
      readonly session: number;
      readonly feeds: Readonly<Record<string, TensorMessage>>;
      readonly outputs: readonly string[];
    }
  | { readonly kind: 'release'; readonly session: number };

/** A command with the number of its answer. */
export interface SessionRequest {
  readonly id: number;
  readonly command: SessionCommand;
}

export type SessionAnswer =
  | { readonly id: number; readonly outputs: Readonly<Record<string, TensorMessage>> }
  | { readonly id: number; readonly error: string };
