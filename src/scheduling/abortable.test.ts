import { getEventListeners } from 'node:events';
import { describe, expect, it } from 'vitest';
import { abortable, isAbortSignal } from './abortable.ts';

describe('abortable', () => {
  it('rejects all calls of a signal with its reason', async () => {
    const { signal, abort } = controlled();
    const calls = Array.from({ length: 3 }, () => abortable(new Promise(() => undefined), signal));
    abort('enough');
    expect(await Promise.allSettled(calls)).toEqual(Array(3).fill({ status: 'rejected', reason: 'enough' }));
    await expect(abortable(Promise.resolve(1), signal)).rejects.toBe('enough');
  });

  it('adds one listener for any number of calls, and removes it with the last', async () => {
    const { signal } = controlled();
    let finish = () => {};
    const result = new Promise<void>((resolve) => {
      finish = resolve;
    });
    const calls = Array.from({ length: 50 }, () => abortable(result, signal));
    expect(getEventListeners(signal, 'abort')).toHaveLength(1);
    finish();
    await Promise.all(calls);
    await Promise.resolve();
    expect(getEventListeners(signal, 'abort')).toHaveLength(0);
    expect(await abortable(Promise.resolve(7), signal)).toBe(7);
  });
});

it('isAbortSignal tells signals from controllers', () => {
  const controller = new AbortController();
  const values = [controller.signal, AbortSignal.timeout(1000), controller, {}, null, 'signal'];
  expect(values.map(isAbortSignal)).toEqual([true, true, false, false, false, false]);
});

function controlled(): { signal: AbortSignal; abort: (reason: string) => void } {
  const controller = new AbortController();
  return { signal: controller.signal, abort: (reason) => controller.abort(reason) };
}
