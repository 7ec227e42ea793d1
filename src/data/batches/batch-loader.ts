import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { Worker } from 'node:worker_threads';
import type { Normalization } from '../../image/normalization.ts';
import type { LabelSet } from '../../labels/label-set.ts';
import { mirrorTable } from '../../labels/mirror.ts';
import { FaceparseError } from '../../text/errors.ts';
import { type AugmentationOptions, resolveAugmentation } from '../augmentation/augment.ts';
import { planCopyPaste } from '../augmentation/copy-paste-plan.ts';
import { augmentationKernels } from '../augmentation/native-kernels.ts';
import type { DecodedDataset } from '../decoded/decoded-dataset.ts';
import { BatchFiller, type BatchPlan, type BatchSize, batchArrays, batchBytes, stepsPerEpoch } from './batch-plan.ts';
import type { BatchAnswer, BatchRequest } from './batch-worker.ts';

/** Options of a batch loader. */
export interface BatchLoaderOptions {
  readonly decoded: DecodedDataset;
  /** The label set of the decoded ids; it defines the pairs swapped by a flip. */
  readonly labelSet: LabelSet;
  readonly batchSize: number;
  /** Side of the images in pixels. */
  readonly size: number;
  /** Side of the labels in pixels. Default: `size`. */
  readonly labelSize?: number;
  /** Default: none. */
  readonly augmentation?: Partial<AugmentationOptions>;
  /** Normalisation of the network to be trained. */
  readonly normalization: Normalization;
  readonly seed: number;
  /** Number of worker threads; with 0, `next` fills batches itself, with the same result. Default: 1. */
  readonly workers?: number;
  /** The step of the first batch: resuming at step k gives the same batches as an uninterrupted run. Default: 0. */
  readonly startStep?: number;
  /** Relative sampling frequency of each pair (such as 1.7 or 3, against 1); the epoch length does not change. */
  readonly weights?: ArrayLike<number>;
}

/** One batch. It is valid until the second next call of `next`; then its buffer is reused and its arrays become empty. */
export interface Batch {
  /** Counted from 0 over all epochs. */
  readonly step: number;
  readonly epoch: number;
  /** Samples in the batch. */
  readonly count: number;
  /** count×3×S×S. */
  readonly images: Float32Array;
  /** count×L×L ids; 255 is ignored. */
  readonly labels: Int32Array;
  /** Indices of the pairs in the data set. */
  readonly indices: Uint32Array;
  readonly stems: readonly string[];
}

/** Produces batches endlessly, epoch after epoch; an incomplete last batch is dropped. */
export interface BatchLoader {
  readonly stepsPerEpoch: number;
  /** Returns the batch of the next step. Only one call may be pending. Rejects if a worker failed or the loader is closed. */
  next(): Promise<Batch>;
  /** Ends the workers. Batches already returned stay valid. */
  close(): Promise<void>;
}

/** Number of returned batches that must stay valid. */
const heldBatches = 2;

/** Number of batches filled in advance. */
const prefetchedBatches = 3;

/** Maximum size of all buffers of a loader, in bytes. */
const maxBufferBytes = 4 * 2 ** 30;

/**
 * Creates a loader of augmented batches.
 *
 * The batch of step k depends only on the data, the options and the seed, not on the number of workers, the starting step or
 * the presence of the add-on. Workers always have several requests queued, so they continue while the main thread is busy in
 * an engine. Buffers are transferred between threads, not shared (ONNX Runtime refuses shared memory), and nothing of a
 * batch's size is allocated after the start.
 *
 * An open loader does not keep the process alive unless a call of `next` is pending.
 *
 * @throws FaceparseError if an option is out of range, the label set does not match the images, or the worker is not built
 *
 * @example
 * const loader = createBatchLoader({ decoded, labelSet, normalization, batchSize: 8, size: 256, seed: 1 });
 * const { images, labels } = await loader.next();
 * await loader.close();
 */
export function createBatchLoader(options: BatchLoaderOptions): BatchLoader {
  const workers = wholeNumber('workers', options.workers ?? 1, 0, 64);
  const startStep = wholeNumber('startStep', options.startStep ?? 0, 0, Number.MAX_SAFE_INTEGER);
  const plan = makePlan(options);
  requireRoomForBatches({ ...plan, workers });
  return new ThreadedBatchLoader(plan, workers, startStep);
}

