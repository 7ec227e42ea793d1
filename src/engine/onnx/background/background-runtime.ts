import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { Worker } from 'node:worker_threads';
import type { OnnxRuntime, OnnxSession, OnnxSessionOptions, OnnxTensor } from '../onnx-runtime.ts';
import {
  type SessionAnswer,
  type SessionCommand,
  type SessionRequest,
  sharedFlags,
  type TensorMessage,
} from './messages.ts';

interface Waiting {
  resolve(outputs: Readonly<Record<string, TensorMessage>>): void;
  reject(error: Error): void;
}

/** The URL of the compiled worker; `undefined` if it was not built, or a bundler omitted it. */
export function sessionWorkerUrl(): URL | undefined {
  const source = import.meta.url.endsWith('.ts');
  const folder = source ? '../../../../dist/engine/onnx/background/' : './';
  const url = new URL(`${folder}session-worker.js`, import.meta.url);
  return existsSync(fileURLToPath(url)) ? url : undefined;
}

/**
 * Runs onnxruntime-node in a worker thread, because its own `run` blocks the calling thread until the network is done. The
 * worker starts with the first session and ends with the last. An idle worker does not keep the process alive.
 */
export class BackgroundRuntime implements OnnxRuntime {
  readonly Tensor = HostTensor;
  readonly InferenceSession: OnnxRuntime['InferenceSession'];
  #worker: Worker | undefined;
  #requests = 0;
  #sessions = 0;
  #openSessions = 0;
  readonly #waiting = new Map<number, Waiting>();

  constructor(private readonly url: URL) {
    this.InferenceSession = { create: (model, options) => this.#create(model, options) };
  }

  async #create(model: Uint8Array, options: OnnxSessionOptions): Promise<OnnxSession> {
    const session = this.#sessions++;
    const worker = this.#start();
    this.#openSessions++;
    let open = true;
    const ask = (command: SessionCommand) => {
      // A new worker would not know the session.
      if (this.#worker !== worker) throw new Error('the thread of ONNX Runtime has ended; load the network again');
      return this.#ask(worker, command);
    };
    const close = async () => {
      if (!open) return;
      open = false;
      // The sessions of a lost worker are no longer counted.
      if (this.#worker === worker && --this.#openSessions === 0) await this.#end();
    };
    try {
      await ask({ kind: 'create', session, model, options });
    } catch (error) {
      await close();
      throw error;
    }
    const run: OnnxSession['run'] = async (feeds, fetches) => {
      const sent = Object.fromEntries(Object.entries(feeds).map(([name, tensor]) => [name, messageOf(tensor)]));
      const outputs = await ask({ kind: 'run', session, feeds: sent, outputs: fetches });
      return Object.fromEntries(
        Object.entries(outputs).map(([name, { type, data, dims }]) => [name, new HostTensor(type, data, dims)]),
      );
    };
    const release = async () => {
      // What a lost worker held is free already.
      if (open && this.#worker === worker) await ask({ kind: 'release', session });
      await close();
    };
    return { run, release };
  }

  #ask(worker: Worker, command: SessionCommand): Promise<Readonly<Record<string, TensorMessage>>> {
    const id = this.#requests++;
    worker.ref();
    return new Promise((resolve, reject) => {
      this.#waiting.set(id, { resolve, reject });
      worker.postMessage({ id, command } satisfies SessionRequest);
    });
  }

  #start(): Worker {
    if (this.#worker) return this.#worker;
    // Flags of a test runner do not apply to the worker.
    const flags = new Int32Array(new SharedArrayBuffer(8));
    const worker = new Worker(this.url, { execArgv: [], workerData: flags });
    if (runningWorkers.size === 0) process.once('exit', stopWorkers);
    runningWorkers.add(flags);
    worker.once('exit', () => {
      runningWorkers.delete(flags);
      if (runningWorkers.size === 0) process.off('exit', stopWorkers);
    });
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

  /** Rejects all pending calls; sessions of a lost worker fail from then on. */
  #fail(worker: Worker, message: string): void {
    if (this.#worker !== worker) return;
    this.#worker = undefined;
    this.#openSessions = 0;
    for (const { reject } of this.#waiting.values()) reject(new Error(message));
    this.#waiting.clear();
  }

  async #end(): Promise<void> {
    const worker = this.#worker;
    this.#worker = undefined;
    await worker?.terminate();
  }
}

/** Longest time in milliseconds for which the end of the process waits for a network. */
const longestWait = 10_000;

/** The shared memory of each worker. One listener serves them all: Node warns of more than ten. */
const runningWorkers = new Set<Int32Array>();

/**
 * Waits until no worker runs a command, and lets none start another one. A thread that ends inside ONNX Runtime throws an
 * exception there that aborts the process.
 */
function stopWorkers(): void {
  const end = performance.now() + longestWait;
  for (const flags of runningWorkers) Atomics.store(flags, sharedFlags.stopped, 1);
  for (const flags of runningWorkers) {
    while (Atomics.load(flags, sharedFlags.busy) === 1 && performance.now() < end) {
      Atomics.wait(flags, sharedFlags.busy, 1, 100);
    }
  }
}

/** A tensor in the memory of this thread. */
class HostTensor implements OnnxTensor {
  readonly location = 'cpu';

  constructor(
    readonly type: TensorMessage['type'],
    readonly data: TensorMessage['data'],
    readonly dims: readonly number[],
  ) {}

  dispose(): void {}
}

function messageOf({ data, dims }: OnnxTensor): TensorMessage {
  return data instanceof Int32Array
    ? { type: 'int32', data, dims }
    : { type: 'float32', data: data as Float32Array, dims };
}
