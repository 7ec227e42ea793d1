/**
 * The process in which trials are trained, one after the other. It is a process of its own so that trials run at the same time,
 * and so that one that runs out of memory ends only itself. Started by `TrialProcess`.
 */
import { totalmem } from 'node:os';
import type { RunSpec } from '../comparison/runs/run-spec.ts';
import { trainRun } from '../comparison/runs/train-runs.ts';
import { DecodedImages } from '../data/decoded/decoded-images.ts';
import type { EngineChoice } from '../engine/select-engine.ts';
import { InUseError } from '../files/claim-folder.ts';
import { FaceparseError } from '../text/errors.ts';

/** A run to be trained up to some epochs. */
export interface TrialRequest {
  readonly run: RunSpec;
  readonly out: string;
  readonly data: string;
  readonly engine: EngineChoice;
  readonly until: number;
}

/** What the process is told: to train, or to save and stop. */
export type TrialMessage = { readonly kind: 'train'; readonly request: TrialRequest } | { readonly kind: 'stop' };

/** What the process tells. */
export type TrialAnswer =
  | { readonly kind: 'progress'; readonly epoch: number }
  | { readonly kind: 'done' }
  | { readonly kind: 'interrupted' }
  /** The trial cannot be trained. */
  | { readonly kind: 'failed'; readonly reason: string }
  /** No trial can be trained, such as with a full disk. */
  | { readonly kind: 'broken'; readonly reason: string; readonly exitCode: 1 | 2 };

/** Progress is told no more often, in milliseconds. */
const interval = 200;

/** Processes at once, which share the memory for images. */
const processes = Number(process.argv[2] ?? 1);
const images = new DecodedImages(totalmem() / 4 / processes);
let controller: AbortController | undefined;

function tell(answer: TrialAnswer): void {
  process.send?.(answer);
}

/** Whether an error is one of the machine, which would meet all trials: a file that cannot be written or read. */
function isOfMachine(error: FaceparseError): boolean {
  return error instanceof InUseError || typeof (error.cause as NodeJS.ErrnoException | undefined)?.code === 'string';
}

async function train({ run, out, data, engine, until }: TrialRequest): Promise<void> {
  controller = new AbortController();
  let told = 0;
  try {
    const options = {
      out,
      data,
      engine,
      until,
      signal: controller.signal,
      onProgress: ({ epoch }: { readonly epoch: number }) => {
        if (performance.now() - told < interval) return;
        told = performance.now();
        tell({ kind: 'progress', epoch });
      },
    };
    const result = await trainRun(run, options, images);
    tell({ kind: result?.interrupted ? 'interrupted' : 'done' });
  } catch (error) {
    if (controller.signal.aborted) return tell({ kind: 'interrupted' });
    if (!(error instanceof FaceparseError)) throw error;
    tell(
      isOfMachine(error)
        ? { kind: 'broken', reason: error.message, exitCode: error.exitCode }
        : { kind: 'failed', reason: error.message },
    );
  }
}

// Ctrl-C reaches all processes of the terminal; the sweep tells when to stop.
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => undefined);
// The sweep was killed. Everything that is saved is enough to go on.
process.on('disconnect', () => process.exit(1));
process.on('message', (message: TrialMessage) => {
  if (message.kind === 'stop') controller?.abort();
  else void train(message.request);
});
