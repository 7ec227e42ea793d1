import type { ByteSource } from '../byte-source.ts';
import { readSafetensorsHeader } from '../safetensors-header.ts';
import { elementBytes, hasNumbers, toFloat32 } from '../tensor-elements.ts';
import { requireFinite, type StateTensor, unreadableDtype } from './state-tensor.ts';

/** PyTorch's names of the element types of safetensors. */
const dtypes: Readonly<Record<string, string>> = {
  F64: 'float64',
  F32: 'float32',
  F16: 'float16',
  BF16: 'bfloat16',
  I64: 'int64',
  I32: 'int32',
  I16: 'int16',
  I8: 'int8',
  U64: 'uint64',
  U32: 'uint32',
  U16: 'uint16',
  U8: 'uint8',
  BOOL: 'bool',
  C64: 'complex64',
  F8_E4M3: 'float8_e4m3fn',
  F8_E5M2: 'float8_e5m2',
};
const bytesPerElement = Object.fromEntries(
  Object.entries(dtypes).map(([dtype, name]) => [dtype, elementBytes(name) ?? 1]),
);

/**
 * Reads the tensors and the metadata of a safetensors file. Elements are read on demand.
 *
 * @throws FaceparseError if the file is truncated, inconsistent or not a safetensors file
 */
export function readSafetensorsStateDict(source: ByteSource): {
  tensors: Map<string, StateTensor>;
  metadata: Record<string, string>;
} {
  const { entries, metadata } = readSafetensorsHeader(source, bytesPerElement);
  const tensors = new Map<string, StateTensor>();
  for (const { name, shape, start, end, dtype: stored } of entries) {
    const dtype = dtypes[stored];
    const read = () => {
      if (!hasNumbers(dtype)) throw unreadableDtype(name, dtype);
      return requireFinite(toFloat32(source.read(start, end), dtype, true), { name, dtype, shape });
    };
    tensors.set(name, { name, dtype, shape, read });
  }
  return { tensors, metadata };
}
