/**
 * Runs pieces of work at the same time, except those that must run alone.
 *
 * @example
 * await lock.runShared(() => decode(file)); // beside others
 * await lock.runAlone(() => decode(file)); // after all that run now, before all that come later
 */
export class SharedLock {
  /** Settles when the last work that runs alone is done; never rejects. */
  #alone: Promise<unknown> = Promise.resolve();
  readonly #running = new Set<Promise<unknown>>();

  async runShared<Result>(work: () => Promise<Result>): Promise<Result> {
    for (let seen: unknown; seen !== this.#alone; ) {
      seen = this.#alone;
      await seen;
    }
    const running = work();
    const settled = running.catch(() => {});
    this.#running.add(settled);
    try {
      return await running;
    } finally {
      this.#running.delete(settled);
    }
  }

  async runAlone<Result>(work: () => Promise<Result>): Promise<Result> {
    const [before, running] = [this.#alone, [...this.#running]];
    const result = before.then(() => Promise.all(running)).then(work);
    this.#alone = result.catch(() => {});
    return result;
  }
}
