/**
 * Runs calls in order. The first part of a call may overlap the second part of the previous one. At most two calls run at a
 * time, so memory does not grow with the number of waiting calls.
 */
export class Pipeline {
  private free = 2;
  private readonly waiting: (() => void)[] = [];
  /** Settles, without a value, when the last call has ended. */
  private last: Promise<void> = Promise.resolve();

  /** Resolves when every call made so far has ended. */
  get idle(): Promise<void> {
    return this.last;
  }

  /** Runs `prepare`, then `finish` on its result after all earlier calls have succeeded or failed. */
  run<P, T>(prepare: () => Promise<P>, finish: (prepared: P) => Promise<T>): Promise<T> {
    const result = this.runInTurn(prepare, finish, this.last, this.acquire());
    const ended = () => undefined;
    this.last = result.then(ended, ended);
    return result;
  }

  private async runInTurn<P, T>(
    prepare: () => Promise<P>,
    finish: (prepared: P) => Promise<T>,
    earlier: Promise<void>,
    slot: Promise<void>,
  ): Promise<T> {
    await slot;
    try {
      const [prepared] = await Promise.allSettled([prepare(), earlier]);
      if (prepared.status === 'rejected') throw prepared.reason;
      return await finish(prepared.value);
    } finally {
      this.release();
    }
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
