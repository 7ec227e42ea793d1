import { FaceparseError } from '../../text/errors.ts';
import { quote } from '../../text/quoted-text.ts';
import type { ByteSource } from '../byte-source.ts';
import { elementBytes } from '../tensor-elements.ts';
import type { CheckpointArchive, Storage } from './checkpoint-archive.ts';
import { maxPickleBytes, type PickleInRow, readPickleAt } from './pickle-reader.ts';
import type { PickleValue } from './pickle-value.ts';
import { storageOf } from './tensor-record.ts';

const magicNumber = 0x1950a86a20f9469cfc6cn;
const formatVersion = 1001;
const maxStorages = 100_000;

/**
 * Opens a file of `torch.save` before PyTorch 1.6, or with `_use_new_zipfile_serialization=False`: five pickles (magic
 * number, version, system, value, names of the storages), then the storages, each with its length before it.
 *
 * @throws FaceparseError if the file is truncated or damaged; it does not name the file, because the caller knows it
 * @see https://github.com/pytorch/pytorch/blob/main/torch/serialization.py
 */
export function openLegacyCheckpoint(source: ByteSource): CheckpointArchive {
  const headBytes = Math.min(source.size, maxPickleBytes);
  const head = source.read(0, headBytes);
  let at = 0;
  const next = (): PickleInRow => {
    const pickle = readPickleAt(head, at, headBytes < source.size);
    at = pickle.end;
    return pickle;
  };
  if (next().value !== magicNumber) throw damaged('its magic number is wrong');
  const version = next().value;
  if (version !== formatVersion) {
    const found = typeof version === 'number' ? `${version}` : 'not a number';
    throw damaged(`its format version is ${found}, not ${formatVersion}`);
  }
  const system = next().value;
  const isLittleEndian = !(system instanceof Map && system.get('little_endian') === false);
  const { value, persistentIds } = next();
  const names = next().value;
  const storages = locateStorages(source, at, names, sizesOf(persistentIds), isLittleEndian);
  return { format: 'pytorch-legacy', value, isLittleEndian, storage: (name) => storages.get(name) };
}

/** Length and element size in bytes of each storage that the value refers to. */
function sizesOf(ids: readonly PickleValue[]): Map<string, { readonly length: number; readonly bytesEach: number }> {
  const sizes = new Map<string, { length: number; bytesEach: number }>();
  for (const id of ids) {
    const storage = storageOf(id);
    if (!storage) continue;
    const { name, length } = storage;
    const bytesEach = storage.dtype === undefined ? 1 : elementBytes(storage.dtype);
    if (bytesEach !== undefined) sizes.set(name, { length, bytesEach });
  }
  return sizes;
}

function locateStorages(
  source: ByteSource,
  start: number,
  names: PickleValue,
  sizes: ReturnType<typeof sizesOf>,
  isLittleEndian: boolean,
): Map<string, Storage> {
  if (!Array.isArray(names)) throw damaged('it does not list its storages');
  if (names.length > maxStorages) throw damaged(`it has ${names.length} storages; the limit is ${maxStorages}`);
  const storages = new Map<string, Storage>();
  let at = start;
  for (const name of names) {
    const size = typeof name === 'string' ? sizes.get(name) : undefined;
    if (typeof name !== 'string' || !size) throw damaged('it lists a storage that nothing refers to');
    if (storages.has(name)) throw damaged(`it lists the storage ${quote(name)} twice`);
    if (at + 8 > source.size) throw truncated(name, at + 8, source.size);
    const declared = new DataView(source.read(at, at + 8).buffer).getBigInt64(0, isLittleEndian);
    if (declared !== BigInt(size.length)) {
      throw damaged(`the storage ${quote(name)} has ${declared} elements at byte ${at}, not ${size.length}`);
    }
    const first = at + 8;
    at = first + size.length * size.bytesEach;
    if (at > source.size) throw truncated(name, at, source.size);
    storages.set(name, {
      size: at - first,
      read: (begin, end) => source.read(first + begin, first + end),
    });
  }
  return storages;
}

function truncated(name: string, needed: number, size: number): FaceparseError {
  const what = `the storage ${quote(name)} needs ${needed} bytes, but only ${size} are present`;
  return new FaceparseError(`the file is truncated: ${what}; download or copy it again`);
}

function damaged(what: string): FaceparseError {
  return new FaceparseError(`the file is damaged: ${what}; download or copy it again`);
}
