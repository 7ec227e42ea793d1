import { zipSync } from 'fflate';

/** Code of pickles, protocol 2, as Latin-1 text; for files that PyTorch would not write. */
export const pickleCode = {
  text: (value: string): string => {
    const bytes = Buffer.from(value);
    const length = Buffer.alloc(4);
    length.writeUInt32LE(bytes.length);
    return `X${length.toString('latin1')}${bytes.toString('latin1')}`;
  },
  number: (value: number): string => {
    if (!Number.isInteger(value) || Math.abs(value) >= 2 ** 31) {
      const bytes = Buffer.alloc(8);
      bytes.writeBigInt64LE(BigInt(value));
      return `\x8a\x08${bytes.toString('latin1')}`;
    }
    const bytes = Buffer.alloc(4);
    bytes.writeInt32LE(value);
    return `J${bytes.toString('latin1')}`;
  },
  tuple: (...items: readonly string[]): string => `(${items.join('')}t`,
  sizes: (sizes: readonly number[]): string => pickleCode.tuple(...sizes.map(pickleCode.number)),
  dictionary: (entries: Readonly<Record<string, string>> | readonly (readonly [string, string])[]): string => {
    const pairs = Array.isArray(entries) ? entries : Object.entries(entries);
    return `}(${pairs.map(([key, value]) => pickleCode.text(key) + value).join('')}u`;
  },
  call: (path: string, ...args: readonly string[]): string => {
    const dot = path.lastIndexOf('.');
    return `c${path.slice(0, dot)}\n${path.slice(dot + 1)}\n${pickleCode.tuple(...args)}R`;
  },
  /** An object with attributes. */
  object: (path: string, state: string): string => `${pickleCode.call(path)}${state}b`,
  bytes: (code: string): Uint8Array => Uint8Array.from(Buffer.from(`\x80\x02${code}.`, 'latin1')),
};

/** A tensor of a storage; by default four float32 in the storage `0`. */
export interface TensorCode {
  readonly storage?: string;
  readonly storageClass?: string;
  readonly length?: number;
  readonly offset?: number;
  readonly shape?: readonly number[];
  readonly strides?: readonly number[];
  /** Further parts of the reference to the storage. */
  readonly view?: string;
}

/** The code of `torch._utils._rebuild_tensor_v2(…)`. */
export function tensorCode({
  storage = '0',
  storageClass = 'torch.FloatStorage',
  length = 4,
  offset = 0,
  shape = [4],
  strides = shape.map(() => 1),
  view = '',
}: TensorCode = {}): string {
  const { text, number, tuple, sizes, call } = pickleCode;
  const named = `c${storageClass.replace(/\.(?=[^.]*$)/, '\n')}\n`;
  const stored = `${tuple(text('storage'), named, text(storage), text('cpu'), number(length), view)}Q`;
  const args = [stored, number(offset), sizes(shape), sizes(strides), '\x89', '}'];
  return call('torch._utils._rebuild_tensor_v2', ...args);
}

/** A file of `torch.save` with this pickle; by default with a storage `0` of four float32. */
export function checkpointOf(
  pickle: string,
  records: Readonly<Record<string, Uint8Array>> = { '0': new Uint8Array(Float32Array.of(1, 2, 3, 4).buffer) },
): Uint8Array {
  const data = Object.entries(records).map(([name, bytes]) => [name.includes('/') ? name : `a/data/${name}`, bytes]);
  const files = { 'a/data.pkl': pickleCode.bytes(pickle), ...Object.fromEntries(data) };
  return zipSync(files, { level: 0, mtime: new Date(2020, 1, 1) });
}
