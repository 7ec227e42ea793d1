/** Element types of NumPy, as in `numpy.dtype.str`: `<` is little-endian, `f2` a 16-bit float. */
export type NpyType = '<f2' | '<f4' | '|u1';

/** Bytes before the length of the header: `\x93NUMPY` and version 1.0. */
const start = Uint8Array.of(0x93, 0x4e, 0x55, 0x4d, 0x50, 0x59, 1, 0);
/** NumPy aligns the data, so that files can be mapped into memory. */
const alignment = 64;

/**
 * The first bytes of a `.npy` file (format 1.0). The elements follow in C order.
 *
 * @throws RangeError if an extent is not a positive integer
 * @see https://numpy.org/doc/stable/reference/generated/numpy.lib.format.html
 * @example await file.write(npyHeader('<f2', [19, 512, 512]));
 */
export function npyHeader(type: NpyType, shape: readonly number[]): Uint8Array<ArrayBuffer> {
  const wrong = shape.find((extent) => !Number.isSafeInteger(extent) || extent < 1);
  if (wrong !== undefined) throw new RangeError(`an extent of an array must be a positive integer, not ${wrong}`);
  const extents = shape.map((extent) => `${extent},`).join(' ');
  const text = `{'descr': '${type}', 'fortran_order': False, 'shape': (${extents}), }`;
  const unpadded = start.length + 2 + text.length + 1;
  const padding = (alignment - (unpadded % alignment)) % alignment;
  const header = new TextEncoder().encode(`${text}${' '.repeat(padding)}\n`);
  const bytes = new Uint8Array(start.length + 2 + header.length);
  bytes.set(start);
  new DataView(bytes.buffer).setUint16(start.length, header.length, true);
  bytes.set(header, start.length + 2);
  return bytes;
}
