import { mkdtempSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { openByteFile } from './byte-file.ts';

const folder = mkdtempSync(join(tmpdir(), 'faceparse-byte-file-'));
afterAll(() => rmSync(folder, { recursive: true }));

describe('openByteFile', () => {
  it('reads by position, into buffers of their own', () => {
    const path = join(folder, 'a.bin');
    writeFileSync(path, Uint8Array.of(1, 2, 3, 4, 5));
    const file = openByteFile(path);
    expect(file.size).toBe(5);
    const part = file.read(1, 4);
    expect([...part]).toEqual([2, 3, 4]);
    expect([part.byteOffset, part.buffer.byteLength]).toEqual([0, 3]);
    truncateSync(path, 2);
    expect(() => file.read(1, 4)).toThrow(/^the file became shorter while it was read/);
    file.close();
    expect(() => file.read(0, 1)).toThrow(/^the file cannot be read/);
  });

  it('names a path that is not a file', () => {
    expect(() => openByteFile(join(folder, 'none.pth'))).toThrow(/none\.pth cannot be read \(it does not exist\)/);
    expect(() => openByteFile(folder)).toThrow(/is not a file/);
  });
});
