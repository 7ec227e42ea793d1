import { FaceparseError } from '../../text/errors.ts';
import { nameSome } from '../../text/name-some.ts';
import { quote } from '../../text/quoted-text.ts';
import type { CheckpointArchive } from '../pytorch/checkpoint-archive.ts';
import { findStateDicts, type NamedValues, noStateDictError } from '../pytorch/find-state-dict.ts';
import {
  damagedTensor,
  elementCount,
  otherTensorMaker,
  type TensorRecord,
  tensorRecordOf,
} from '../pytorch/tensor-record.ts';
import { hasNumbers, isRowMajor, toFloat32, toRowMajor } from '../tensor-elements.ts';
import { requireFinite, type StateTensor, unreadableDtype } from './state-tensor.ts';

/** The state dict that is read from a PyTorch file. */
export interface ChosenStateDict {
  readonly tensors: ReadonlyMap<string, StateTensor>;
  readonly dictionary: string;
  readonly others: readonly string[];
  readonly notices: readonly string[];
}

/** What to do about a file that cannot be used. */
export const remedy = "save the weights again in PyTorch: torch.save(model.state_dict(), 'weights.pth')";
/** A tensor may repeat the elements of its storage (stride 0), but not to any size. */
const maxRepeatedElements = 2 ** 22;
/** Networks have a few thousand. */
const maxTensors = 100_000;

/**
 * Reads the preferred state dict of a PyTorch file, or the one at a path.
 *
 * @throws FaceparseError if there is none, or a tensor is not described as PyTorch would
 */
export function chooseStateDict(archive: CheckpointArchive, wanted: string | undefined): ChosenStateDict {
  const found = findStateDicts(archive.value);
  const chosen = wanted === undefined ? found[0] : found.find(({ path }) => path === wanted);
  if (!chosen) {
    if (found.length === 0 || wanted === undefined) throw noStateDictError(archive.value, adviceFor(archive));
    throw new FaceparseError(`the file has no state_dict at ${quote(wanted)}; it has ${nameSome(found.map(summary))}`);
  }
  if (chosen.tensorCount > maxTensors) {
    throw new FaceparseError(`the file has ${chosen.tensorCount} tensors; the limit is ${maxTensors}; ${remedy}`);
  }
  const tensors = new Map<string, StateTensor>();
  const skipped: string[] = [];
  const unreadable: string[] = [];
  for (const [name, value] of chosen.entries) {
    const record = tensorRecordOf(value, name, remedy);
    if (record) tensors.set(name, lazyTensor(archive, name, record));
    else (otherTensorMaker(value) ? unreadable : skipped).push(name);
  }
  const others = found.filter((other) => other !== chosen);
  return {
    tensors,
    dictionary: chosen.path,
    others: others.map(({ path }) => path),
    notices: [
      ...choiceNotice(chosen, others),
      ...skippedNotice(unreadable, 'sparse tensors, or tensors without values'),
      ...skippedNotice(skipped, 'not tensors'),
    ],
  };
}

function adviceFor({ format }: CheckpointArchive): string {
  return format === 'torchscript'
    ? `a frozen TorchScript model keeps its weights elsewhere; ${remedy}, from the model before torch.jit`
    : remedy;
}

function choiceNotice(chosen: NamedValues, others: readonly NamedValues[]): string[] {
  if (others.length === 0) return [];
  return [`reads ${summary(chosen)}; the file also has ${nameSome(others.map(summary))}`];
}

function skippedNotice(names: readonly string[], reason: string): string[] {
  if (names.length === 0) return [];
  return [`skips ${nameSome(names.map(quote))}: ${reason}`];
}

function summary({ path, tensorCount }: NamedValues): string {
  const count = `${tensorCount} ${tensorCount === 1 ? 'tensor' : 'tensors'}`;
  return path === '' ? `the top level (${count})` : `${quote(path)} (${count})`;
}

/** A tensor whose elements are read on demand. That they are all in the file is checked now. */
function lazyTensor(archive: CheckpointArchive, name: string, record: TensorRecord): StateTensor {
  const { dtype, shape } = record.tensor;
  const storage = archive.storage(record.tensor.storage);
  const place = quote(record.tensor.storage);
  if (!storage) throw damagedTensor(name, `has no data: the storage ${place} is missing`, remedy);
  if (storage.size < record.bytes) {
    const what = `requires ${record.bytes} bytes of the storage ${place}, but only ${storage.size} are present`;
    throw damagedTensor(name, what, remedy);
  }
  const limit = Math.max(record.bytes, maxRepeatedElements);
  if (elementCount(shape) > limit) {
    const what = `repeats the elements of its storage to the shape [${shape.join(', ')}]; the limit is ${limit} elements`;
    throw damagedTensor(name, what, remedy);
  }
  return {
    name,
    dtype,
    shape,
    read: () => requireFinite(readElements(archive, name, record), { name, dtype, shape }),
  };
}

function readElements(archive: CheckpointArchive, name: string, record: TensorRecord): Float32Array {
  const { dtype, shape, offset } = record.tensor;
  const { elementBytes: bytes, strides } = record;
  const storage = archive.storage(record.tensor.storage);
  if (!storage || bytes === undefined || !hasNumbers(dtype)) throw unreadableDtype(name, dtype);
  const count = elementCount(shape);
  if (count === 0) return new Float32Array(0);
  const isOrdered = isRowMajor(shape, strides);
  const span = isOrdered ? count : 1 + shape.reduce((sum, extent, axis) => sum + (extent - 1) * strides[axis], 0);
  const stored = storage.read(offset * bytes, (offset + span) * bytes);
  const values = toFloat32(stored, dtype, archive.isLittleEndian);
  return isOrdered ? values : toRowMajor(values, shape, strides);
}
