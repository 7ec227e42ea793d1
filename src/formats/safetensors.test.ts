import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { FaceparseError } from '../text/errors.ts';
import { fromHalf } from './float16.ts';
import { decodeSafetensors, encodeSafetensors, type StoredTensor } from './safetensors.ts';

const everyDtype = new Map<string, StoredTensor>([
  ['byte', { dtype: 'U8', shape: [3], data: Uint8Array.of(1, 0, 255) }],
  ['10', { dtype: 'F32', shape: [2, 2], data: Float32Array.of(1.5, -0, Number.POSITIVE_INFINITY, 1e-40) }],
  ['2', { dtype: 'F16', shape: [1, 3], data: Float32Array.of(0.5, -65504, 2 ** -24) }],
  ['scalar', { dtype: 'I32', shape: [], data: Int32Array.of(-7) }],
  ['empty', { dtype: 'F32', shape: [0, 4], data: new Float32Array(0) }],
  ['__proto__', { dtype: 'I64', shape: [1], data: BigInt64Array.of(-(2n ** 60n)) }],
  ['näme "q" \\ {:}', { dtype: 'U8', shape: [1], data: Uint8Array.of(9) }],
]);

/** A file with any header text and data, so that the decoder meets what our encoder never writes. */
function handMade(header: string, data: number[] = [], headerLength?: bigint): Uint8Array {
  const text = new TextEncoder().encode(header);
  const bytes = new Uint8Array(8 + text.length + data.length);
  new DataView(bytes.buffer).setBigUint64(0, headerLength ?? BigInt(text.length), true);
  bytes.set(text, 8);
  bytes.set(data, 8 + text.length);
  return bytes;
}

describe('encoding', () => {
  test('the bytes are those of the format', () => {
    const bytes = encodeSafetensors(new Map([['w', { dtype: 'F16', shape: [2], data: Float32Array.of(1, -2) }]]), {
      a: 'b',
    });
    const header = '{"__metadata__":{"a":"b"},"w":{"dtype":"F16","shape":[2],"data_offsets":[0,4]}}';
    expect(new DataView(bytes.buffer).getBigUint64(0, true)).toBe(80n);
    expect(new TextDecoder().decode(bytes.subarray(8, 88))).toBe(header.padEnd(80));
    expect([...bytes.subarray(88)]).toEqual([0x00, 0x3c, 0x00, 0xc0]);
  });

  test('the same input gives the same bytes', () => {
    expect(encodeSafetensors(everyDtype, { z: '1', a: '2' })).toEqual(
      encodeSafetensors(everyDtype, { z: '1', a: '2' }),
    );
  });

  test.each([
    [
      'length',
      { dtype: 'F32', shape: [3], data: new Float32Array(2) },
      /"w": shape \[3\] does not hold the 2 elements/,
    ],
    ['negative size', { dtype: 'F32', shape: [-1, -2], data: new Float32Array(2) }, /shape \[-1, -2\]/],
    [
      'array type',
      { dtype: 'I32', shape: [1], data: new Float32Array(1) },
      /I32 requires a Int32Array, but got a Float32Array/,
    ],
    ['dtype', { dtype: 'F8', shape: [1], data: new Float32Array(1) }, /dtype F8 is not one of F32, F16, I32, I64, U8/],
  ])('a wrong %s is refused', (_, tensor, message) => {
    expect(() => encodeSafetensors(new Map([['w', tensor as StoredTensor]]))).toThrow(message);
  });

  test('the name of the metadata is refused', () => {
    expect(() => encodeSafetensors(new Map([['__metadata__', everyDtype.get('byte')!]]))).toThrow(/__metadata__/);
  });
});

