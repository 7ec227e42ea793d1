import { describe, expect, it } from 'vitest';
import { elementBytes, hasNumbers, isRowMajor, toFloat32, toRowMajor } from './tensor-elements.ts';

const bytesOf = (array: { buffer: ArrayBuffer }) => new Uint8Array(array.buffer.slice(0));

describe('toFloat32', () => {
  it.each<[string, { buffer: ArrayBuffer }, readonly number[]]>([
    ['float64', Float64Array.of(0.1, -2), [Math.fround(0.1), -2]],
    ['float32', Float32Array.of(1.5), [1.5]],
    ['float16', Uint16Array.of(0x3c00, 0xc000, 0x7c00), [1, -2, Number.POSITIVE_INFINITY]],
    ['bfloat16', Uint16Array.of(0x3f80, 0xc000, 0x7fc0), [1, -2, Number.NaN]],
    ['int64', BigInt64Array.of(-7n, 2n ** 40n), [-7, 2 ** 40]],
    ['int32', Int32Array.of(-7), [-7]],
    ['int16', Int16Array.of(-7), [-7]],
    ['int8', Int8Array.of(-7), [-7]],
    ['uint64', BigUint64Array.of(2n ** 63n), [2 ** 63]],
    ['uint32', Uint32Array.of(2 ** 31), [2 ** 31]],
    ['uint16', Uint16Array.of(65535), [65535]],
    ['uint8', Uint8Array.of(200), [200]],
    ['bool', Uint8Array.of(0, 1, 255), [0, 1, 1]],
  ])('%s, in both byte orders', (dtype, stored, values) => {
    expect([...toFloat32(bytesOf(stored), dtype, true)]).toEqual(values);
    const size = elementBytes(dtype) ?? 0;
    const swapped = bytesOf(stored);
    for (let at = 0; at < swapped.length; at += size) swapped.subarray(at, at + size).reverse();
    expect([...toFloat32(swapped, dtype, false)]).toEqual(values);
  });

  it('refuses what is not a real number', () => {
    for (const dtype of ['complex64', 'qint8', 'toString', 'unknown']) {
      expect(hasNumbers(dtype)).toBe(false);
      expect(() => toFloat32(new Uint8Array(8), dtype, true)).toThrow(RangeError);
    }
    expect(elementBytes('toString')).toBeUndefined();
  });
});

describe('toRowMajor', () => {
  const values = Float32Array.from({ length: 24 }, (_, at) => at);

  it.each<[readonly number[], readonly number[], readonly number[]]>([
    [[], [], [0]],
    [
      [3, 2],
      [1, 3],
      [0, 3, 1, 4, 2, 5],
    ],
    [
      [2, 2, 2],
      [12, 1, 4],
      [0, 4, 1, 5, 12, 16, 13, 17],
    ],
    [
      [2, 3],
      [0, 1],
      [0, 1, 2, 0, 1, 2],
    ],
    [[2, 0], [5, 5], []],
  ])('shape %j, strides %j', (shape, strides, expected) => {
    expect([...toRowMajor(values, shape, strides)]).toEqual(expected);
  });

  it('is not needed where elements are in order; the stride of a single element does not count', () => {
    expect(isRowMajor([2, 3], [3, 1])).toBe(true);
    expect(isRowMajor([2, 1, 3], [3, 77, 1])).toBe(true);
    expect(isRowMajor([], [])).toBe(true);
    expect(isRowMajor([2, 3], [1, 2])).toBe(false);
    expect(isRowMajor([2, 3], [4, 1])).toBe(false);
  });
});
