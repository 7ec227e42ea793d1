import { zipSync } from 'fflate';

/** One tensor of a checkpoint, row-major; an empty shape is a scalar. */
export type CheckpointTensor = { readonly shape: readonly number[] } & (
  | { readonly dtype: 'float32'; readonly data: Float32Array }
  | { readonly dtype: 'int64'; readonly data: BigInt64Array }
);

/** The value of a key in a checkpoint: text, an integer, or tensors by name (an OrderedDict in the map's order). */
export type CheckpointEntry = string | number | ReadonlyMap<string, CheckpointTensor>;

const storageClasses = { float32: 'FloatStorage', int64: 'LongStorage' } as const;
const arrayTypes = { float32: Float32Array, int64: BigInt64Array } as const;

/** Folder that contains all records of the archive; PyTorch accepts any name. */
const folder = 'archive';
/** Alignment in bytes that PyTorch needs to map storages into memory. */
const alignment = 64;
/** Id of the extra field with the padding, as in PyTorch (`FB`). */
const paddingField = 0x4246;
const localHeaderBytes = 30;
const maxArchiveBytes = 2 ** 31;

/**
 * Encodes a checkpoint as `torch.save` does (the zip format of PyTorch 1.6 and later): a dictionary of the entries that
 * `torch.load` reads with and without `weights_only=True`. The same entries give the same bytes.
 *
 * @throws RangeError if a tensor's data do not match its shape, a number is not a 32-bit integer, or the file exceeds 2 GiB
 * @see https://github.com/pytorch/pytorch/blob/main/docs/source/notes/serialization.rst
 * @example encodePyTorchCheckpoint({ state_dict: new Map([['w', { dtype: 'float32', shape: [2], data }]]), classes: 19 })
 */
export function encodePyTorchCheckpoint(entries: Readonly<Record<string, CheckpointEntry>>): Uint8Array {
  const pickle = new PickleWriter();
  const storages = pickle.checkpoint(entries);
  const records = new Map<string, Uint8Array>([
    ['data.pkl', pickle.finish()],
    ['byteorder', new TextEncoder().encode('little')],
  ]);
  storages.forEach(({ buffer, byteOffset, byteLength }, index) => {
    records.set(`data/${index}`, new Uint8Array(buffer, byteOffset, byteLength));
  });
  records.set('version', new TextEncoder().encode('3\n'));
  return storeAligned(records);
}

/** Writes an uncompressed zip whose records start at multiples of the alignment. */
function storeAligned(records: ReadonlyMap<string, Uint8Array>): Uint8Array {
  let offset = 0;
  const files: Parameters<typeof zipSync>[0] = {};
  // The format stores local time, so these are the same bytes in every time zone.
  const mtime = new Date(1980, 0, 1);
  for (const [record, data] of records) {
    const name = `${folder}/${record}`;
    const start = offset + localHeaderBytes + name.length + 4;
    const padding = (alignment - (start % alignment)) % alignment;
    files[name] = [data, { level: 0, mtime, extra: { [paddingField]: new Uint8Array(padding).fill(0x5a) } }];
    offset = start + padding + data.length;
  }
  if (offset > maxArchiveBytes) {
    throw new RangeError(`the checkpoint has ${offset} bytes; the limit is ${maxArchiveBytes}`);
  }
  return zipSync(files);
}

/** Writes Python's pickle, protocol 2, for the values in checkpoints. */
class PickleWriter {
  private bytes = new Uint8Array(1 << 16);
  private length = 0;

  /** Writes the whole pickle. Returns the data of the tensors in the order of their storages. */
  checkpoint(entries: Readonly<Record<string, CheckpointEntry>>): (Float32Array | BigInt64Array)[] {
    const storages: (Float32Array | BigInt64Array)[] = [];
    this.append(Uint8Array.of(0x80, 2));
    this.opcodes('}(');
    for (const [name, entry] of Object.entries(entries)) {
      this.text(name);
      if (typeof entry === 'string') this.text(entry);
      else if (typeof entry === 'number') this.number(entry);
      else this.tensors(entry, storages);
    }
    this.opcodes('u.');
    return storages;
  }

  private tensors(tensors: ReadonlyMap<string, CheckpointTensor>, storages: (Float32Array | BigInt64Array)[]): void {
    this.orderedDict();
    this.opcodes('(');
    for (const [name, tensor] of tensors) {
      checkTensor(name, tensor);
      this.text(name);
      this.tensor(tensor, storages.length);
      storages.push(tensor.data);
    }
    this.opcodes('u');
  }

  /** `torch._utils._rebuild_tensor_v2(storage, offset, size, stride, requires_grad, backward_hooks)`. */
  private tensor({ dtype, shape, data }: CheckpointTensor, storage: number): void {
    this.global('torch._utils', '_rebuild_tensor_v2');
    this.opcodes('((');
    this.text('storage');
    this.global('torch', storageClasses[dtype]);
    this.text(String(storage));
    this.text('cpu');
    this.number(data.length);
    this.opcodes('tQ');
    this.number(0);
    this.tuple(shape);
    this.tuple(shape.map((_, axis) => shape.slice(axis + 1).reduce((product, extent) => product * extent, 1)));
    this.append(Uint8Array.of(0x89));
    this.orderedDict();
    this.opcodes('tR');
  }

  private orderedDict(): void {
    this.global('collections', 'OrderedDict');
    this.opcodes(')R');
  }

  private global(module: string, name: string): void {
    this.opcodes(`c${module}\n${name}\n`);
  }

  private tuple(values: readonly number[]): void {
    this.opcodes('(');
    for (const value of values) this.number(value);
    this.opcodes('t');
  }

  private text(value: string): void {
    const encoded = new TextEncoder().encode(value);
    const head = new Uint8Array(5);
    head[0] = 'X'.charCodeAt(0);
    new DataView(head.buffer).setUint32(1, encoded.length, true);
    this.append(head);
    this.append(encoded);
  }

  /** Writes an integer; `weights_only` of PyTorch 1.13 refuses other numbers. */
  private number(value: number): void {
    if (value !== (value | 0)) throw new RangeError(`${value} is not a 32-bit integer`);
    const bytes = new Uint8Array(5);
    bytes[0] = 'J'.charCodeAt(0);
    new DataView(bytes.buffer).setInt32(1, value, true);
    this.append(bytes);
  }

  private opcodes(characters: string): void {
    this.append(new TextEncoder().encode(characters));
  }

  private append(bytes: Uint8Array): void {
    if (this.length + bytes.length > this.bytes.length) {
      const larger = new Uint8Array(2 * (this.length + bytes.length));
      larger.set(this.bytes);
      this.bytes = larger;
    }
    this.bytes.set(bytes, this.length);
    this.length += bytes.length;
  }

  finish(): Uint8Array {
    return this.bytes.slice(0, this.length);
  }
}

function checkTensor(name: string, { dtype, shape, data }: CheckpointTensor): void {
  if (!(data instanceof arrayTypes[dtype])) {
    throw new RangeError(`tensor '${name}': ${dtype} requires a ${arrayTypes[dtype].name}`);
  }
  const elements = shape.reduce((product, extent) => product * extent, 1);
  if (elements !== data.length) {
    throw new RangeError(`tensor '${name}': the shape [${shape.join(', ')}] does not hold ${data.length} elements`);
  }
}
