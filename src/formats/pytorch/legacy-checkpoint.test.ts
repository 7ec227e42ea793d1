import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { pickleCode, tensorCode } from '../../../test/pickle-code.ts';
import { FaceparseError } from '../../text/errors.ts';
import { byteSource } from '../byte-source.ts';
import { legacyPyTorchStart } from '../recognize-file.ts';
import { readStateDict } from '../state-dict/read-state-dict.ts';
import { openLegacyCheckpoint } from './legacy-checkpoint.ts';

const { bytes, number, dictionary, text } = pickleCode;
const golden = readFileSync(new URL('../../../test/golden/state-dicts/newest-state-dict-legacy.pth', import.meta.url));

interface Parts {
  readonly version?: string;
  readonly isLittle?: boolean;
  readonly value?: string;
  readonly names?: string;
  readonly storages?: Buffer;
}

/** A file of the old format; by default a tensor `w` of 1, 2, 3, 4 in the storage `0`. */
function legacyFile(parts: Parts = {}): Uint8Array {
  const {
    version = number(1001),
    isLittle = true,
    value = dictionary({ w: tensorCode() }),
    names = `](${text('0')}e`,
  } = parts;
  const { storages = storage(4n, [1, 2, 3, 4]) } = parts;
  const magic = Uint8Array.from([...legacyPyTorchStart, '.'.charCodeAt(0)]);
  const system = dictionary({ little_endian: isLittle ? '\x88' : '\x89' });
  return Buffer.concat([magic, bytes(version), bytes(system), bytes(value), bytes(names), storages]);
}

function storage(length: bigint, values: readonly number[], isLittle = true): Buffer {
  const written = Buffer.alloc(8 + 4 * values.length);
  if (isLittle) written.writeBigInt64LE(length);
  else written.writeBigInt64BE(length);
  values.forEach((value, at) => {
    if (isLittle) written.writeFloatLE(value, 8 + 4 * at);
    else written.writeFloatBE(value, 8 + 4 * at);
  });
  return written;
}

const valuesOf = (file: Uint8Array) => [...(readStateDict(file, 'a').tensors.get('w')?.read() ?? [])];

describe('openLegacyCheckpoint', () => {
  it('reads both byte orders', () => {
    expect(valuesOf(legacyFile())).toEqual([1, 2, 3, 4]);
    expect(valuesOf(legacyFile({ isLittle: false, storages: storage(4n, [1, 2, 3, 4], false) }))).toEqual([1, 2, 3, 4]);
  });

  it('reads pickles of protocols 3 to 5, whose numbers may be in frames', () => {
    for (const start of ['\x80\x03', '\x80\x04\x95\x0d\0\0\0\0\0\0\0', '\x80\x05\x95\x0d\0\0\0\0\0\0\0']) {
      expect(valuesOf(Buffer.concat([Buffer.from(start, 'latin1'), legacyFile().subarray(2)]))).toEqual([1, 2, 3, 4]);
    }
  });

  it('names what is cut off, wherever the file ends', () => {
    for (let length = 14; length < golden.length; length += 7) {
      const open = () => openLegacyCheckpoint(byteSource(golden.subarray(0, length)));
      expect(open).toThrow(FaceparseError);
      expect(open).toThrow(/truncated|ends after|does not end/);
    }
  });

  it.each<[string, Parts, RegExp]>([
    ['another version', { version: number(7) }, /its format version is 7, not 1001/],
    ['a version that is text', { version: text('x') }, /its format version is not a number/],
    ['no names of storages', { names: 'N' }, /it does not list its storages/],
    ['a storage of no tensor', { names: `](${text('1')}e` }, /lists a storage that nothing refers to/],
    ['a storage twice', { names: `](${text('0')}${text('0')}e` }, /lists the storage "0" twice/],
    ['too many storages', { names: `](${'N'.repeat(100_001)}e` }, /it has 100001 storages/],
    ['another length', { storages: storage(5n, [1, 2, 3, 4]) }, /the storage "0" has 5 elements at byte \d+, not 4/],
    ['a negative length', { storages: storage(-1n, [1, 2, 3, 4]) }, /has -1 elements/],
    ['a cut storage', { storages: storage(4n, [1, 2]) }, /truncated: the storage "0" needs \d+ bytes, but only/],
    ['no storages', { names: ']' }, /"w" has no data: the storage "0" is missing/],
    [
      'an endless storage',
      { value: dictionary({ w: tensorCode({ length: 2 ** 52 }) }), storages: storage(2n ** 52n, []) },
      /truncated/,
    ],
  ])('refuses %s', (_, parts, message) => {
    expect(() => readStateDict(legacyFile(parts), 'a')).toThrow(message);
  });
});