/** Number of buffers; without workers, batches are filled one at a time. */
function bufferCount(workers: number): number {
  return (workers === 0 ? 1 : prefetchedBatches) + heldBatches;
}

/** Checks the total size of a loader's buffers. @throws FaceparseError if it exceeds the limit */
export function requireRoomForBatches(options: BatchSize & { readonly workers: number }): void {
  const { batchSize, size, workers } = options;
  const buffers = bufferCount(workers);
  const bytes = buffers * batchBytes(options);
  if (bytes <= maxBufferBytes) return;
  throw new FaceparseError(
    `${buffers} batches of ${batchSize} images at ${size}×${size} need ${(bytes / 2 ** 30).toFixed(1)} GiB of buffers, ` +
      `but the limit is ${maxBufferBytes / 2 ** 30} GiB. Use a smaller batch or smaller images.`,
  );
}

function makePlan(options: BatchLoaderOptions): BatchPlan {
  const { decoded, labelSet, seed } = options;
  const pairs = decoded.stems.length;
  const size = wholeNumber('size', options.size, 1, 16_384);
  const batchSize = wholeNumber('batchSize', options.batchSize, 1, 65_536);
  if (decoded.labelSet !== labelSet.name) {
    throw new FaceparseError(`The label set of the decoded images is ${decoded.labelSet}, not ${labelSet.name}.`);
  }
  if (batchSize > pairs) {
    throw new FaceparseError(
      `A batch of ${batchSize} cannot be filled from ${pairs} pairs. Use a smaller batch size or more data.`,
    );
  }
  if (!Number.isFinite(seed)) throw new FaceparseError(`The seed is ${seed}; it must be a number.`);
  const augmentation = resolveAugmentation(options.augmentation);
  const weights = options.weights && checkWeights(Float64Array.from(options.weights), pairs);
  return {
    decoded,
    batchSize,
    size,
    labelSize: wholeNumber('labelSize', options.labelSize ?? size, 1, 16_384),
    augmentation,
    mirror: mirrorTable(labelSet),
    normalization: options.normalization,
    seed,
    weights,
    copyPaste: planCopyPaste(decoded, labelSet, augmentation.copyPaste, weights),
  };
}

function checkWeights(weights: Float64Array, pairs: number): Float64Array {
  if (weights.length !== pairs) {
    throw new FaceparseError(
      `There are ${weights.length} sampling weights for ${pairs} pairs; exactly one per pair is required.`,
    );
  }
  const wrong = weights.findIndex((weight) => !(weight >= 0 && weight < 1e12));
  if (wrong >= 0) {
    throw new FaceparseError(`Sampling weight ${wrong} is ${weights[wrong]}; it must be at least 0.`);
  }
  if (weights.every((weight) => weight === 0)) throw new FaceparseError('All sampling weights are 0.');
  return weights;
}

function wholeNumber(name: string, value: number, from: number, to: number): number {
  if (Number.isInteger(value) && value >= from && value <= to) return value;
  throw new FaceparseError(`The loader's "${name}" is ${value}; it must be an integer from ${from} to ${to}.`);
}

/** URL of the worker's code: next to this file when built; from the last build under a test runner that reads the sources. */
function workerUrl(): URL {
  const source = import.meta.url.endsWith('.ts');
  const url = new URL(source ? '../../../dist/data/batches/batch-worker.js' : './batch-worker.js', import.meta.url);
  if (!existsSync(url)) {
    throw new FaceparseError(
      `${fileURLToPath(url)} is missing: batch workers need compiled code. Run \`npm run build\` or use workers: 0.`,
    );
  }
  return url;
}

interface Waiting {
  readonly resolve: (batch: Batch) => void;
  readonly reject: (error: Error) => void;
}

class ThreadedBatchLoader implements BatchLoader {
  readonly stepsPerEpoch: number;
  readonly #plan: BatchPlan;
  readonly #workers: Worker[] = [];
  /** Set only without workers. */
  readonly #filler?: BatchFiller;
  readonly #free: ArrayBuffer[] = [];
  /** Buffers of the batches returned last, oldest first. */
  readonly #held: ArrayBuffer[] = [];
  readonly #ready = new Map<number, { buffer: ArrayBuffer; indices: Uint32Array }>();
  /** The first step not yet requested from a worker. */
  #nextRequest: number;
  #nextStep: number;
  #waiting?: Waiting;
  #failure?: Error;

