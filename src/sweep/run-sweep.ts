import { setTimeout as sleep } from 'node:timers/promises';
import type { EngineChoice } from '../engine/select-engine.ts';
import { InUseError } from '../files/claim-folder.ts';
import { exists } from '../files/path-kind.ts';
import { FaceparseError } from '../text/errors.ts';
import { claimRun } from '../training/record/run-claim.ts';
import { bracketJobs, type Job, trialsOf } from './halving.ts';
import { ownsBracket, type Shard } from './shard.ts';
import { ShardLog } from './shard-log.ts';
import { isHigherBetter, type Sweep } from './sweep.ts';
import { recordFailure } from './sweep-folder.ts';
import type { Trainer } from './train-trial.ts';
import { readTrial, type Trial } from './trials.ts';

export interface RunSweepOptions {
  readonly sweep: Sweep;
  readonly out: string;
  /** Folder with train/ and val/. */
  readonly data: string;
  readonly shard: Shard;
  /** Number of trials of all shards; default: until the budget is used up. */
  readonly trials?: number;
  /** Seconds of work of this shard, its earlier parts included. */
  readonly seconds?: number;
  readonly engine: EngineChoice;
  /** One for each trial that is trained at the same time. */
  readonly trainers: readonly Trainer[];
  /** Saves the running trials and ends the work. */
  readonly signal?: AbortSignal;
  readonly onStart?: (trial: Trial, rung: number) => void;
  readonly onEpoch?: (progress: SweepProgress) => void;
  /** A trial has reached a rung, or failed. */
  readonly onEnd?: (trial: Trial, rung: number, seconds: number) => void;
}

/** Progress of a shard. */
export interface SweepProgress {
  /** Seconds of work, earlier parts included. */
  readonly seconds: number;
  /** Epochs trained by this process. */
  readonly epochs: number;
}

/** Why a sweep ended. */
export type SweepEnd = 'complete' | 'budget' | 'interrupted' | 'exhausted';

/** With this many failed trials and no successful one, something else is wrong. */
const mostFailures = 5;

/** How long a process of an earlier part that was killed may need to notice it, in milliseconds. */
const patience = 30_000;

/** How often the time that was used is saved, in milliseconds. */
const saveInterval = 10_000;

/** Waits for a process of a sweep that was killed: its trials end a moment later than it. */
async function waitUntilFree(folder: string): Promise<void> {
  if (!(await exists(folder))) return;
  for (const end = performance.now() + patience; ; await sleep(100)) {
    try {
      const release = await claimRun(folder);
      return await release();
    } catch (error) {
      if (!(error instanceof InUseError) || performance.now() > end) throw error;
    }
  }
}

/**
 * Trains the trials of a shard by successive halving until all are trained, the time is used up, or it is interrupted. Repeated
 * after any end, a kill included, it goes on where it was.
 *
 * @throws FaceparseError for a fault of the machine, and if the first trials all fail
 */
export async function runSweep(options: RunSweepOptions): Promise<SweepEnd> {
  const log = await ShardLog.open(options.out, options.shard);
  const timer = setInterval(() => void log.save().catch(() => undefined), saveInterval).unref();
  try {
    return await new SweepRun(options, log).run();
  } finally {
    clearInterval(timer);
    await log.close();
  }
}

class SweepRun {
  private readonly known = new Map<number, Trial>();
  private readonly running = new Map<number, Promise<void>>();
  private readonly free: Trainer[];
  private readonly epochsOf = new Map<number, number>();
  private isOutOfTime = false;
  private isExhausted = false;
  private failure: unknown;

  constructor(
    private readonly options: RunSweepOptions,
    private readonly log: ShardLog,
  ) {
    this.free = [...options.trainers];
  }

  async run(): Promise<SweepEnd> {
    const { signal, seconds } = this.options;
    const stop = () => {
      for (const trainer of this.options.trainers) trainer.stop();
    };
    const timeLeft = seconds === undefined ? undefined : seconds - this.log.seconds;
    if (timeLeft !== undefined && timeLeft <= 0) return 'budget';
    const end = () => {
      this.isOutOfTime = true;
      stop();
    };
    // Longer times overflow the timer; no sweep takes 24 days without a break.
    const timer = timeLeft === undefined ? undefined : setTimeout(end, Math.min(timeLeft * 1000, 2 ** 31 - 1));
    signal?.addEventListener('abort', stop);
    try {
      return await this.loop();
    } finally {
      clearTimeout(timer);
      signal?.removeEventListener('abort', stop);
      if (this.running.size > 0) {
        stop();
        await Promise.all(this.running.values());
      }
    }
  }

