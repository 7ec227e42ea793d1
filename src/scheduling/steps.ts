/** Work in steps of well under a millisecond: it yields after every step and returns its result. */
export type Steps<T> = Generator<void, T, void>;

/** Maximum time in milliseconds for which `runInSlices` blocks the thread. */
const sliceMs = 4;

/** Runs all steps at once. */
export function runSteps<T>(steps: Steps<T>): T {
  let step = steps.next();
  while (!step.done) step = steps.next();
  return step.value;
}

/**
 * Runs steps in slices of a few milliseconds and lets the event loop run in between, so that servers and pages stay
 * responsive for images of any size.
 *
 * @example const input = await runInSlices(photoToInputSteps(photo, preprocessing));
 */
export async function runInSlices<T>(steps: Steps<T>): Promise<T> {
  for (;;) {
    const end = performance.now() + sliceMs;
    do {
      const step = steps.next();
      if (step.done) return step.value;
    } while (performance.now() < end);
    await nextTurn();
  }
}

/** Resolves after pending events have been handled. `setTimeout` would add 4 ms in browsers. */
export function nextTurn(): Promise<void> {
  return new Promise((resolve) => {
    if (typeof setImmediate === 'function') {
      setImmediate(resolve);
      return;
    }
    const { port1, port2 } = new MessageChannel();
    port1.onmessage = () => {
      port1.close();
      resolve();
    };
    port2.postMessage(null);
  });
}
