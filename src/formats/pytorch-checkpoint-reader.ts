import { FaceparseError } from '../text/errors.ts';
import { quote } from '../text/quoted-text.ts';
import {
  maxPickleBytes,
  PersistentId,
  PickleGlobal,
  PickleObject,
  type PickleValue,
  readPickle,
} from './pickle-reader.ts';
import { openZip, type ZipArchive } from './zip-reader.ts';

/** One tensor as a checkpoint describes it, without its numbers. */
export interface TensorDescription {
  /** As PyTorch names it: `float32`, `int64`, `bfloat16`. */
  readonly dtype: string;
  readonly shape: readonly number[];
  /** Name of the data that it lies in, which several tensors may share. */
  readonly storage: string;
  /** First element in the storage. */
  readonly offset: number;
}

/** What stands in a checkpoint; the tensors by name, in the order of the file. */
export interface PyTorchCheckpoint {
  /** Names at the top, empty where there is no dictionary. */
  readonly keys: readonly string[];
  /** Tensors that stand at the top itself, as in `torch.save(network.state_dict())`. */
  readonly tensors: ReadonlyMap<string, TensorDescription>;
  /** Tensors of the dictionary `state_dict`; undefined where there is none of that name. */
  readonly stateDict?: ReadonlyMap<string, TensorDescription>;
  /** Names in `state_dict` of what is no tensor. */
  readonly otherValues: readonly string[];
  /** Bytes of the numbers of the tensors of `state_dict`, or, where there is none, of those at the top. */
  readonly weightBytes: number;
  /** Bytes of all that the file holds besides, whatever refers to it: other tensors, parts of storages, texts, stray records. */
  readonly otherBytes: number;
}

/** As PyTorch and NumPy have it. */
const maxDimensions = 64;
const maxStorageName = 100;
const limits = { fileBytes: 2 ** 30, entries: 100_000, entryBytes: 2 ** 30, totalBytes: 2 ** 30 };
/** `torch.save` before PyTorch 1.6 begins with the pickle of this number, 0x1950a86a20f9469cfc6c. */
const legacyStart = [0x80, 2, 0x8a, 10, 0x6c, 0xfc, 0x9c, 0x46, 0xf9, 0x20, 0x6a, 0xa8, 0x50, 0x19];
const remedy = "write it by torch.save({'state_dict': network.state_dict()}, 'ckpt.pth') of PyTorch 1.6 or later";

const dtypes: Readonly<Record<string, { readonly dtype: string; readonly bytes: number }>> = {
  FloatStorage: { dtype: 'float32', bytes: 4 },
  DoubleStorage: { dtype: 'float64', bytes: 8 },
  HalfStorage: { dtype: 'float16', bytes: 2 },
  BFloat16Storage: { dtype: 'bfloat16', bytes: 2 },
  ComplexFloatStorage: { dtype: 'complex64', bytes: 8 },
  ComplexDoubleStorage: { dtype: 'complex128', bytes: 16 },
  LongStorage: { dtype: 'int64', bytes: 8 },
  IntStorage: { dtype: 'int32', bytes: 4 },
  ShortStorage: { dtype: 'int16', bytes: 2 },
  CharStorage: { dtype: 'int8', bytes: 1 },
  ByteStorage: { dtype: 'uint8', bytes: 1 },
  BoolStorage: { dtype: 'bool', bytes: 1 },
  QInt8Storage: { dtype: 'qint8', bytes: 1 },
  QUInt8Storage: { dtype: 'quint8', bytes: 1 },
  QInt32Storage: { dtype: 'qint32', bytes: 4 },
};

const pickleName = 'data.pkl';

/** All take storage, offset, size and stride first. */
const tensorMakers = ['_rebuild_tensor', '_rebuild_tensor_v2', '_rebuild_tensor_v3', '_rebuild_qtensor'].map(
  (name) => `torch._utils.${name}`,
);
/** All take a tensor first. */
const parameterMakers = ['_rebuild_parameter', '_rebuild_parameter_with_state'].map((name) => `torch._utils.${name}`);
/** Takes the function that makes the tensor, the class, and that function's arguments. */
const subclassMaker = 'torch._tensor._rebuild_from_type_v2';