  private async loop(): Promise<SweepEnd> {
    for (;;) {
      if (this.failure !== undefined) throw this.failure;
      const isStopped = this.isOutOfTime || this.options.signal?.aborted;
      const job = isStopped || this.free.length === 0 ? undefined : await this.nextJob();
      if (job) {
        this.running.set(
          job.trial,
          this.work(job, this.free.pop()!).catch((error: unknown) => {
            this.failure ??= error;
          }),
        );
        continue;
      }
      if (this.running.size > 0) {
        await Promise.race(this.running.values());
        continue;
      }
      if (this.options.signal?.aborted) return 'interrupted';
      if (this.isOutOfTime) return 'budget';
      return this.isExhausted ? 'exhausted' : 'complete';
    }
  }

  /** The first job that can start: of the first bracket that has one, so that brackets are completed in order. */
  private async nextJob(): Promise<Job | undefined> {
    const { sweep, shard, trials: limit } = this.options;
    for (let bracket = shard.index - 1; ; bracket += shard.count) {
      const wanted = ownsBracket(shard, bracket) ? trialsOf(bracket, sweep.halving, limit) : [];
      const trials: number[] = [];
      for (const trial of wanted) if (await this.know(trial)) trials.push(trial);
      if (trials.length < wanted.length) this.isExhausted = true;
      if (trials.length === 0) return undefined;
      const jobs = bracketJobs(trials, (trial) => this.known.get(trial)!, sweep.halving, isHigherBetter(sweep.metric));
      const job = jobs.find(({ trial }) => !this.running.has(trial));
      if (job) return job;
      if (jobs.length === 0) this.logBracket(trials);
      this.requireSuccess();
    }
  }

  /** Records the rungs that trials of an earlier part reached just before it was killed. */
  private logBracket(trials: readonly number[]): void {
    for (const trial of trials) this.known.get(trial)!.scores.forEach((_, rung) => void this.log.add(trial, rung));
  }

  /** Reads a trial unless it is known. */
  private async know(trial: number): Promise<Trial | undefined> {
    const known = this.known.get(trial);
    if (known) return known;
    const { sweep, out } = this.options;
    const read = await readTrial(sweep, out, trial);
    if (!read) return undefined;
    await waitUntilFree(read.folder);
    this.known.set(trial, read);
    return read;
  }

  /** @throws FaceparseError if no trial was ever successful */
  private requireSuccess(): void {
    const trials = [...this.known.values()];
    const failed = trials.filter((trial) => trial.failed);
    if (failed.length < mostFailures || trials.some(({ scores }) => scores.length > 0)) return;
    const { out } = this.options;
    throw new FaceparseError(
      `the first ${failed.length} trials failed: ${failed[0].failure}. Correct the configuration or the space; ` +
        `to try the same trials again, remove ${out}/trials`,
    );
  }

  private async work({ trial, rung }: Job, trainer: Trainer): Promise<void> {
    const { sweep, out, data, engine } = this.options;
    const before = this.known.get(trial)!;
    const started = performance.now();
    try {
      this.options.onStart?.(before, rung);
      const until = sweep.halving.rungs[rung];
      const outcome = await trainer.train({ run: before.run, out, data, engine, until }, (epoch) => {
        this.epochsOf.set(trial, epoch - before.epochs);
        this.report();
      });
      if (outcome.kind === 'failed') await recordFailure(out, trial, outcome.reason);
      const after = (await readTrial(sweep, out, trial))!;
      this.known.set(trial, after);
      this.epochsOf.set(trial, 0);
      if (outcome.kind === 'interrupted') return;
      if (outcome.kind === 'done') {
        if (after.scores.length <= rung) throw new FaceparseError(`${after.folder} has no score after its training`);
        this.log.add(trial, rung);
      }
      await this.log.save();
      this.epochs += after.epochs - before.epochs;
      this.report();
      this.options.onEnd?.(after, rung, (performance.now() - started) / 1000);
      this.requireSuccess();
    } finally {
      this.running.delete(trial);
      this.free.push(trainer);
    }
  }

  private epochs = 0;

  private report(): void {
    const running = [...this.epochsOf.values()].reduce((sum, epochs) => sum + epochs, 0);
    this.options.onEpoch?.({ seconds: this.log.seconds, epochs: this.epochs + running });
  }
}
