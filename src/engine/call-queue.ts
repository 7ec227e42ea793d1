/** Carries calls of a program out one after the other, in the order in which they are made. */
export class CallQueue {
  /** The last call that was made; the next one starts when it has ended. */
  private last: Promise<unknown> = Promise.resolve();
  private waitingCalls = 0;
  private closed = false;

  /** Calls that have been made and have not begun. */
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

  /** Adds a last call, after which there are no others; only the first time. */
  async close(task: () => Promise<void>): Promise<void> {
    if (this.closed) return;
    const result = this.add(task);
    this.closed = true;
    await result;
  }
}