/**
 * Reads which tensors a checkpoint of `torch.save` holds (the zip format of PyTorch 1.6 and later) without running any
 * of its code; what is no tensor may be anything.
 *
 * Runs in Node only.
 *
 * @throws FaceparseError that names no file (the caller knows it) where the checkpoint is of an older PyTorch, another
 * format, damaged, or larger than 1 GiB
 * @see https://github.com/pytorch/pytorch/blob/main/docs/source/notes/serialization.rst
 * @example (await readPyTorchCheckpoint(bytes)).stateDict?.get('stem.weight')?.shape // [24, 3, 3, 3]
 */
export async function readPyTorchCheckpoint(bytes: Uint8Array): Promise<PyTorchCheckpoint> {
  checkStart(bytes);
  const archive = await openZip(bytes, limits);
  try {
    const folder = folderOf(archive);
    const records = new Map(archive.entries.map(({ name, size }) => [name, size]));
    const pickleBytes = records.get(folder + pickleName)!;
    if (pickleBytes > maxPickleBytes) {
      throw new FaceparseError(`the checkpoint has a pickle of ${pickleBytes} bytes; ${maxPickleBytes} is the limit`);
    }
    const top = dictionaryOf(readPickle(await archive.read(folder + pickleName)));
    const read = (value: PickleValue, name: string) => {
      const found = tensorOf(value, name);
      if (found) checkData(found, name, records.get(`${folder}data/${found.tensor.storage}`));
      return found;
    };
    const entries = top ? namedEntries(top) : [];
    const state = entries.find(([name]) => name === 'state_dict')?.[1];
    const dictionary = state === undefined ? undefined : dictionaryOf(state);
    const stateEntries = dictionary ? namedEntries(dictionary) : [];
    const stateDict = tensorsOf(stateEntries, read);
    const tensors = tensorsOf(entries, read);
    return {
      keys: entries.map(([name]) => name),
      tensors: descriptionsOf(tensors),
      ...(dictionary && { stateDict: descriptionsOf(stateDict) }),
      otherValues: stateEntries.map(([name]) => name).filter((name) => !stateDict.has(name)),
      ...measure(dictionary ? stateDict : tensors, records, folder),
    };
  } finally {
    archive.close();
  }
}

/**
 * Number of trainable parameters of a state dict: the elements of all tensors of real or complex numbers (quantised ones
 * too) except the statistics of normalisation (`running_mean` and `running_var`, one-dimensional and of one shape); tensors
 * with the same data and shape count once.
 *
 * A checkpoint does not say what is trained, so the number is conservative: frozen weights, buffers of other names (a
 * fixed blur kernel, say) and tied weights that are stored twice are all counted. Tensors of whole numbers are taken for
 * counters and tables, so weights hidden in them are not seen.
 *
 * @example countTrainableParameters(new Map([['w', { dtype: 'float32', shape: [8, 3, 3, 3], storage: '0', offset: 0 }]])) // 216
 */
export function countTrainableParameters(tensors: ReadonlyMap<string, TensorDescription>): number {
  const counted = new Set<string>();
  let parameters = 0;
  for (const [name, tensor] of tensors) {
    const { dtype, shape } = tensor;
    if (!/^(b?float|complex|qu?int)/.test(dtype) || isStatistic(name, shape, tensors)) continue;
    const place = placeOf(tensor);
    if (!counted.has(place)) parameters += elementCount(shape);
    counted.add(place);
  }
  return parameters;
}

const partners: Readonly<Record<string, string>> = { running_mean: 'running_var', running_var: 'running_mean' };

/** By the name alone anything could call itself a statistic. */
function isStatistic(name: string, shape: readonly number[], tensors: ReadonlyMap<string, TensorDescription>): boolean {
  const start = name.lastIndexOf('.') + 1;
  const last = name.slice(start);
  if (last === 'num_batches_tracked') return shape.length === 0;
  if (!Object.hasOwn(partners, last)) return false;
  const partner = tensors.get(name.slice(0, start) + partners[last]);
  return shape.length === 1 && partner?.shape.length === 1 && partner.shape[0] === shape[0];
}

