import { strToU8, zipSync } from 'fflate';
import { describe, expect, it } from 'vitest';
import { zip64Of } from '../../../test/zip64.ts';
import { byteSource } from '../byte-source.ts';
import { crc32 } from '../crc.ts';
import { dataStart, listRecords } from './stored-zip.ts';

const mtime = new Date(2020, 1, 1);
const stored = (files: Readonly<Record<string, Uint8Array>>, comment = '') =>
  Buffer.concat([zipSync(files, { level: 0, mtime }), Buffer.from(comment)]);
const end = (bytes: Uint8Array) => Buffer.from(bytes).lastIndexOf('PK\x05\x06', undefined, 'latin1');
const listed = (bytes: Uint8Array) => Buffer.from(bytes).indexOf('PK\x01\x02', 0, 'latin1');
const list = (bytes: Uint8Array) => [...listRecords(byteSource(bytes)).values()];

/** The bytes with one number changed, of 2 or 4 bytes. */
function changed(bytes: Uint8Array, at: number, value: number, size: 2 | 4): Uint8Array {
  const copy = Buffer.from(bytes);
  copy.writeUIntLE(value, at, size);
  return copy;
}

describe('listRecords', () => {
  const files = { 'a/data.pkl': strToU8('pickle'), 'a/data/0': new Uint8Array(70_000).fill(7) };

  it('lists stored records and their places, also before a comment', () => {
    const bytes = stored(files, 'a comment');
    bytes.writeUInt16LE('a comment'.length, end(bytes) + 20);
    const source = byteSource(bytes);
    const records = [...listRecords(source).values()];
    expect(records.map(({ name, size }) => [name, size])).toEqual(Object.entries(files).map(([n, d]) => [n, d.length]));
    for (const record of records) {
      const start = dataStart(source, record);
      const data = source.read(start, start + record.size);
      expect(Buffer.compare(data, files[record.name as keyof typeof files])).toBe(0);
      expect(crc32(data)).toBe(record.crc32);
    }
  });

  it('reads zip64: sizes and offsets in the extra field, and a list behind its own end', () => {
    const bytes = zip64Of('a/data.pkl', strToU8('sixty-four'));
    const [record] = list(bytes);
    expect(record).toMatchObject({ name: 'a/data.pkl', size: 10, isStored: true });
    const start = dataStart(byteSource(bytes), record);
    expect(new TextDecoder().decode(bytes.subarray(start, start + 10))).toBe('sixty-four');
  });

  it('refuses a compressed record only when it is read', () => {
    const bytes = zipSync({ 'a/code.py': new Uint8Array(1000), 'a/data.pkl': [strToU8('p'), { level: 0 }] }, { mtime });
    const [code, pickle] = list(bytes);
    expect(() => dataStart(byteSource(bytes), pickle)).not.toThrow();
    expect(() => dataStart(byteSource(bytes), code)).toThrow(/"a\/code\.py" is compressed.*zip -0/);
  });

  const bytes = stored(files);
  const twice = stored({ 'a/1': strToU8('x'), 'a/2': strToU8('x') });
  it.each<[string, Uint8Array, RegExp]>([
    ['a cut end', bytes.subarray(0, bytes.length - 5), /zip without its end, so it is truncated/],
    ['more records than its list', changed(bytes, end(bytes) + 10, 9, 2), /record 3 of 9 is missing/],
    [
      'a list outside the file',
      changed(bytes, end(bytes) + 16, bytes.length, 4),
      /list of records is outside the file/,
    ],
    ['an endless list', changed(bytes, end(bytes) + 12, 2 ** 26, 4), /has 67108864 bytes; the limit is/],
    ['a name longer than the list', changed(bytes, listed(bytes) + 28, 60_000, 2), /record 1 of 2 is missing/],
    ['no size', changed(bytes, listed(bytes) + 24, 0xffffffff, 4), /"a\/data\.pkl" has no size/],
    [
      'one name twice',
      Buffer.from(twice.toString('latin1').replaceAll('a/2', 'a/1'), 'latin1'),
      /"a\/1" appears twice/,
    ],
  ])('refuses a zip with %s', (_, file, message) => {
    expect(() => list(file)).toThrow(message);
  });

  it.each<[string, Uint8Array, RegExp]>([
    ['outside the file', changed(bytes, listed(bytes) + 42, bytes.length, 4), /"a\/data\.pkl" is outside the file/],
    ['elsewhere', changed(bytes, listed(bytes) + 42, 1, 4), /"a\/data\.pkl" is not at byte 1/],
    [
      'longer than the file',
      changed(changed(bytes, listed(bytes) + 24, 2 ** 31, 4), listed(bytes) + 20, 2 ** 31, 4),
      /"a\/data\.pkl" needs bytes 40 to 2147483688, but the file has/,
    ],
  ])('refuses a record that is %s', (_, file, message) => {
    expect(() => dataStart(byteSource(file), list(file)[0])).toThrow(message);
  });
});
