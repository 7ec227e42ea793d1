/** What waits for each signal. One listener per signal serves them all: Node warns of more than ten. */
const waiting = new WeakMap<AbortSignal, Set<() => void>>();

/** Whether a value can be used as an AbortSignal. An AbortController, which is often passed by mistake, cannot. */
export function isAbortSignal(value: unknown): value is AbortSignal {
  return (
    typeof value === 'object' &&
    value !== null &&
    'aborted' in value &&
    typeof (value as Partial<AbortSignal>).addEventListener === 'function' &&
    typeof (value as Partial<AbortSignal>).throwIfAborted === 'function'
  );
}

/** Rejects with the reason of the signal once it is aborted, unless the result has arrived by then. */
export function abortable<T>(result: Promise<T>, signal: AbortSignal): Promise<T> {
  return new Promise((resolve, reject) => {
    const abort = () => reject(signal.reason);
    if (signal.aborted) abort();
    const remove = addWaiting(signal, abort);
    result.then(resolve, reject).finally(remove);
  });
}

/** Calls `abort` once the signal is aborted. @returns a function that removes it */
function addWaiting(signal: AbortSignal, abort: () => void): () => void {
  const known = waiting.get(signal);
  const calls = known ?? new Set();
  calls.add(abort);
  if (!known) {
    waiting.set(signal, calls);
    signal.addEventListener('abort', abortAll);
  }
  return () => {
    calls.delete(abort);
    if (calls.size > 0 || waiting.get(signal) !== calls) return;
    waiting.delete(signal);
    signal.removeEventListener('abort', abortAll);
  };
}

function abortAll(this: AbortSignal): void {
  for (const abort of waiting.get(this) ?? []) abort();
}