/** Equal for tensors that are one and the same. */
function placeOf({ storage, offset, shape }: TensorDescription): string {
  return JSON.stringify([storage, offset, shape]);
}

/** What the writer adds of its own, each a line. */
const housekeeping = ['version', 'byteorder', '.format_version', '.storage_alignment', '.data/serialization_id'];
const housekeepingBytes = 64;
/** A pickle has about 150 bytes a tensor, and some for what belongs to a checkpoint: settings, scores. */
const ordinaryPickleBytes = { base: 2 ** 16, tensor: 2 ** 10 };

/** Sizes of all that is stored, by what the tensors need and what is left. */
function measure(
  tensors: ReadonlyMap<string, StoredTensor>,
  records: ReadonlyMap<string, number>,
  folder: string,
): Pick<PyTorchCheckpoint, 'weightBytes' | 'otherBytes'> {
  const needed = new Map<string, number>();
  const different = new Map([...tensors.values()].map((stored) => [placeOf(stored.tensor), stored]));
  for (const { tensor, ownBytes } of different.values()) {
    const record = `${folder}data/${tensor.storage}`;
    needed.set(record, Math.min((needed.get(record) ?? 0) + ownBytes, records.get(record)!));
  }
  const sum = (values: Iterable<number>) => [...values].reduce((total, value) => total + value, 0);
  const weightBytes = sum(needed.values());
  const ordinary = new Map(housekeeping.map((name) => [folder + name, housekeepingBytes]));
  ordinary.set(folder + pickleName, ordinaryPickleBytes.base + ordinaryPickleBytes.tensor * tensors.size);
  const all = sum([...records].map(([name, size]) => Math.max(0, size - (ordinary.get(name) ?? 0))));
  return { weightBytes, otherBytes: all - weightBytes };
}

function checkStart(bytes: Uint8Array): void {
  if (legacyStart.every((byte, at) => bytes[at] === byte)) {
    throw new FaceparseError(`the checkpoint has the format of PyTorch before 1.6, which is no zip; ${remedy}`);
  }
  if (bytes[0] !== 0x50 || bytes[1] !== 0x4b) {
    const what = bytes.length === 0 ? 'is empty' : 'is not written by torch.save, or its start is missing';
    throw new FaceparseError(`the checkpoint ${what}; ${remedy}`);
  }
}

/** The one folder that all records lie in, with its slash. */
function folderOf({ entries }: ZipArchive): string {
  const pickle = entries.find(({ name }) => name.split('/').length === 2 && name.endsWith(`/${pickleName}`))?.name;
  if (pickle === undefined) {
    throw new FaceparseError(`the checkpoint is a zip without data.pkl, so torch.save did not write it; ${remedy}`);
  }
  const folder = pickle.slice(0, -pickleName.length);
  if (entries.some(({ name }) => name === `${folder}constants.pkl`)) {
    throw new FaceparseError(`the checkpoint is a TorchScript program, not weights; ${remedy}`);
  }
  return folder;
}

/** A dictionary, or what a subclass of dict holds. */
function dictionaryOf(value: PickleValue): ReadonlyMap<PickleValue, PickleValue> | undefined {
  if (value instanceof PickleObject) return value.items;
  return value instanceof Map ? value : undefined;
}

function namedEntries(dictionary: ReadonlyMap<PickleValue, PickleValue>): [string, PickleValue][] {
  return [...dictionary].filter((entry): entry is [string, PickleValue] => typeof entry[0] === 'string');
}

function tensorsOf(
  entries: readonly [string, PickleValue][],
  read: (value: PickleValue, name: string) => StoredTensor | undefined,
): Map<string, StoredTensor> {
  const tensors = new Map<string, StoredTensor>();
  for (const [name, value] of entries) {
    const tensor = read(value, name);
    if (tensor) tensors.set(name, tensor);
  }
  return tensors;
}

function descriptionsOf(tensors: ReadonlyMap<string, StoredTensor>): Map<string, TensorDescription> {
  return new Map([...tensors].map(([name, { tensor }]) => [name, tensor]));
}

