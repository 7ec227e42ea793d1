import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { describe, expect, it } from 'vitest';
import { markedPid, processMark, processState } from './process-mark.ts';

/** The mark of this process with some of its four parts replaced. */
function markWith(change: { machine?: string; space?: string; pid?: number; start?: string }): string {
  const [machine, space, pid, start] = processMark().split('-');
  const { pid: other } = change;
  const parts = { machine, space, start, ...change, pid: other === undefined ? pid : other.toString(36) };
  return [parts.machine, parts.space, parts.pid, parts.start].join('-');
}

describe('the mark of a process', () => {
  it('names this process, which is alive', () => {
    expect(processMark()).toMatch(/^[0-9a-f]{1,8}-[0-9a-f]{8}-[0-9a-z]+-[0-9a-z]+$/);
    expect(processMark().length).toBeLessThanOrEqual(40);
    expect(markedPid(processMark())).toBe(process.pid);
    expect(processState(processMark())).toBe('alive');
  });

  it('is that of a dead process as soon as it is killed, even before its parent takes notice', async () => {
    const child = spawn(process.execPath, ['-e', 'setInterval(() => {}, 1000)'], { stdio: 'ignore' });
    const mark = markWith({ pid: child.pid, start: '0' });
    expect(processState(mark)).toBe('alive');
    child.kill('SIGKILL');
    await once(child, 'exit');
    expect(processState(mark)).toBe('dead');
  });

  it.skipIf(process.platform !== 'linux')('does not take a later process of the same id for it', () => {
    expect(processState(markWith({ start: 'abc' }))).toBe('dead');
  });

  it('says nothing of processes elsewhere, but knows that a boot ends all processes of a machine', () => {
    expect(processState(markWith({ machine: '00000001', space: '00000000' }))).toBe('unknown');
    expect(processState(markWith({ machine: '0', space: '00000000' }))).toBe('unknown');
    const [machine] = processMark().split('-');
    expect(processState(markWith({ space: '00000000' }))).toBe(machine === '0' ? 'unknown' : 'dead');
  });
});
