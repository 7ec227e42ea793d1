import { setTimeout } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { runConcurrently } from './run-concurrently.ts';

test('keeps the order of the items, runs two at a time, and reports progress', async () => {
  let running = 0;
  let most = 0;
  const progress: string[] = [];
  const results = await runConcurrently(
    [5, 1, 3, 1],
    async (milliseconds, index) => {
      most = Math.max(most, ++running);
      await setTimeout(milliseconds);
      running--;
      return `${index}:${milliseconds}`;
    },
    { onProgress: (done, total) => progress.push(`${done}/${total}`) },
  );
  expect(results).toEqual(['0:5', '1:1', '2:3', '3:1']);
  expect(most).toBe(2);
  expect(progress).toEqual(['1/4', '2/4', '3/4', '4/4']);
  expect(await runConcurrently([], async () => 1)).toEqual([]);
});

test('an error stops the other lane, and is thrown when nothing runs any more', async () => {
  const finished: number[] = [];
  const run = runConcurrently([0, 1, 2, 3, 4, 5], async (item) => {
    await setTimeout(item === 0 ? 1 : 20);
    if (item === 0) throw new Error('item 0');
    finished.push(item);
  });
  await expect(run).rejects.toThrow('item 0');
  expect(finished).toEqual([1]);
});

test('an aborted signal stops the run with its reason', async () => {
  const controller = new AbortController();
  let calls = 0;
  const run = runConcurrently(
    [1, 2, 3, 4, 5, 6],
    async () => {
      calls++;
      controller.abort(new Error('stopped by the user'));
      await setTimeout(1);
    },
    { signal: controller.signal },
  );
  await expect(run).rejects.toThrow('stopped by the user');
  expect(calls).toBeLessThanOrEqual(2);
});
