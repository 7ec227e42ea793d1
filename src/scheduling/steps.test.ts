import { afterEach, describe, expect, it, vi } from 'vitest';
import { runInSlices, runSteps, type Steps } from './steps.ts';

function* countTo(limit: number, stepMs = 0): Steps<number> {
  let count = 0;
  for (; count < limit; count++) {
    const end = performance.now() + stepMs;
    while (performance.now() < end);
    yield;
  }
  return count;
}

afterEach(() => vi.unstubAllGlobals());

it('runSteps gives the result of the last step', () => {
  expect(runSteps(countTo(5))).toBe(5);
  expect(runSteps(countTo(0))).toBe(0);
});

describe('runInSlices', () => {
  it('gives the result, and hands on what a step throws', async () => {
    expect(await runInSlices(countTo(1000))).toBe(1000);
    const failing = (function* (): Steps<void> {
      yield;
      throw new Error('no');
    })();
    await expect(runInSlices(failing)).rejects.toThrow('no');
  });

  it.each(['setImmediate', 'MessageChannel'])('lets other work through between slices, by %s', async (way) => {
    // Timers of Node are not stubbed: the turns of the event loop are counted with them.
    if (way === 'MessageChannel') vi.stubGlobal('setImmediate', undefined);
    let turns = 0;
    const timer = setInterval(() => turns++, 1);
    await runInSlices(countTo(60, 1));
    clearInterval(timer);
    // 60 ms of work in slices of 4 to 5 ms.
    expect(turns).toBeGreaterThanOrEqual(5);
  });
});
