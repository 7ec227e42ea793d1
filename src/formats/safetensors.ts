import { byteSource } from './byte-source.ts';
import { fromHalves, toHalf } from './float16.ts';
import { elementCount, maxHeaderBytes, metadataName, readSafetensorsHeader } from './safetensors-header.ts';

/** One tensor of a safetensors file, row-major; half-precision tensors (F16) are float32 in memory. */
export type StoredTensor = { readonly shape: readonly number[] } & (
  | { readonly dtype: 'F32' | 'F16'; readonly data: Float32Array }
  | { readonly dtype: 'I32'; readonly data: Int32Array }
  | { readonly dtype: 'I64'; readonly data: BigInt64Array }
  | { readonly dtype: 'U8'; readonly data: Uint8Array }
);

type Dtype = StoredTensor['dtype'];

const bytesPerElement: Record<Dtype, number> = { F32: 4, F16: 2, I32: 4, I64: 8, U8: 1 };
const arrayTypes = { F32: Float32Array, F16: Float32Array, I32: Int32Array, I64: BigInt64Array, U8: Uint8Array };

/**
 * Encodes named tensors, in the map's order, and text metadata as a safetensors file; the same input gives the same
 * bytes. F16 tensors are passed as float32 and rounded to the nearest half.
 *
 * @throws RangeError if a tensor's data does not match its shape or dtype
 *
 * @see https://huggingface.co/docs/safetensors
 * @example encodeSafetensors(new Map([['w', { dtype: 'F32', shape: [2], data: Float32Array.of(1, 2) }]]))
 */
export function encodeSafetensors(
  tensors: ReadonlyMap<string, StoredTensor>,
  metadata?: Readonly<Record<string, string>>,
): Uint8Array {
  // Joined by hand: an object would move integer-like names to the front.
  const fields: string[] = [];
  if (metadata) fields.push(`${JSON.stringify(metadataName)}:${JSON.stringify(metadata)}`);
  let dataBytes = 0;
  for (const [name, tensor] of tensors) {
    checkEncodable(name, tensor);
    const end = dataBytes + tensor.data.length * bytesPerElement[tensor.dtype];
    const entry = { dtype: tensor.dtype, shape: tensor.shape, data_offsets: [dataBytes, end] };
    fields.push(`${JSON.stringify(name)}:${JSON.stringify(entry)}`);
    dataBytes = end;
  }
  const json = new TextEncoder().encode(`{${fields.join(',')}}`);
  const headerBytes = Math.ceil(json.length / 8) * 8;
  if (headerBytes > maxHeaderBytes)
    throw new RangeError(`the header has ${headerBytes} bytes; the limit is ${maxHeaderBytes}`);

  const bytes = new Uint8Array(8 + headerBytes + dataBytes);
  new DataView(bytes.buffer).setBigUint64(0, BigInt(headerBytes), true);
  bytes.fill(0x20, 8, 8 + headerBytes);
  bytes.set(json, 8);
  let offset = 8 + headerBytes;
  for (const { dtype, data } of tensors.values()) {
    const stored = dtype === 'F16' ? Uint16Array.from(data, toHalf) : data;
    bytes.set(new Uint8Array(stored.buffer, stored.byteOffset, stored.byteLength), offset);
    offset += stored.byteLength;
  }
  return bytes;
}

/**
 * Decodes a safetensors file into its tensors (copies, in the header's order, F16 as float32) and its metadata.
 *
 * @throws FaceparseError if the file is truncated or inconsistent; it does not name the file, because the caller knows it
 *
 * @example decodeSafetensors(bytes).tensors.get('stem.weight')?.shape // [24, 3, 3, 3]
 */
export function decodeSafetensors(bytes: Uint8Array): {
  tensors: Map<string, StoredTensor>;
  metadata: Record<string, string>;
} {
  const source = byteSource(bytes);
  const { entries, metadata } = readSafetensorsHeader(source, bytesPerElement);
  const tensors = new Map<string, StoredTensor>();
  for (const { name, dtype, shape, start, end } of entries) {
    const data = readData(dtype as Dtype, source.read(start, end).buffer);
    tensors.set(name, { dtype, shape, data } as StoredTensor);
  }
  return { tensors, metadata };
}

function checkEncodable(name: string, { dtype, shape, data }: StoredTensor): void {
  const what = `tensor ${JSON.stringify(name)}`;
  if (name === metadataName)
    throw new RangeError(`a tensor cannot be named ${metadataName}: the format reserves it for text`);
  const arrayType = arrayTypes[dtype];
  if (!arrayType) throw new RangeError(`${what}: dtype ${dtype} is not one of ${Object.keys(arrayTypes).join(', ')}`);
  if (!(data instanceof arrayType)) {
    throw new RangeError(
      `${what}: ${dtype} requires a ${arrayType.name}, but got a ${(data as object)?.constructor.name}`,
    );
  }
  const elements = elementCount(shape);
  if (elements !== data.length) {
    throw new RangeError(`${what}: shape [${shape.join(', ')}] does not hold the ${data.length} elements given`);
  }
}

/** `buffer` contains exactly the tensor. Typed arrays are little-endian, like the file, on all platforms of Node and browsers. */
function readData(dtype: Dtype, buffer: ArrayBuffer): StoredTensor['data'] {
  return dtype === 'F16' ? fromHalves(new Uint16Array(buffer)) : new arrayTypes[dtype](buffer);
}