interface StoredTensor {
  readonly tensor: TensorDescription;
  /** Bytes that its storage must have. */
  readonly bytes: number;
  /** Bytes of its own numbers in there. */
  readonly ownBytes: number;
}

/** The tensor that a call would make; undefined for any other value. Wrappers (parameters, subclasses) are taken off. */
function tensorOf(value: PickleValue, name: string): StoredTensor | undefined {
  let made = value;
  // A wrapper in a wrapper does not occur, but a hostile pickle may nest them without end.
  for (let depth = 0; depth < 4; depth++) {
    if (!(made instanceof PickleObject) || !(made.callable instanceof PickleGlobal)) return undefined;
    const { path } = made.callable;
    if (tensorMakers.includes(path)) return describeTensor(made.arguments, name);
    if (parameterMakers.includes(path)) made = made.arguments[0] ?? null;
    else if (path === subclassMaker && Array.isArray(made.arguments[2])) {
      made = new PickleObject(made.arguments[0], made.arguments[2]);
    } else return undefined;
  }
  return undefined;
}

function describeTensor(args: readonly PickleValue[], name: string): StoredTensor {
  const [stored, offset, size, stride] = args;
  const shape = sizesOf(size);
  const strides = sizesOf(stride);
  const record = stored instanceof PersistentId && Array.isArray(stored.id) ? stored.id : [];
  const [, storageClass, storage, , length] = record;
  if (
    !(storageClass instanceof PickleGlobal && isSize(length) && isSize(offset)) ||
    !(typeof storage === 'string' && storage.length <= maxStorageName) ||
    !(shape && strides?.length === shape.length && Number.isSafeInteger(elementCount(shape)))
  ) {
    throw damaged(name, 'is not described as torch.save does it');
  }
  const kind = storageClass.path.slice(storageClass.path.lastIndexOf('.') + 1);
  const typed = Object.hasOwn(dtypes, kind) ? dtypes[kind] : undefined;
  const { dtype, bytes } = typed ?? untypedStorage(args);
  const last = offset + shape.reduce((sum, extent, axis) => sum + (extent - 1) * strides[axis], 0);
  if (elementCount(shape) > 0 && last >= length) {
    throw damaged(name, `wants element ${last} of the storage ${quote(storage)}, which has ${length}`);
  }
  const ownBytes = typed ? elementCount(shape) * bytes : length;
  return { tensor: { dtype, shape, storage, offset }, bytes: length * bytes, ownBytes };
}

/** The dtype is the seventh argument of `_rebuild_tensor_v3`, which newer dtypes have; storages then count bytes. */
function untypedStorage(args: readonly PickleValue[]): { dtype: string; bytes: number } {
  const dtype = args[6];
  return { dtype: dtype instanceof PickleGlobal ? dtype.path.replace(/^torch\./, '') : 'unknown', bytes: 1 };
}

function sizesOf(value: PickleValue | undefined): number[] | undefined {
  const isCall = value instanceof PickleObject && value.callable instanceof PickleGlobal;
  const sizes = isCall && value.callable.path === 'torch.Size' ? value.arguments[0] : value;
  return Array.isArray(sizes) && sizes.length <= maxDimensions && sizes.every(isSize) ? sizes : undefined;
}

function isSize(value: PickleValue | undefined): value is number {
  return typeof value === 'number' && Number.isSafeInteger(value) && value >= 0;
}

function elementCount(shape: readonly number[]): number {
  return shape.reduce((product, extent) => product * extent, 1);
}

function checkData({ tensor: { storage }, bytes }: StoredTensor, name: string, stored: number | undefined): void {
  if (stored === undefined) throw damaged(name, `has no data: the record ${quote(`data/${storage}`)} is missing`);
  if (stored < bytes)
    throw damaged(name, `wants ${bytes} bytes of ${quote(`data/${storage}`)}, but ${stored} are there`);
}

function damaged(name: string, what: string): FaceparseError {
  return new FaceparseError(`the checkpoint is damaged: the tensor ${quote(name)} ${what}; ${remedy}`);
}
