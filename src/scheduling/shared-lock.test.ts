import { setTimeout as delay } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { SharedLock } from './shared-lock.ts';

describe('SharedLock', () => {
  it('runs shared work side by side, and other work alone, whatever fails', async () => {
    const lock = new SharedLock();
    const running = { shared: 0, alone: 0 };
    const seen: { kind: 'shared' | 'alone'; shared: number; alone: number }[] = [];
    const work = (kind: 'shared' | 'alone', index: number) => async () => {
      running[kind]++;
      seen.push({ kind, ...running });
      await delay(index % 3);
      running[kind]--;
      if (index % 4 === 0) throw new Error(`work ${index}`);
      return index;
    };
    const results = await Promise.allSettled(
      Array.from({ length: 60 }, async (_, index) => {
        await delay(index % 7);
        return index % 5 === 0 ? lock.runAlone(work('alone', index)) : lock.runShared(work('shared', index));
      }),
    );
    expect(results.map((result, index) => (result.status === 'fulfilled' ? result.value : -index))).toEqual(
      results.map((_, index) => (index % 4 === 0 ? -index : index)),
    );
    expect(seen).toHaveLength(60);
    for (const { kind, shared, alone } of seen) {
      if (kind === 'alone') expect([shared, alone]).toEqual([0, 1]);
      else expect(alone).toBe(0);
    }
    expect(Math.max(...seen.map(({ shared }) => shared))).toBeGreaterThan(1);
  });
});
