/** Runs the calls of a program in sequence, in the order in which they were made. */
export class CallQueue {
  /** The last call; the next one starts when it has ended. */
  private last: Promise<unknown> = Promise.resolve();
  private waitingCalls = 0;
  private closed = false;

  /** Number of calls that have not started. */
  get waiting(): number {
    return this.waitingCalls;
  }

  add<T>(task: () => Promise<T>): Promise<T> {
    if (this.closed) return Promise.reject(new Error('the program has been disposed of'));
    this.waitingCalls++;
    const result = this.last.then(() => {
      this.waitingCalls--;
      return task();
    });
    const ended = () => undefined;
    this.last = result.then(ended, ended);
    return result;
  }

  /** Adds the final call; later calls are rejected. Only the first call of `close` has an effect. */
  async close(task: () => Promise<void>): Promise<void> {
    if (this.closed) return;
    const result = this.add(task);
    this.closed = true;
    await result;
  }
}