  constructor(plan: BatchPlan, workers: number, startStep: number) {
    this.stepsPerEpoch = stepsPerEpoch(plan);
    this.#plan = plan;
    this.#nextRequest = startStep;
    this.#nextStep = startStep;
    for (let i = 0; i < bufferCount(workers); i++) this.#free.push(new ArrayBuffer(batchBytes(plan)));
    if (workers === 0) {
      this.#filler = new BatchFiller(plan);
      return;
    }
    // Load the add-on before a worker does: OpenMP comes with it and honours only settings made in the main thread.
    augmentationKernels();
    const url = workerUrl();
    for (let i = 0; i < workers; i++) {
      // A test runner's flags do not apply to this worker.
      const worker = new Worker(url, { workerData: plan, execArgv: [] });
      worker.on('message', (answer: BatchAnswer) => this.#receive(answer));
      worker.on('error', (cause) => this.#fail(new Error(`A batch worker failed: ${cause.message}`, { cause })));
      worker.on('exit', (code) => this.#fail(new Error(`A batch worker ended early, with code ${code}.`)));
      worker.unref();
      this.#workers.push(worker);
    }
    this.#request();
  }

  async next(): Promise<Batch> {
    if (this.#failure) throw this.#failure;
    if (this.#waiting) throw new Error('next() was called while the previous call was pending.');
    if (this.#held.length === heldBatches) this.#free.push(this.#held.shift()!);
    if (this.#filler) return this.#fillHere(this.#filler);
    this.#request();
    if (this.#ready.has(this.#nextStep)) return this.#take();
    // Workers keep the process alive only while a call is pending.
    for (const worker of this.#workers) worker.ref();
    return new Promise<Batch>((resolve, reject) => {
      this.#waiting = { resolve, reject };
    }).finally(() => {
      for (const worker of this.#workers) worker.unref();
    });
  }

  async close(): Promise<void> {
    this.#fail(new Error('The batch loader is closed.'));
    await Promise.all(this.#workers.map((worker) => worker.terminate()));
  }

  /** Requests the next steps while buffers are free; a worker queues its requests. */
  #request(): void {
    if (this.#filler || this.#failure) return;
    while (this.#free.length > 0 && this.#nextRequest < this.#nextStep + prefetchedBatches) {
      const step = this.#nextRequest++;
      const buffer = this.#free.pop()!;
      this.#workers[step % this.#workers.length].postMessage({ step, buffer } satisfies BatchRequest, [buffer]);
    }
  }

  #receive(answer: BatchAnswer): void {
    if (this.#failure) return;
    const { step } = answer;
    if ('error' in answer) {
      this.#fail(
        new Error(`The batch of step ${step} could not be created: ${answer.error.message}`, { cause: answer.error }),
      );
      return;
    }
    this.#ready.set(step, { buffer: answer.buffer, indices: answer.indices });
    if (this.#waiting && step === this.#nextStep) {
      const { resolve } = this.#waiting;
      this.#waiting = undefined;
      resolve(this.#take());
    }
  }

  #take(): Batch {
    const step = this.#nextStep++;
    const { buffer, indices } = this.#ready.get(step)!;
    this.#ready.delete(step);
    this.#held.push(buffer);
    this.#request();
    return this.#batch(step, buffer, indices);
  }

  #fillHere(filler: BatchFiller): Batch {
    const old = this.#free.pop()!;
    // Detaches the arrays of the batch that had this buffer, as a transfer to a worker would, to prevent use of a stale batch.
    const buffer = structuredClone(old, { transfer: [old] });
    const step = this.#nextStep++;
    this.#held.push(buffer);
    return this.#batch(step, buffer, filler.fill(step, buffer));
  }

  #batch(step: number, buffer: ArrayBuffer, indices: Uint32Array): Batch {
    const stems = Array.from(indices, (index) => this.#plan.decoded.stems[index]);
    const epoch = Math.floor(step / this.stepsPerEpoch);
    const count = indices.length;
    return { step, epoch, count, indices, stems, ...batchArrays(this.#plan, buffer) };
  }

  /** Keeps the first failure and rejects the pending call; later calls reject as well. */
  #fail(error: Error): void {
    if (this.#failure) return;
    this.#failure = error;
    this.#waiting?.reject(error);
    this.#waiting = undefined;
  }
}
