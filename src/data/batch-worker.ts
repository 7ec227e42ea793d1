// A thread that fills batches. It imports little beside pure code: loading sharp or the native engine's planner here would delay every start.
import { parentPort, workerData } from 'node:worker_threads';
import { BatchFiller, type BatchPlan } from './batch-plan.ts';

/** Asks for one batch; the buffer is transferred, and comes back with the answer. */
export interface BatchRequest {
  readonly step: number;
  readonly buffer: ArrayBuffer;
}

/** A filled buffer, or why it could not be filled. */
export type BatchAnswer =
  | { readonly step: number; readonly buffer: ArrayBuffer; readonly indices: Uint32Array }
  | { readonly step: number; readonly error: Error };

const filler = new BatchFiller(workerData as BatchPlan);

parentPort?.on('message', ({ step, buffer }: BatchRequest) => {
  try {
    const indices = filler.fill(step, buffer);
    parentPort?.postMessage({ step, buffer, indices } satisfies BatchAnswer, [buffer]);
  } catch (error) {
    parentPort?.postMessage({ step, error: error as Error } satisfies BatchAnswer);
  }
});
