import { type ChildProcess, fork } from 'node:child_process';
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { FaceparseError } from '../text/errors.ts';
import type { TrialAnswer, TrialMessage, TrialRequest } from './trial-process.ts';

/** How the training of a trial up to a rung ended. */
export type TrialOutcome =
  | { readonly kind: 'done' }
  | { readonly kind: 'interrupted' }
  | { readonly kind: 'failed'; readonly reason: string };

/** Trains trials one after the other. */
export interface Trainer {
  /**
   * Trains or resumes a trial up to a rung.
   *
   * @param onEpoch receives the progress in epochs
   * @throws FaceparseError for a fault of the machine, which would meet all trials
   */
  train(request: TrialRequest, onEpoch: (epoch: number) => void): Promise<TrialOutcome>;
  /** Saves the current trial and ends its training. */
  stop(): void;
  close(): void;
}

/** How often a trial is tried whose process ends by itself; the first time it may have been another program's memory. */
const attempts = 2;

/** The code of the process: next to this file when built; from the last build under a test runner that reads the sources. */
function processFile(): string {
  const isSource = import.meta.url.endsWith('.ts');
  const url = new URL(isSource ? '../../dist/sweep/trial-process.js' : './trial-process.js', import.meta.url);
  const path = fileURLToPath(url);
  if (!existsSync(path))
    throw new FaceparseError(`${path} is missing: sweeps need compiled code. Run \`npm run build\`.`);
  return path;
}

/** A process that trains trials, started for the first of them and again if it ends early. */
export class TrialProcess implements Trainer {
  private child: ChildProcess | undefined;
  private isStopped = false;

  /** @param processes number of such processes at once */
  constructor(private readonly processes: number) {}

  async train(request: TrialRequest, onEpoch: (epoch: number) => void): Promise<TrialOutcome> {
    let reason = '';
    for (let attempt = 0; attempt < attempts; attempt++) {
      const answer = await this.ask(request, onEpoch);
      if (answer.kind === 'broken') throw new FaceparseError(answer.reason, { exitCode: answer.exitCode });
      if (answer.kind !== 'ended') return answer;
      if (this.isStopped) return { kind: 'interrupted' };
      reason = answer.reason;
    }
    return { kind: 'failed', reason };
  }

  stop(): void {
    this.isStopped = true;
    this.send({ kind: 'stop' });
  }

  close(): void {
    // It ends by itself when its channel does.
    if (this.child?.connected) this.child.disconnect();
    this.child = undefined;
  }

  private send(message: TrialMessage): void {
    // It may have ended a moment ago; then its exit is the answer.
    if (this.child?.connected) this.child.send(message, () => undefined);
  }

  private start(): ChildProcess {
    // A test runner's flags do not apply; what the process prints could only disturb the sweep's own output.
    const child = fork(processFile(), [String(this.processes)], {
      execArgv: [],
      serialization: 'advanced',
      stdio: ['ignore', 'ignore', 'pipe', 'ipc'],
    });
    child.stderr?.resume();
    child.on('exit', () => {
      if (this.child === child) this.child = undefined;
    });
    return child;
  }

  private ask(
    request: TrialRequest,
    onEpoch: (epoch: number) => void,
  ): Promise<Exclude<TrialAnswer, { kind: 'progress' }> | { readonly kind: 'ended'; readonly reason: string }> {
    this.child ??= this.start();
    const { child } = this;
    return new Promise((resolve) => {
      let complaint = '';
      const hear = (bytes: Buffer) => {
        complaint = `${complaint}${bytes}`.slice(-4000);
      };
      const settle = (): void => {
        child.off('message', answered).off('exit', ended);
        child.stderr?.off('data', hear);
      };
      const answered = (answer: TrialAnswer): void => {
        if (answer.kind === 'progress') {
          onEpoch(answer.epoch);
          return;
        }
        settle();
        resolve(answer);
      };
      const ended = (code: number | null, signal: string | null): void => {
        settle();
        resolve({ kind: 'ended', reason: describeEnd(code, signal, complaint) });
      };
      child.on('message', answered).on('exit', ended);
      child.stderr?.on('data', hear);
      this.send({ kind: 'train', request });
    });
  }
}

function describeEnd(code: number | null, signal: string | null, complaint: string): string {
  if (signal === 'SIGKILL') return 'its process was killed (SIGKILL), as happens when the machine runs out of memory';
  if (/heap out of memory|Cannot allocate|Array buffer allocation failed/i.test(complaint)) {
    return 'its process ran out of memory';
  }
  const message = complaint.split('\n').find((line) => /Error/.test(line)) ?? '';
  const how = signal === null ? `with exit code ${code}` : `by ${signal}`;
  return `its process ended ${how}${message === '' ? '' : `: ${message.trim().slice(0, 300)}`}`;
}