describe('round trip', () => {
  test('every dtype, the order of the names, the metadata', () => {
    const { tensors, metadata } = decodeSafetensors(encodeSafetensors(everyDtype, { steps: '12', note: 'a"b\n' }));
    expect([...tensors.keys()]).toEqual([...everyDtype.keys()]);
    expect(tensors).toEqual(everyDtype);
    expect(metadata).toEqual({ steps: '12', note: 'a"b\n' });
  });

  test('no tensors, no metadata', () => {
    expect(decodeSafetensors(encodeSafetensors(new Map()))).toEqual({ tensors: new Map(), metadata: {} });
  });

  test('F16 loses what a half cannot hold, and only that', () => {
    const data = Float32Array.of(0.1, 1e6, Number.NaN, 1e-9);
    const { tensors } = decodeSafetensors(encodeSafetensors(new Map([['h', { dtype: 'F16', shape: [4], data }]])));
    expect([...tensors.get('h')!.data]).toEqual([fromHalf(0x2e66), Number.POSITIVE_INFINITY, Number.NaN, 0]);
  });

  test('from an odd place of a larger buffer', () => {
    const bytes = encodeSafetensors(everyDtype);
    const within = new Uint8Array(bytes.length + 3);
    within.set(bytes, 3);
    expect(decodeSafetensors(within.subarray(3)).tensors).toEqual(everyDtype);
    expect(decodeSafetensors(Buffer.from(within.buffer, 3)).tensors).toEqual(everyDtype);
  });

  test('any names and floats', () => {
    const anyTensor = fc
      .float32Array({ maxLength: 20 })
      .map((data): StoredTensor => ({ dtype: 'F32', shape: [data.length], data }));
    const names = fc.string({ unit: 'grapheme' }).filter((name) => name !== '__metadata__');
    const anyMetadata = fc.dictionary(fc.string(), fc.string(), { noNullPrototype: true });
    fc.assert(
      fc.property(fc.array(fc.tuple(names, anyTensor)), anyMetadata, (entries, metadata) => {
        const decoded = decodeSafetensors(encodeSafetensors(new Map(entries), metadata));
        expect([...decoded.tensors]).toEqual([...new Map(entries)]);
        expect(decoded.metadata).toEqual(metadata);
      }),
    );
  });
});

