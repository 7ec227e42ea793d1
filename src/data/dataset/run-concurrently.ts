/** Common options of the long data commands: progress after every item, and an abort signal. */
export interface RunOptions {
  onProgress?: (done: number, total: number) => void;
  signal?: AbortSignal;
}

/** Decoding runs on sharp's threads, so two at a time keep two cores busy with few images in memory. */
const lanes = 2;

/**
 * Runs an asynchronous function over all items, two at a time, and returns the results in order.
 *
 * The first error or an aborted signal stops the lanes before their next item. It is thrown when all have stopped, so
 * nothing is being written while the caller cleans up.
 *
 * @example const sizes = await runConcurrently(paths, async (path) => (await stat(path)).size);
 */
export async function runConcurrently<Item, Result>(
  items: readonly Item[],
  work: (item: Item, index: number) => Promise<Result>,
  { onProgress, signal }: RunOptions = {},
): Promise<Result[]> {
  const results = new Array<Result>(items.length);
  let next = 0;
  let done = 0;
  let failed = false;
  const lane = async (): Promise<void> => {
    while (next < items.length && !failed) {
      const index = next++;
      try {
        signal?.throwIfAborted();
        results[index] = await work(items[index], index);
        onProgress?.(++done, items.length);
      } catch (error) {
        failed = true;
        throw error;
      }
    }
  };
  const outcomes = await Promise.allSettled(Array.from({ length: lanes }, lane));
  const rejected = outcomes.find((outcome) => outcome.status === 'rejected');
  if (rejected) throw rejected.reason;
  signal?.throwIfAborted();
  return results;
}
