import { describe, expect, it } from 'vitest';
import { Progress } from './progress.ts';

/** A terminal that keeps what it was sent, and a clock that the test sets. */
function fake(isTTY: boolean, columns = 100) {
  const written: string[] = [];
  const clock = { ms: 0 };
  const terminal = { isTTY, columns, write: (text: string) => written.push(text) };
  return { written, clock, terminal, now: () => clock.ms };
}

describe('Progress on a terminal', () => {
  it('draws a bar with the time left, at most every 100 ms, and removes it', () => {
    const { written, clock, ...options } = fake(true);
    const progress = new Progress('checking', options);
    for (let done = 1; done <= 400; done++) {
      clock.ms += 10;
      progress.update(done, 1000, 'note');
    }
    progress.finish();
    expect(written.length).toBeLessThanOrEqual(42);
    expect(written.at(-2)).toBe('\r\x1b[2Kchecking  █████████░░░░░░░░░░░░░░░   391/1000   39 %  6 s left  note');
    expect(written.at(-1)).toBe('\r\x1b[2K');
  });

  it('uses the recent rate, not the overall rate', () => {
    const { written, clock, ...options } = fake(true);
    const progress = new Progress('work', options);
    for (let done = 1; done <= 1000; done++) {
      // Ten a second at first, then one a second.
      clock.ms += done <= 900 ? 100 : 1000;
      progress.update(done, 1060);
    }
    expect(written.at(-1)).toContain('1 min left');
  });

  it('shows no time left before it can estimate it', () => {
    const { written, clock, ...options } = fake(true);
    const progress = new Progress('work', options);
    clock.ms = 500;
    progress.update(1, 10);
    expect(written.join('')).not.toContain('left');
  });

  it('restarts the count when the work restarts', () => {
    const { written, clock, ...options } = fake(true);
    const progress = new Progress('epoch', options);
    for (const seconds of [10, 20, 30]) {
      clock.ms = seconds * 1000;
      progress.update(seconds, 30);
    }
    for (const [ms, done] of [
      [31_000, 1],
      [33_000, 2],
    ] as const) {
      clock.ms = ms;
      progress.update(done, 30);
    }
    expect(written.at(-1)).toContain('56 s left');
  });

  it('truncates the bar to the width of the terminal', () => {
    const { written, clock, ...options } = fake(true, 30);
    clock.ms = 1000;
    new Progress('a long label', options).update(1, 10, 'and a long note');
    expect(written[0].replace('\r\x1b[2K', '').length).toBe(29);
  });

  it('prints lines above the bar', () => {
    const { written, clock, ...options } = fake(true);
    const progress = new Progress('work', options);
    progress.update(1, 2);
    const bar = written[0];
    progress.log('epoch 1');
    expect(written.slice(1)).toEqual(['\r\x1b[2K', 'epoch 1\n', bar]);
  });
});

describe('Progress without a terminal', () => {
  it.each([
    [false, false],
    [true, true],
  ])('prints a line every ten seconds (terminal %s, plain %s)', (isTTY, plain) => {
    const { written, clock, ...options } = fake(isTTY);
    const progress = new Progress('checking', { ...options, plain });
    for (let done = 1; done <= 250; done++) {
      clock.ms += 100;
      progress.update(done, 1000);
    }
    progress.finish();
    expect(written).toEqual([
      'checking: 100 of 1000 (10 %), 1 min 30 s left\n',
      'checking: 200 of 1000 (20 %), 1 min 20 s left\n',
    ]);
  });

  it('prints nothing for short work', () => {
    const { written, clock, ...options } = fake(false);
    const progress = new Progress('checking', options);
    clock.ms = 9000;
    progress.update(10, 10);
    progress.finish();
    expect(written).toEqual([]);
  });
});