describe('hostile files', () => {
  const tensor = (begin: number, end: number, more = '"dtype":"U8","shape":[2]') =>
    `{${more},"data_offsets":[${begin},${end}]}`;

  test('every cut of a file', () => {
    const bytes = encodeSafetensors(everyDtype, { a: 'b' });
    for (let length = 0; length < bytes.length; length++) {
      expect(() => decodeSafetensors(bytes.subarray(0, length)), `${length} bytes`).toThrow(
        new RegExp(`^the file is truncated: the header declares \\d+ bytes, but only ${length} are present`),
      );
    }
  });

  test('the message of a cut names both sizes', () => {
    const bytes = encodeSafetensors(new Map([['w', { dtype: 'F32', shape: [4], data: new Float32Array(4) }]]));
    expect(() => decodeSafetensors(bytes.subarray(0, bytes.length - 5))).toThrow(
      `the header declares ${bytes.length} bytes, but only ${bytes.length - 5} are present`,
    );
  });

  test.each<[string, Uint8Array, RegExp]>([
    ['a header over the limit', handMade('{}', [], 4_194_305n), /would have 4194305 bytes; the limit is 4194304/],
    ['a header of 2^64 − 1', handMade('{}', [], 2n ** 64n - 1n), /18446744073709551615 bytes/],
    ['no JSON', handMade('{"a":'), /header is not JSON/],
    ['no UTF-8', encodeBroken(), /header is not JSON/],
    ['a JSON array', handMade('[]'), /not a JSON object/],
    ['deep nesting', handMade('['.repeat(200_000)), /header is not JSON/],
    ['an endless text', handMade(`{"a":"${'\\n'.repeat(2 ** 20)}"}`), /"a" is not described|not JSON/],
    ['a name twice', handMade(`{"a":${tensor(0, 2)},"a":${tensor(2, 4)}}`, [1, 2, 3, 4]), /"a" appears twice/],
    [
      'a name twice, escaped',
      handMade(`{"a":${tensor(0, 2)},"\\u0061" :${tensor(2, 4)}}`, [1, 2, 3, 4]),
      /"a" appears twice/,
    ],
    [
      'a field twice',
      handMade('{"a":{"dtype":"U8","shape":[0],"shape":[2],"data_offsets":[0,2]}}', [1, 2]),
      /"shape" appears twice/,
    ],
    ['an overlap', handMade(`{"a":${tensor(0, 2)},"b":${tensor(1, 3)}}`, [1, 2, 3]), /"b" overlaps/],
    ['a gap', handMade(`{"a":${tensor(0, 2)},"b":${tensor(3, 5)}}`, [1, 2, 3, 4, 5]), /no tensor covers bytes 2 to 3/],
    ['bytes behind', handMade(`{"a":${tensor(0, 2)}}`, [1, 2, 3]), /1 bytes follow the last tensor/],
    ['offsets backwards', handMade(`{"a":${tensor(2, 0)}}`, [1, 2]), /data_offsets \[2,0\]/],
    ['negative offsets', handMade(`{"a":${tensor(-2, 0)}}`, [1, 2]), /data_offsets \[-2,0\]/],
    [
      'offsets unlike the shape',
      handMade(`{"a":${tensor(0, 3)}}`, [1, 2, 3]),
      /U8 \[2\], requires 2 bytes, but .* span 3/,
    ],
    [
      'offsets unlike the dtype',
      handMade(`{"a":${tensor(0, 2, '"dtype":"I64","shape":[2]')}}`, [1, 2]),
      /requires 16 bytes/,
    ],
    [
      'a huge shape',
      handMade(`{"a":${tensor(0, 2, '"dtype":"U8","shape":[4294967296,4294967296]')}}`, [1, 2]),
      /has the shape/,
    ],
    [
      'a huge claim',
      handMade(`{"a":${tensor(0, 2 ** 40, '"dtype":"U8","shape":[1099511627776]')}}`),
      /declares 1099511627\d+ bytes/,
    ],
    [
      'a fractional shape',
      handMade(`{"a":${tensor(0, 2, '"dtype":"U8","shape":[2.5]')}}`, [1, 2]),
      /the shape \[2.5\]/,
    ],
    [
      'many dimensions',
      handMade(`{"a":${tensor(0, 1, `"dtype":"U8","shape":[${'1,'.repeat(999)}1]`)}}`, [1]),
      /"a" has 1000 dimensions; the limit is 64/,
    ],
    [
      'a long dtype, which is cut',
      handMade(`{"a":${tensor(0, 1, `"dtype":"${'x'.repeat(999)}","shape":[1]`)}}`, [1]),
      /has dtype "x{99}…; only/,
    ],
    [
      'a long name, which is cut',
      handMade(`{"${'n'.repeat(999)}":${tensor(0, 2, '"dtype":"U8"')}}`, [1, 2]),
      /tensor "n{100}…" has the shape undefined/,
    ],
    ['no shape', handMade(`{"a":${tensor(0, 2, '"dtype":"U8"')}}`, [1, 2]), /the shape undefined/],
    [
      'an unknown dtype',
      handMade(`{"a":${tensor(0, 2, '"dtype":"BF16","shape":[1]')}}`, [1, 2]),
      /dtype "BF16"; only F32/,
    ],
    [
      'an inherited dtype',
      handMade(`{"a":${tensor(0, 2, '"dtype":"toString","shape":[1]')}}`, [1, 2]),
      /dtype "toString"/,
    ],
    ['a tensor that is a number', handMade('{"a":1}'), /"a" is not described/],
    ['metadata that is no text', handMade('{"__metadata__":{"a":1}}'), /__metadata__ must map names to strings/],
  ])('%s', (_, bytes, message) => {
    expect(() => decodeSafetensors(bytes)).toThrow(message);
    expect(() => decodeSafetensors(bytes)).toThrow(FaceparseError);
  });

  test('any damage gives tensors or a FaceparseError', () => {
    const good = encodeSafetensors(everyDtype, { a: 'b' });
    fc.assert(
      fc.property(fc.nat(good.length - 1), fc.nat(255), (place, byte) => {
        const bad = good.slice();
        bad[place] = byte;
        try {
          decodeSafetensors(bad);
        } catch (error) {
          expect(error).toBeInstanceOf(FaceparseError);
        }
      }),
      { numRuns: 500 },
    );
  });
});

function encodeBroken(): Uint8Array {
  const bytes = handMade('{"abc":1}');
  bytes[10] = 0xff;
  return bytes;
}
