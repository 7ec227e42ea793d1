import { FaceparseError } from '../text/errors.ts';
import { fromHalf, toHalf } from './float16.ts';

/** One tensor of a safetensors file, row-major; half-precision tensors (F16) are float32 in memory. */
export type StoredTensor = { readonly shape: readonly number[] } & (
  | { readonly dtype: 'F32' | 'F16'; readonly data: Float32Array }
  | { readonly dtype: 'I32'; readonly data: Int32Array }
  | { readonly dtype: 'I64'; readonly data: BigInt64Array }
  | { readonly dtype: 'U8'; readonly data: Uint8Array }
);

type Dtype = StoredTensor['dtype'];

interface Entry {
  readonly name: string;
  readonly dtype: Dtype;
  readonly shape: number[];
  readonly begin: number;
  readonly end: number;
}

const bytesPerElement: Record<Dtype, number> = { F32: 4, F16: 2, I32: 4, I64: 8, U8: 1 };
const arrayTypes = { F32: Float32Array, F16: Float32Array, I32: Int32Array, I64: BigInt64Array, U8: Uint8Array };
const metadataName = '__metadata__';
/** Headers of networks are far below 1 MiB; parsing a hostile one takes much more time and memory than its size. */
const maxHeaderBytes = 4 * 2 ** 20;

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
  const { entries, metadata, dataStart } = readHeader(bytes);
  checkLayout(entries, bytes.length, dataStart);
  const tensors = new Map<string, StoredTensor>();
  for (const { name, dtype, shape, begin, end } of entries) {
    // Not bytes.slice(): on a Node Buffer it does not copy, and typed arrays need an aligned offset.
    const part = Uint8Array.from(bytes.subarray(dataStart + begin, dataStart + end));
    tensors.set(name, { dtype, shape, data: readData(dtype, part.buffer) } as StoredTensor);
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

function readHeader(bytes: Uint8Array): { entries: Entry[]; metadata: Record<string, string>; dataStart: number } {
  if (bytes.length < 8) throw cutShort(8, bytes.length);
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const declared = view.getBigUint64(0, true);
  if (declared > BigInt(maxHeaderBytes)) {
    throw new FaceparseError(
      `not a safetensors file: its header would have ${declared} bytes; the limit is ${maxHeaderBytes}`,
    );
  }
  const dataStart = 8 + Number(declared);
  if (bytes.length < dataStart) throw cutShort(dataStart, bytes.length);
  let header: unknown;
  let names: string[];
  try {
    const text = new TextDecoder('utf-8', { fatal: true }).decode(bytes.subarray(8, dataStart));
    header = JSON.parse(text);
    names = namesInOrder(text);
  } catch (cause) {
    if (cause instanceof FaceparseError) throw cause;
    throw new FaceparseError(`not a safetensors file: its header is not JSON (${(cause as Error).message})`, { cause });
  }
  if (!isRecord(header)) throw new FaceparseError('not a safetensors file: its header is not a JSON object');
  const entries: Entry[] = [];
  for (const name of names) if (name !== metadataName) entries.push(readEntry(name, header[name]));
  return { entries, metadata: readMetadata(header[metadataName]), dataStart };
}

/**
 * Returns the keys of the outermost object of valid JSON, in the order of the text; `JSON.parse` loses this order for
 * integer-like keys. A duplicate key in any object is an error; `JSON.parse` would accept it.
 */
function namesInOrder(json: string): string[] {
  const open: Set<string>[] = [];
  let outermost: Set<string> | undefined;
  for (const [token, isName] of json.matchAll(/"(?:[^"\\]+|\\.)*"(\s*:)?|[{}]/gs)) {
    if (token === '{') {
      open.push(new Set());
      outermost ??= open[0];
    } else if (token === '}') open.pop();
    else if (isName) {
      const name: string = JSON.parse(token.slice(0, -isName.length));
      const names = open[open.length - 1];
      if (names.has(name)) throw damaged(`the name ${JSON.stringify(name)} appears twice in the header`);
      names.add(name);
    }
  }
  return [...(outermost ?? [])];
}

function readEntry(name: string, value: unknown): Entry {
  const what = `tensor ${JSON.stringify(name)}`;
  if (!isRecord(value)) throw damaged(`${what} is not described by an object`);
  const { dtype, shape, data_offsets: offsets } = value;
  if (typeof dtype !== 'string' || !Object.hasOwn(bytesPerElement, dtype)) {
    const known = Object.keys(bytesPerElement).join(', ');
    throw new FaceparseError(`${what} has dtype ${JSON.stringify(dtype)}; only ${known} can be read here`);
  }
  const elements = isSizes(shape) ? elementCount(shape) : undefined;
  if (!isSizes(shape) || elements === undefined) throw damaged(`${what} has the shape ${JSON.stringify(shape)}`);
  if (!isSizes(offsets) || offsets.length !== 2 || offsets[0] > offsets[1]) {
    throw damaged(`${what} has the data_offsets ${JSON.stringify(offsets)}`);
  }
  const [begin, end] = offsets;
  const wanted = elements * bytesPerElement[dtype as Dtype];
  if (end - begin !== wanted) {
    throw damaged(
      `${what}, ${dtype} [${shape.join(', ')}], requires ${wanted} bytes, but its data_offsets span ${end - begin}`,
    );
  }
  return { name, dtype: dtype as Dtype, shape, begin, end };
}

function readMetadata(value: unknown): Record<string, string> {
  if (value === undefined) return {};
  if (!isRecord(value) || Object.values(value).some((text) => typeof text !== 'string')) {
    throw damaged(`${metadataName} must map names to strings`);
  }
  return value as Record<string, string>;
}

/** Checks that tensors cover the data area exactly once: no gaps, no overlaps, nothing after the last tensor. */
function checkLayout(entries: readonly Entry[], fileBytes: number, dataStart: number): void {
  const byPlace = [...entries].sort((a, b) => a.begin - b.begin || a.end - b.end);
  let covered = 0;
  for (const { name, begin, end } of byPlace) {
    if (begin < covered) throw damaged(`tensor ${JSON.stringify(name)} overlaps the one before it at byte ${begin}`);
    if (begin > covered) throw damaged(`no tensor covers bytes ${covered} to ${begin}`);
    covered = end;
  }
  const promised = dataStart + covered;
  if (fileBytes < promised) throw cutShort(promised, fileBytes);
  if (fileBytes > promised) throw damaged(`${fileBytes - promised} bytes follow the last tensor`);
}

/** `buffer` contains exactly the tensor. Typed arrays are little-endian, like the file, on all platforms of Node and browsers. */
function readData(dtype: Dtype, buffer: ArrayBuffer): StoredTensor['data'] {
  return dtype === 'F16' ? Float32Array.from(new Uint16Array(buffer), fromHalf) : new arrayTypes[dtype](buffer);
}

/** Product of the sizes, or undefined if it is not a safe integer. */
function elementCount(shape: readonly number[]): number | undefined {
  const product = shape.reduce((total, size) => total * size, 1);
  return shape.every((size) => size >= 0) && Number.isSafeInteger(product * 8) ? product : undefined;
}

function isSizes(value: unknown): value is number[] {
  return Array.isArray(value) && value.every((size) => Number.isSafeInteger(size) && size >= 0);
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function cutShort(promised: number, there: number): FaceparseError {
  return new FaceparseError(
    `the file is truncated: the header declares ${promised} bytes, but only ${there} are present; download or write it again`,
  );
}

function damaged(what: string): FaceparseError {
  return new FaceparseError(`the safetensors file is damaged: ${what}`);
}
