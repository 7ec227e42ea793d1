import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { InvalidArgumentError } from 'commander';
import { afterEach, describe, expect, it, vi } from 'vitest';
import {
  InterruptedError,
  printJson,
  printNotice,
  printText,
  requireFreeFolder,
  wholeNumber,
  withInterrupt,
} from './command.ts';

afterEach(() => {
  vi.restoreAllMocks();
});

describe('printText and printJson', () => {
  it('print no control characters', () => {
    const written = vi.spyOn(process.stdout, 'write').mockReturnValue(true);
    printText('a\x1b[2J\u009bm\r\nb');
    printJson({ name: '\u009bm' });
    expect(written.mock.calls.map(([text]) => text)).toEqual(['a[2Jm\nb\n', '{\n  "name": "\\u009bm"\n}\n']);
  });
});

describe('printNotice', () => {
  it('prints one line, whatever a file is called', () => {
    const written = vi.spyOn(process.stderr, 'write').mockReturnValue(true);
    printNotice('a\x1b[2J\nfaceparse: b.jpg: is empty');
    expect(written.mock.calls).toEqual([['faceparse: a[2J faceparse: b.jpg: is empty\n']]);
  });
});

describe('withInterrupt', () => {
  it('aborts at the first signal and exits with 130 at the second', async () => {
    const written = vi.spyOn(process.stderr, 'write').mockReturnValue(true);
    const exit = vi.spyOn(process, 'exit').mockReturnValue(undefined as never);
    const result = await withInterrupt(async (signal) => {
      expect(signal.aborted).toBe(false);
      process.emit('SIGTERM');
      expect(signal.reason).toBeInstanceOf(InterruptedError);
      expect(exit).not.toHaveBeenCalled();
      process.emit('SIGINT');
      return 'kept';
    });
    expect(result).toBe('kept');
    expect(written.mock.calls[0][0]).toContain('finishing');
    expect(exit).toHaveBeenCalledWith(130);
  });

  it('removes its listeners, even if the work fails', async () => {
    const before = process.listenerCount('SIGINT');
    await withInterrupt(async () => undefined);
    await expect(withInterrupt(() => Promise.reject(new Error('no')))).rejects.toThrow('no');
    expect(process.listenerCount('SIGINT')).toBe(before);
  });
});

describe('wholeNumber', () => {
  it.each(['8', '0008', '64'])('accepts %s', (text) => {
    expect(wholeNumber(8, 64)(text)).toBe(Number(text));
  });
  it.each(['7', '65', '', ' ', '8.5', '1e1', '0x10', 'abc', '-8'])('refuses %j', (text) => {
    expect(() => wholeNumber(8, 64)(text)).toThrow(InvalidArgumentError);
  });
});

it('requireFreeFolder accepts only missing and empty folders', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'faceparse-'));
  try {
    await requireFreeFolder(folder);
    await requireFreeFolder(join(folder, 'absent'));
    await writeFile(join(folder, 'a'), '');
    await expect(requireFreeFolder(folder)).rejects.toThrow('is not empty');
    await expect(requireFreeFolder(join(folder, 'a'))).rejects.toThrow('it is a file');
  } finally {
    await rm(folder, { recursive: true });
  }
});
