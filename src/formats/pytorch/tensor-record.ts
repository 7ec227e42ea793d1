import { FaceparseError } from '../../text/errors.ts';
import { quote } from '../../text/quoted-text.ts';
import { elementBytes } from '../tensor-elements.ts';
import { PersistentId, PickleGlobal, PickleObject, type PickleValue } from './pickle-value.ts';

/** The description of one tensor in a checkpoint, without its elements. */
export interface TensorDescription {
  /** PyTorch's name: `float32`, `int64`, `bfloat16`. */
  readonly dtype: string;
  readonly shape: readonly number[];
  /** Name of its storage, which several tensors may share. */
  readonly storage: string;
  /** First element in the storage. */
  readonly offset: number;
}

/** A tensor and the place of its elements in its storage. */
export interface TensorRecord {
  readonly tensor: TensorDescription;
  /** Distance in elements between neighbours along each axis. */
  readonly strides: readonly number[];
  /** Bytes of one element; undefined for a dtype that is unknown here. */
  readonly elementBytes: number | undefined;
  /** Required size of its storage in bytes. */
  readonly bytes: number;
  /** Bytes of its own elements in the storage. */
  readonly ownBytes: number;
}

/** The limit of PyTorch and NumPy. */
const maxDimensions = 64;
const maxStorageName = 100;

/** Dtypes of storages by their class. Storages of other classes count bytes. */
const storageDtypes: Readonly<Record<string, string>> = {
  FloatStorage: 'float32',
  DoubleStorage: 'float64',
  HalfStorage: 'float16',
  BFloat16Storage: 'bfloat16',
  ComplexFloatStorage: 'complex64',
  ComplexDoubleStorage: 'complex128',
  LongStorage: 'int64',
  IntStorage: 'int32',
  ShortStorage: 'int16',
  CharStorage: 'int8',
  ByteStorage: 'uint8',
  BoolStorage: 'bool',
  QInt8Storage: 'qint8',
  QUInt8Storage: 'quint8',
  QInt32Storage: 'qint32',
};

/** Their first arguments are storage, offset, size and stride. */
const tensorMakers = ['_rebuild_tensor', '_rebuild_tensor_v2', '_rebuild_tensor_v3', '_rebuild_qtensor'].map(
  (name) => `torch._utils.${name}`,
);
/** Their first argument is a tensor. */
const parameterMakers = [
  '_rebuild_parameter',
  '_rebuild_parameter_with_state',
  '_rebuild_device_tensor_from_cpu_tensor',
].map((name) => `torch._utils.${name}`);
/** Their arguments are the function that creates the tensor, the class, and the arguments of that function. */
const subclassMaker = /^torch\._?tensor\._rebuild_from_type(_v2)?$/;

/** The arguments of the call that would create a tensor. */
interface TensorCall {
  readonly arguments: readonly PickleValue[];
}

/** Whether a value is a call that would create a tensor with a storage. */
export function isTensor(value: PickleValue): boolean {
  return tensorCallOf(value) !== undefined;
}

/**
 * PyTorch's name of the call that would create a tensor of a kind that is not read: sparse, nested, or without values (meta);
 * undefined for any other value.
 */
export function otherTensorMaker(value: PickleValue): string | undefined {
  if (!(value instanceof PickleObject) || !(value.callable instanceof PickleGlobal) || isTensor(value))
    return undefined;
  const { path } = value.callable;
  return path.startsWith('torch._utils._rebuild_') ? path : undefined;
}

/**
 * The tensor that a call would create, without wrappers (parameters, subclasses); undefined for any other value.
 *
 * @param remedy what to do about a damaged file, for the message
 * @throws FaceparseError that names the tensor if its description is not valid
 */
export function tensorRecordOf(value: PickleValue, name: string, remedy: string): TensorRecord | undefined {
  const call = tensorCallOf(value);
  return call && describeTensor(call.arguments, name, remedy);
}

function tensorCallOf(value: PickleValue): TensorCall | undefined {
  let made = value;
  // Nested wrappers do not occur in practice, but a hostile pickle may nest them without end.
  for (let depth = 0; depth < 4; depth++) {
    if (!(made instanceof PickleObject) || !(made.callable instanceof PickleGlobal)) return undefined;
    const { path } = made.callable;
    if (tensorMakers.includes(path)) return made;
    if (parameterMakers.includes(path)) made = made.arguments[0] ?? null;
    else if (subclassMaker.test(path) && Array.isArray(made.arguments[2])) {
      made = new PickleObject(made.arguments[0], made.arguments[2]);
    } else return undefined;
  }
  return undefined;
}

