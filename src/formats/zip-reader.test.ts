import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { strToU8, type Zippable, zipSync } from 'fflate';
import { describe, expect, it } from 'vitest';
import { zip64Of } from '../../test/zip64.ts';
import { FaceparseError } from '../text/errors.ts';
import { openZip } from './zip-reader.ts';

const mtime = new Date(2020, 1, 1);
const zipOf = (files: Zippable) => zipSync(files, { mtime });
const text = (bytes: Uint8Array) => new TextDecoder().decode(bytes);

/** The zip with every occurrence of a name replaced by another of the same length. */
function renamed(bytes: Uint8Array, from: string, to: string): Uint8Array {
  expect(to).toHaveLength(from.length);
  return Uint8Array.from(Buffer.from(Buffer.from(bytes).toString('latin1').replaceAll(from, to), 'latin1'));
}

/** Position in the central directory of a field of the first entry. */
function centralField(bytes: Uint8Array, field: number): number {
  return Buffer.from(bytes).indexOf('PK\x01\x02', 0, 'latin1') + field;
}

function withCentralByte(bytes: Uint8Array, field: number, value: number): Uint8Array {
  const changed = bytes.slice();
  changed[centralField(bytes, field)] = value;
  return changed;
}

describe('openZip', () => {
  it('lists the files and reads them, stored or deflated, whatever they hold', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.dictionary(fc.stringMatching(/^[a-zä]{1,8}$/), fc.uint8Array({ maxLength: 300 }), { noNullPrototype: true }),
        fc.constantFrom(0, 9),
        async (files, level) => {
          const zip = await openZip(zipSync(files, { level: level, mtime }));
          expect(zip.entries).toEqual(Object.entries(files).map(([name, data]) => ({ name, size: data.length })));
          for (const [name, data] of Object.entries(files)) expect(await zip.read(name)).toEqual(data);
          zip.close();
        },
      ),
      { numRuns: 30 },
    );
  });

  it('reads from a path, leaves folders out, and has the size of the file', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'faceparse-zip-'));
    const path = join(folder, 'a.zip');
    const bytes = zipOf({ 'masks/': new Uint8Array(0), 'masks/0.png': strToU8('zero') });
    writeFileSync(path, bytes);
    const zip = await openZip(path);
    expect(zip.entries).toEqual([{ name: 'masks/0.png', size: 4 }]);
    expect(zip.fileBytes).toBe(bytes.length);
    expect(text(await zip.read('masks/0.png'))).toBe('zero');
    await expect(zip.read('masks/1.png')).rejects.toThrow(/no entry "masks\/1.png"/);
    zip.close();
    rmSync(folder, { recursive: true });
  });

  it.each<[string, string, RegExp]>([
    ['leads out of the folder', '../x', /"\.\.\/x" leaves the folder/],
    ['leads out further inside', 'a/../../b', /leaves the folder/],
    ['is absolute', '/etc/x', /"\/etc\/x" is an absolute path/],
    ['is absolute on Windows', 'C:/x', /is an absolute path/],
    ['has backslashes', 'masks\\0.png', /"masks\\\\0.png" has backslashes.*forward slashes/],
    ['has an empty part', 'a//b', /an empty part, a dot/],
    ['has a dot', './a', /an empty part, a dot/],
    ['has a control character', 'ä\u001b[2J', /"ä\\u001b\[2J" has an empty part, a dot or a control character/],
    ['is far too long', 'a'.repeat(1001), /a name of 1001 characters/],
  ])('refuses a name that %s', async (_, name, message) => {
    const zip = openZip(zipOf({ [name]: strToU8('x') }));
    await expect(zip).rejects.toThrow(message);
    await expect(zip).rejects.toThrow(FaceparseError);
  });

  it('refuses names that stand there twice, or are both a file and a folder', async () => {
    const twice = renamed(zipOf({ 'a.png': strToU8('1'), 'b.png': strToU8('2') }), 'b.png', 'a.png');
    await expect(openZip(twice)).rejects.toThrow(/"a.png" appears twice in the zip/);
    const both = zipOf({ 'a/b/c': strToU8('1'), 'a/b': strToU8('2') });
    await expect(openZip(both)).rejects.toThrow(/"a\/b" is both a file and a folder/);
  });

  it('refuses links, devices, encryption and other compressions', async () => {
    const unix = (mode: number) => zipOf({ x: [strToU8('target'), { os: 3, attrs: mode << 16 }] });
    await expect(openZip(unix(0o120777))).rejects.toThrow(/"x" is a symbolic link/);
    await expect(openZip(unix(0o010644))).rejects.toThrow(/"x" is neither a file nor a folder/);
    const plain = zipOf({ x: strToU8('text') });
    await expect(openZip(withCentralByte(plain, 8, 1))).rejects.toThrow(/"x" is encrypted/);
    await expect(openZip(withCentralByte(plain, 10, 14))).rejects.toThrow(/"x" is compressed by LZMA/);
  });

  it('refuses what is larger than the limits before it is unpacked', async () => {
    const bomb = zipOf({ a: new Uint8Array(1 << 20), b: new Uint8Array(1 << 20) });
    await expect(openZip(bomb, { entryBytes: 1000 })).rejects.toThrow(
      /"a" has 1048576 bytes unpacked; the limit is 1000/,
    );
    await expect(openZip(bomb, { totalBytes: 1 << 20 })).rejects.toThrow(/the zip has 2097152 bytes unpacked/);
    await expect(openZip(bomb, { entries: 1 })).rejects.toThrow(/the zip has 2 entries; the limit is 1/);
    await expect(openZip(bomb, { fileBytes: 100 })).rejects.toThrow(/bytes; the limit is 100/);
  });

  it('refuses large entries that unpack to many times their size, but not small ones', async () => {
    const limits = { ratio: 100 };
    await expect(openZip(zipOf({ a: new Uint8Array(1 << 20) }), limits)).rejects.toThrow(
      /"a" unpacks \d+ bytes to 1048576; the limit is 100 times the size/,
    );
    expect((await openZip(zipOf({ a: new Uint8Array((1 << 20) - 1) }), limits)).entries).toHaveLength(1);
    const stored = zipSync({ a: [new Uint8Array(1 << 20), { level: 0 }] }, { mtime });
    expect((await openZip(stored, limits)).entries).toHaveLength(1);
  });

  it('reads a long list and many entries at once from a path', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'faceparse-zip-'));
    const path = join(folder, 'a.zip');
    const files: Zippable = {};
    // The list is longer than the buffer of 1 MiB, and one entry longer than a chunk of 64 KiB.
    for (let i = 0; i < 12_000; i++) files[`${'folder-with-a-long-name/'.repeat(4)}${i}`] = strToU8(`${i}`);
    files.large = [Uint8Array.from({ length: 200_000 }, (_, i) => (i * 2654435761) >>> 24), { level: 0 }];
    writeFileSync(path, zipOf(files));
    const zip = await openZip(path);
    expect(zip.entries).toHaveLength(12_001);
    const some = zip.entries.filter((_, i) => i % 400 === 0);
    const texts = await Promise.all(some.map(async ({ name }) => text(await zip.read(name))));
    expect(texts.slice(0, 30)).toEqual(some.slice(0, 30).map(({ name }) => name.split('/').at(-1)));
    expect(await zip.read('large')).toEqual(files.large[0]);
    zip.close();
    await expect(zip.read('large')).rejects.toThrow(FaceparseError);
    rmSync(folder, { recursive: true });
  });

  it('reads zip64: sizes and offsets in the extra field', async () => {
    const zip = await openZip(zip64Of('a.txt', strToU8('sixty-four')));
    expect(zip.entries).toEqual([{ name: 'a.txt', size: 10 }]);
    expect(text(await zip.read('a.txt'))).toBe('sixty-four');
  });

  it('notices an entry that unpacks to more or less than it says', async () => {
    const bytes = zipOf({ x: new Uint8Array(1000) });
    for (const [low, high] of [
      [0xe9, 3],
      [0xe7, 3],
    ]) {
      const lying = withCentralByte(withCentralByte(bytes, 24, low), 25, high);
      const zip = await openZip(lying);
      await expect(zip.read('x')).rejects.toThrow(/"x" is damaged/);
    }
  });

  it('notices wrong checksums and damaged data', async () => {
    const stored = zipSync({ x: [strToU8('some text'), { level: 0 }] }, { mtime });
    stored[Buffer.from(stored).indexOf('some')] = 0x53;
    const zip = await openZip(stored);
    await expect(zip.read('x')).rejects.toThrow(/"x" is damaged \(its checksum is wrong\)/);
  });

  it('says that it is no zip, or cut short', async () => {
    const whole = zipOf({ x: strToU8('text') });
    for (const bytes of [new Uint8Array(0), strToU8('GIF89a'), whole.subarray(0, whole.length - 5)]) {
      await expect(openZip(bytes)).rejects.toThrow(/^not a zip, or truncated .*create or download it again$/);
    }
    await expect(openZip('/nowhere/a.zip')).rejects.toThrow(FaceparseError);
  });

  it('throws nothing but FaceparseErrors, whatever byte is changed', async () => {
    const whole = zipOf({ 'masks/0.png': strToU8('zero'.repeat(20)), 'solution/run.py': strToU8('print()') });
    await fc.assert(
      fc.asyncProperty(fc.nat(whole.length - 1), fc.nat(255), async (at, value) => {
        const changed = whole.slice();
        changed[at] = value;
        try {
          const zip = await openZip(changed, { totalBytes: 1 << 20 });
          for (const { name, size } of zip.entries) expect(await zip.read(name)).toHaveLength(size);
        } catch (error) {
          expect(error).toBeInstanceOf(FaceparseError);
        }
      }),
      { numRuns: 300 },
    );
  });
});
