import { fromHalves } from './float16.ts';

type NumberArray =
  | Float32Array
  | Float64Array
  | Int8Array
  | Int16Array
  | Int32Array
  | BigInt64Array
  | Uint8Array
  | Uint16Array
  | Uint32Array
  | BigUint64Array;

interface ElementType {
  readonly bytes: number;
  /** Views little-endian bytes as numbers; missing for types that are not converted to float32. */
  readonly numbers?: (buffer: ArrayBuffer) => NumberArray;
}

/** Element types by PyTorch's name. */
const types: Readonly<Record<string, ElementType>> = {
  float64: { bytes: 8, numbers: (buffer) => new Float64Array(buffer) },
  float32: { bytes: 4, numbers: (buffer) => new Float32Array(buffer) },
  float16: { bytes: 2, numbers: (buffer) => fromHalves(new Uint16Array(buffer)) },
  bfloat16: { bytes: 2, numbers: (buffer) => fromBfloats(new Uint16Array(buffer)) },
  int64: { bytes: 8, numbers: (buffer) => new BigInt64Array(buffer) },
  int32: { bytes: 4, numbers: (buffer) => new Int32Array(buffer) },
  int16: { bytes: 2, numbers: (buffer) => new Int16Array(buffer) },
  int8: { bytes: 1, numbers: (buffer) => new Int8Array(buffer) },
  uint64: { bytes: 8, numbers: (buffer) => new BigUint64Array(buffer) },
  uint32: { bytes: 4, numbers: (buffer) => new Uint32Array(buffer) },
  uint16: { bytes: 2, numbers: (buffer) => new Uint16Array(buffer) },
  uint8: { bytes: 1, numbers: (buffer) => new Uint8Array(buffer) },
  bool: { bytes: 1, numbers: (buffer) => new Uint8Array(buffer).map((value) => (value ? 1 : 0)) },
  complex64: { bytes: 8 },
  complex128: { bytes: 16 },
  qint8: { bytes: 1 },
  quint8: { bytes: 1 },
  qint32: { bytes: 4 },
  float8_e4m3fn: { bytes: 1 },
  float8_e5m2: { bytes: 1 },
};

/** Bytes of one element of a dtype (PyTorch's name), or undefined if the dtype is unknown. */
export function elementBytes(dtype: string): number | undefined {
  return Object.hasOwn(types, dtype) ? types[dtype].bytes : undefined;
}

/** Whether `toFloat32` converts a dtype (PyTorch's name). */
export function hasNumbers(dtype: string): boolean {
  return Object.hasOwn(types, dtype) && types[dtype].numbers !== undefined;
}

/**
 * Converts stored elements to float32. Values of float64 and large integers are rounded to the nearest float32; booleans
 * become 0 and 1.
 *
 * @param bytes whole elements, in a buffer of their own that may be changed and returned
 * @throws RangeError if the dtype is not a real number type (see `hasNumbers`)
 * @example toFloat32(Uint8Array.of(0x80, 0x3f), 'bfloat16', true) // Float32Array [1]
 */
export function toFloat32(bytes: Uint8Array<ArrayBuffer>, dtype: string, littleEndian: boolean): Float32Array {
  const type = Object.hasOwn(types, dtype) ? types[dtype] : undefined;
  if (!type?.numbers) throw new RangeError(`elements of dtype ${dtype} are not converted to float32`);
  if (!littleEndian && type.bytes > 1) swapBytes(bytes, type.bytes);
  const numbers = type.numbers(bytes.buffer);
  if (numbers instanceof Float32Array) return numbers;
  const values = new Float32Array(numbers.length);
  if (numbers instanceof BigInt64Array || numbers instanceof BigUint64Array) {
    for (let at = 0; at < values.length; at++) values[at] = Number(numbers[at]);
  } else values.set(numbers);
  return values;
}

/**
 * Copies a strided tensor to row-major order.
 *
 * @param values starts with the first element of the tensor
 * @param strides distance in elements between neighbours along each axis
 * @example toRowMajor(Float32Array.of(1, 2, 3, 4), [2, 2], [1, 2]) // Float32Array [1, 3, 2, 4]
 */
export function toRowMajor(values: Float32Array, shape: readonly number[], strides: readonly number[]): Float32Array {
  const ordered = new Float32Array(shape.reduce((product, extent) => product * extent, 1));
  const index = shape.map(() => 0);
  let from = 0;
  for (let to = 0; to < ordered.length; to++) {
    ordered[to] = values[from];
    for (let axis = shape.length - 1; axis >= 0; axis--) {
      from += strides[axis];
      index[axis]++;
      if (index[axis] < shape[axis]) break;
      from -= strides[axis] * shape[axis];
      index[axis] = 0;
    }
  }
  return ordered;
}

/** Whether the elements are in row-major order without gaps. */
export function isRowMajor(shape: readonly number[], strides: readonly number[]): boolean {
  let expected = 1;
  for (let axis = shape.length - 1; axis >= 0; axis--) {
    if (shape[axis] !== 1 && strides[axis] !== expected) return false;
    expected *= shape[axis];
  }
  return true;
}

/** A bfloat16 is the upper half of a float32. */
function fromBfloats(halves: Uint16Array): Float32Array {
  const words = new Uint32Array(halves.length);
  for (let at = 0; at < halves.length; at++) words[at] = halves[at] << 16;
  return new Float32Array(words.buffer);
}

function swapBytes(bytes: Uint8Array, size: number): void {
  for (let start = 0; start + size <= bytes.length; start += size) bytes.subarray(start, start + size).reverse();
}