/** A storage as a pickle refers to it. */
interface StorageReference {
  readonly name: string;
  /** Its dtype, or undefined if the storage counts bytes. */
  readonly dtype: string | undefined;
  /** Number of elements, or of bytes if the storage has no dtype. */
  readonly length: number;
  /** The part of the storage that the tensor sees; before PyTorch 1.0, storages could be parts of others. */
  readonly view: { readonly offset: number; readonly length: number };
}

/** The storage that a persistent id refers to; undefined for any other id. */
export function storageOf(id: PickleValue): StorageReference | undefined {
  if (!Array.isArray(id)) return undefined;
  const [kind, storageClass, name, , length, part] = id;
  if (kind !== 'storage' || !(storageClass instanceof PickleGlobal) || !isSize(length)) return undefined;
  if (typeof name !== 'string' || name.length > maxStorageName) return undefined;
  const className = storageClass.path.slice(storageClass.path.lastIndexOf('.') + 1);
  const dtype = Object.hasOwn(storageDtypes, className) ? storageDtypes[className] : undefined;
  let view = { offset: 0, length };
  if (Array.isArray(part)) {
    const [, viewOffset, viewLength] = part;
    if (!isSize(viewOffset) || !isSize(viewLength) || viewOffset + viewLength > length) return undefined;
    view = { offset: viewOffset, length: viewLength };
  }
  return { name, dtype, length, view };
}

function describeTensor(args: readonly PickleValue[], name: string, remedy: string): TensorRecord {
  const [stored, start, size, stride] = args;
  const shape = sizesOf(size);
  const strides = sizesOf(stride);
  const storage = stored instanceof PersistentId ? storageOf(stored.id) : undefined;
  if (!storage || !isSize(start) || !shape || strides?.length !== shape.length || !isSize(elementCount(shape))) {
    throw damagedTensor(name, 'is not described as torch.save would', remedy);
  }
  const dtype = storage.dtype ?? dtypeArgument(args);
  const bytesEach = elementBytes(dtype);
  /** Bytes of what the storage counts. */
  const unit = storage.dtype === undefined ? 1 : (bytesEach ?? 1);
  const length = Math.floor((storage.view.length * unit) / (bytesEach ?? 1));
  const last = start + shape.reduce((sum, extent, axis) => sum + (extent - 1) * strides[axis], 0);
  if (elementCount(shape) > 0 && last >= length) {
    const what = `refers to element ${last} of the storage ${quote(storage.name)}, which has ${length} elements`;
    throw damagedTensor(name, what, remedy);
  }
  const offset = start + (storage.view.offset * unit) / (bytesEach ?? 1);
  const bytes = storage.length * unit;
  return {
    tensor: { dtype, shape, storage: storage.name, offset },
    strides,
    elementBytes: bytesEach,
    bytes,
    ownBytes: bytesEach === undefined ? bytes : elementCount(shape) * bytesEach,
  };
}

/** Newer dtypes use `_rebuild_tensor_v3`, whose seventh argument is the dtype; their storages count bytes. */
function dtypeArgument(args: readonly PickleValue[]): string {
  const dtype = args[6];
  return dtype instanceof PickleGlobal ? dtype.path.replace(/^torch\./, '') : 'unknown';
}

function sizesOf(value: PickleValue | undefined): number[] | undefined {
  const isCall = value instanceof PickleObject && value.callable instanceof PickleGlobal;
  const sizes = isCall && value.callable.path === 'torch.Size' ? value.arguments[0] : value;
  return Array.isArray(sizes) && sizes.length <= maxDimensions && sizes.every(isSize) ? sizes : undefined;
}

function isSize(value: PickleValue | undefined): value is number {
  return typeof value === 'number' && Number.isSafeInteger(value) && value >= 0;
}

/** Product of the extents. */
export function elementCount(shape: readonly number[]): number {
  return shape.reduce((product, extent) => product * extent, 1);
}

/** The error for a tensor whose description or data are not valid. */
export function damagedTensor(name: string, what: string, remedy: string): FaceparseError {
  return new FaceparseError(`the checkpoint is damaged: the tensor ${quote(name)} ${what}; ${remedy}`);
}
