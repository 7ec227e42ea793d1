// A thread that fills batches. It imports almost only pure code: loading sharp or the native engine's planner would delay every start.
import { constants, setPriority } from 'node:os';
import { parentPort, workerData } from 'node:worker_threads';
import { BatchFiller, type BatchPlan } from './batch-plan.ts';

/** Requests one batch; the buffer is transferred and returned with the answer. */
export interface BatchRequest {
  readonly step: number;
  readonly buffer: ArrayBuffer;
}

/** A filled buffer, or why it could not be filled. */
export type BatchAnswer =
  | { readonly step: number; readonly buffer: ArrayBuffer; readonly indices: Uint32Array }
  | { readonly step: number; readonly error: Error };

// The threads of an engine wait for each other many times per step, so time lost to this one counts twice. When all cores compute, batches
// are filled in the gaps and while the engine waits for one. Linux applies the priority to the calling thread, other systems to the process.
if (process.platform === 'linux') setPriority(constants.priority.PRIORITY_LOW);

const filler = new BatchFiller(workerData as BatchPlan);

parentPort?.on('message', ({ step, buffer }: BatchRequest) => {
  try {
    const indices = filler.fill(step, buffer);
    parentPort?.postMessage({ step, buffer, indices } satisfies BatchAnswer, [buffer]);
  } catch (error) {
    parentPort?.postMessage({ step, error: error as Error } satisfies BatchAnswer);
  }
});
