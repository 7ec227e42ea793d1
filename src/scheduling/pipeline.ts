/** The parts of a call. */
export interface PipelineCall<Prepared, Used, Result> {
  /** May run at the same time as all parts of other calls. */
  readonly prepare: () => Promise<Prepared>;
  /** Runs alone: after the `use` of all earlier calls has succeeded or failed. */
  readonly use: (prepared: Prepared) => Promise<Used>;
  /** Runs after all earlier calls have ended, at the same time as `use` of the next call. */
  readonly finish: (used: Used) => Promise<Result>;
}

/** One call is prepared, one uses what they share, and one is finished. */
const mostCalls = 3;

/**
 * Runs calls in three parts and ends them in order. The parts of different calls overlap, but only one call at a time uses what
 * they share, such as a network. At most three calls run at a time, so memory does not grow with the number of waiting calls.
 */
export class Pipeline {
  private free = mostCalls;
  private readonly waiting: (() => void)[] = [];
  /** Settles, without a value, when the last call no longer uses what is shared. */
  private lastUse: Promise<void> = Promise.resolve();
  /** Settles, without a value, when the last call has ended. */
  private last: Promise<void> = Promise.resolve();

  /** Resolves when every call made so far has ended. */
  get idle(): Promise<void> {
    return this.last;
  }

  /** Runs the parts of a call, each on the result of the one before. */
  run<P, U, T>({ prepare, use, finish }: PipelineCall<P, U, T>): Promise<T> {
    const { lastUse, last } = this;
    const slot = this.acquire();
    const used = afterBoth(slot.then(prepare), lastUse).then(use);
    const result = afterBoth(used, last).then(finish);
    this.lastUse = settled(used);
    this.last = settled(result);
    // Before the caller learns that the call has ended.
    return result.finally(() => this.release());
  }

  private acquire(): Promise<void> {
    if (this.free > 0) {
      this.free--;
      return Promise.resolve();
    }
    return new Promise((resolve) => this.waiting.push(resolve));
  }

  private release(): void {
    const next = this.waiting.shift();
    if (next) next();
    else this.free++;
  }
}

/** The outcome of a promise, once another one has settled, too. */
async function afterBoth<Value>(promise: Promise<Value>, other: Promise<void>): Promise<Value> {
  await Promise.allSettled([promise, other]);
  return promise;
}

function settled(promise: Promise<unknown>): Promise<void> {
  const ended = () => undefined;
  return promise.then(ended, ended);
}
