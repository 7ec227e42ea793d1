import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { Worker } from 'node:worker_threads';
import { type InferenceSession, Tensor } from 'onnxruntime-common';
import type { OnnxRuntime } from '../onnx-engine.ts';
import type { SessionAnswer, SessionCommand, SessionRequest, TensorMessage } from './messages.ts';

interface Waiting {
  resolve(outputs: Readonly<Record<string, TensorMessage>>): void;
  reject(error: Error): void;
}

/** Where the compiled worker is; `undefined` where it was not built, or bundled away. */
export function sessionWorkerUrl(): URL | undefined {
  const source = import.meta.url.endsWith('.ts');
  const folder = source ? '../../../../dist/engine/onnx/background/' : './';
  const url = new URL(`${folder}session-worker.js`, import.meta.url);
  return existsSync(fileURLToPath(url)) ? url : undefined;
}

/**
 * onnxruntime-node in a worker thread. Its own `run` is asynchronous in form only: it blocks the thread that calls it for as
 * long as the network takes. The worker starts with the first session and ends with the last; an idle one does not keep the
 * process alive.
 */
export class BackgroundRuntime implements OnnxRuntime {
  readonly Tensor = Tensor;
  readonly InferenceSession: OnnxRuntime['InferenceSession'];
  #worker: Worker | undefined;
  #requests = 0;
  #sessions = 0;
  #openSessions = 0;
  readonly #waiting = new Map<number, Waiting>();

  constructor(private readonly url: URL) {
    const create = (model: Uint8Array, options: InferenceSession.SessionOptions = {}) => this.#create(model, options);
    this.InferenceSession = { create } as unknown as OnnxRuntime['InferenceSession'];
  }

  async #create(model: Uint8Array, options: InferenceSession.SessionOptions): Promise<InferenceSession> {
    const session = this.#sessions++;
    this.#openSessions++;
    let open = true;
    const close = async () => {
      if (!open) return;
      open = false;
      if (--this.#openSessions === 0) await this.#end();
    };
    try {
      await this.#ask({ kind: 'create', session, model, options });
    } catch (error) {
      await close();
      throw error;
    }
    const run = async (feeds: InferenceSession.FeedsType, fetches: readonly string[] | Record<string, unknown>) => {
      const names = Array.isArray(fetches) ? fetches : Object.keys(fetches);
      const entries = Object.entries(feeds as Record<string, Tensor>);
      const sent = Object.fromEntries(entries.map(([name, tensor]) => [name, messageOf(tensor)]));
      const outputs = await this.#ask({ kind: 'run', session, feeds: sent, outputs: names });
      return Object.fromEntries(Object.entries(outputs).map(([name, message]) => [name, tensorOf(message)]));
    };
    const release = async () => {
      if (open) await this.#ask({ kind: 'release', session });
      await close();
    };
    return { run, release } as unknown as InferenceSession;
  }

  #ask(command: SessionCommand): Promise<Readonly<Record<string, TensorMessage>>> {
    const worker = this.#start();
    const id = this.#requests++;
    worker.ref();
    return new Promise((resolve, reject) => {
      this.#waiting.set(id, { resolve, reject });
      worker.postMessage({ id, command } satisfies SessionRequest);
    });
  }

  #start(): Worker {
    if (this.#worker) return this.#worker;
    // A test runner's own flags mean nothing to a worker of ours.
    const worker = new Worker(this.url, { execArgv: [] });
    worker.on('message', (answer: SessionAnswer) => this.#receive(answer));
    worker.on('error', (cause) => this.#fail(worker, `the thread of ONNX Runtime failed: ${cause.message}`));
    worker.on('exit', (code) => this.#fail(worker, `the thread of ONNX Runtime ended with code ${code}`));
    this.#worker = worker;
    return worker;
  }

  #receive(answer: SessionAnswer): void {
    const waiting = this.#waiting.get(answer.id);
    this.#waiting.delete(answer.id);
    if (this.#waiting.size === 0) this.#worker?.unref();
    if ('error' in answer) waiting?.reject(new Error(answer.error));
    else waiting?.resolve(answer.outputs);
  }

  /** Everyone who waits is told; sessions of a worker that is gone fail from then on. */
  #fail(worker: Worker, message: string): void {
    if (this.#worker !== worker) return;
    this.#worker = undefined;
    for (const { reject } of this.#waiting.values()) reject(new Error(message));
    this.#waiting.clear();
  }

  async #end(): Promise<void> {
    const worker = this.#worker;
    this.#worker = undefined;
    await worker?.terminate();
  }
}

function messageOf({ type, data, dims }: Tensor): TensorMessage {
  return { type, data, dims } as TensorMessage;
}

function tensorOf({ type, data, dims }: TensorMessage): Tensor {
  return type === 'int32'
    ? new Tensor('int32', data as Int32Array, dims)
    : new Tensor('float32', data as Float32Array, dims);
}
