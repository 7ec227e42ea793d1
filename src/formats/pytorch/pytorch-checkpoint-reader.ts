import { FaceparseError } from '../../text/errors.ts';
import { quote } from '../../text/quoted-text.ts';
import { legacyPyTorchStart } from '../recognize-file.ts';
import { openZip, type ZipArchive } from '../zip-reader.ts';
import { maxPickleBytes, readPickle } from './pickle-reader.ts';
import { PickleObject, type PickleValue } from './pickle-value.ts';
import {
  damagedTensor,
  elementCount,
  type TensorDescription,
  type TensorRecord,
  tensorRecordOf,
} from './tensor-record.ts';

/** The contents of a checkpoint; tensors by name, in the order of the file. */
export interface PyTorchCheckpoint {
  /** Top-level keys; empty if the top level is not a dictionary. */
  readonly keys: readonly string[];
  /** Top-level tensors, as in `torch.save(network.state_dict())`. */
  readonly tensors: ReadonlyMap<string, TensorDescription>;
  /** Tensors of the dictionary `state_dict`; undefined if there is none. */
  readonly stateDict?: ReadonlyMap<string, TensorDescription>;
  /** Keys in `state_dict` whose values are not tensors. */
  readonly otherValues: readonly string[];
  /** Bytes of all elements in `state_dict`, or in the top-level tensors if there is no `state_dict`. */
  readonly weightBytes: number;
  /** Bytes of everything else in the file, referenced or not: other tensors, parts of storages, texts, stray records. */
  readonly otherBytes: number;
}

const limits = { fileBytes: 2 ** 30, entries: 100_000, entryBytes: 2 ** 30, totalBytes: 2 ** 30 };
const remedy = "write it with torch.save({'state_dict': network.state_dict()}, 'ckpt.pth') in PyTorch 1.6 or later";

const pickleName = 'data.pkl';

/**
 * Lists the tensors in a `torch.save` checkpoint (the zip format of PyTorch 1.6 and later) without executing any of its
 * code. Other values may be anything.
 *
 * Runs in Node only.
 *
 * @throws FaceparseError if the checkpoint is from an older PyTorch, in another format, damaged, or larger than 1 GiB; it
 * does not name the file, because the caller knows it
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
      throw new FaceparseError(`the checkpoint's pickle has ${pickleBytes} bytes; the limit is ${maxPickleBytes}`);
    }
    const top = dictionaryOf(readPickle(await archive.read(folder + pickleName)));
    const read = (value: PickleValue, name: string) => {
      const found = tensorRecordOf(value, name, remedy);
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
 * Counts the trainable parameters of a state dict: the elements of all real, complex and quantised tensors except
 * normalisation statistics (`running_mean` and `running_var`, one-dimensional and of the same shape). Tensors with the same
 * data and shape count once.
 *
 * A checkpoint does not say what is trained, so the count is conservative: frozen weights, other buffers (such as a
 * fixed blur kernel) and tied weights stored twice are all counted. Integer tensors are assumed to be counters and tables,
 * so weights hidden in them are not detected.
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

/** Whether a tensor is a statistic. The name alone is not enough: any weight could have it. */
function isStatistic(name: string, shape: readonly number[], tensors: ReadonlyMap<string, TensorDescription>): boolean {
  const start = name.lastIndexOf('.') + 1;
  const last = name.slice(start);
  if (last === 'num_batches_tracked') return shape.length === 0;
  if (!Object.hasOwn(partners, last)) return false;
  const partner = tensors.get(name.slice(0, start) + partners[last]);
  return shape.length === 1 && partner?.shape.length === 1 && partner.shape[0] === shape[0];
}

/** A key that is equal for identical tensors. */
function placeOf({ storage, offset, shape }: TensorDescription): string {
  return JSON.stringify([storage, offset, shape]);
}

/** Records that the writer adds, one line each. */
const housekeeping = ['version', 'byteorder', '.format_version', '.storage_alignment', '.data/serialization_id'];
const housekeepingBytes = 64;
/** A pickle has about 150 bytes per tensor, plus some for settings and scores. */
const ordinaryPickleBytes = { base: 2 ** 16, tensor: 2 ** 10 };

/** Divides the stored bytes into those that the tensors need and the rest. */
function measure(
  tensors: ReadonlyMap<string, TensorRecord>,
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
  if (legacyPyTorchStart.every((byte, at) => bytes[at] === byte)) {
    throw new FaceparseError(`the checkpoint uses the format from before PyTorch 1.6, which is not a zip; ${remedy}`);
  }
  if (bytes[0] !== 0x50 || bytes[1] !== 0x4b) {
    const what = bytes.length === 0 ? 'is empty' : 'was not written by torch.save, or its start is missing';
    throw new FaceparseError(`the checkpoint ${what}; ${remedy}`);
  }
}

/** The folder that contains all records, with its slash. */
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

/** A dictionary, or the items of a subclass of dict. */
function dictionaryOf(value: PickleValue): ReadonlyMap<PickleValue, PickleValue> | undefined {
  if (value instanceof PickleObject) return value.items;
  return value instanceof Map ? value : undefined;
}

function namedEntries(dictionary: ReadonlyMap<PickleValue, PickleValue>): [string, PickleValue][] {
  return [...dictionary].filter((entry): entry is [string, PickleValue] => typeof entry[0] === 'string');
}

function tensorsOf(
  entries: readonly [string, PickleValue][],
  read: (value: PickleValue, name: string) => TensorRecord | undefined,
): Map<string, TensorRecord> {
  const tensors = new Map<string, TensorRecord>();
  for (const [name, value] of entries) {
    const tensor = read(value, name);
    if (tensor) tensors.set(name, tensor);
  }
  return tensors;
}

function descriptionsOf(tensors: ReadonlyMap<string, TensorRecord>): Map<string, TensorDescription> {
  return new Map([...tensors].map(([name, { tensor }]) => [name, tensor]));
}

function checkData({ tensor: { storage }, bytes }: TensorRecord, name: string, stored: number | undefined): void {
  if (stored === undefined)
    throw damagedTensor(name, `has no data: the record ${quote(`data/${storage}`)} is missing`, remedy);
  if (stored < bytes)
    throw damagedTensor(
      name,
      `requires ${bytes} bytes of ${quote(`data/${storage}`)}, but only ${stored} are stored`,
      remedy,
    );
}
