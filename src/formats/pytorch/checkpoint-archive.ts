import { FaceparseError } from '../../text/errors.ts';
import { quote } from '../../text/quoted-text.ts';
import type { ByteSource } from '../byte-source.ts';
import { crc32 } from '../crc.ts';
import { maxPickleBytes, readPickle } from './pickle-reader.ts';
import type { PickleValue } from './pickle-value.ts';
import { dataStart, listRecords, type StoredRecord } from './stored-zip.ts';

/** The elements of one or several tensors in a file; positions are in bytes. */
export interface Storage {
  readonly size: number;
  /**
   * Copies a part of the storage.
   *
   * @throws FaceparseError if the data are damaged
   */
  read(start: number, end: number): Uint8Array<ArrayBuffer>;
}

/** A pickled value with the storages of its tensors. */
export interface CheckpointArchive {
  readonly format: 'pytorch' | 'pytorch-legacy' | 'torchscript';
  readonly value: PickleValue;
  readonly isLittleEndian: boolean;
  /** The storage of a name, or undefined if there is none. */
  storage(name: string): Storage | undefined;
}

const pickleName = 'data.pkl';
const chunkBytes = 2 ** 20;

/**
 * Opens a zip that `torch.save` (PyTorch 1.6 and later) or `torch.jit.save` wrote. Elements are read on demand.
 *
 * @throws FaceparseError if the file is damaged or another zip; it does not name the file, because the caller knows it
 */
export function openCheckpointZip(source: ByteSource): CheckpointArchive {
  const records = listRecords(source);
  const pickle = [...records.values()].find(
    ({ name }) => name.split('/').length === 2 && name.endsWith(`/${pickleName}`),
  );
  if (!pickle) {
    const some = [...records.keys()].slice(0, 3).map(quote).join(', ');
    const held = records.size === 0 ? 'it is empty' : `it contains ${some}${records.size > 3 ? ', …' : ''}`;
    throw new FaceparseError(
      `the file is a zip, but torch.save did not write it: it has no data.pkl (${held}); if it contains weights, unpack it and pass those`,
    );
  }
  if (pickle.size > maxPickleBytes) {
    throw new FaceparseError(
      `the record "data.pkl" has ${pickle.size} bytes; the limit is ${maxPickleBytes}. Save only the state_dict`,
    );
  }
  const folder = pickle.name.slice(0, -pickleName.length);
  const byteOrder = records.get(`${folder}byteorder`);
  const order = byteOrder && byteOrder.size < 16 ? new TextDecoder().decode(readWhole(source, byteOrder)) : 'little';
  return {
    format: records.has(`${folder}constants.pkl`) ? 'torchscript' : 'pytorch',
    value: readPickle(readWhole(source, pickle)),
    isLittleEndian: order !== 'big',
    storage(name) {
      const record = records.get(`${folder}data/${name}`);
      return record && storageOf(source, record);
    },
  };
}

function storageOf(source: ByteSource, record: StoredRecord): Storage {
  let checked = record.crc32 === 0;
  return {
    size: record.size,
    read(start, end) {
      const first = dataStart(source, record);
      if (start === 0 && end === record.size) return readWhole(source, record);
      if (!checked) checkInChunks(source, record, first);
      checked = true;
      return source.read(first + start, first + end);
    },
  };
}

function readWhole(source: ByteSource, record: StoredRecord): Uint8Array<ArrayBuffer> {
  const start = dataStart(source, record);
  const bytes = source.read(start, start + record.size);
  if (record.crc32 !== 0 && crc32(bytes) !== record.crc32) throw wrongChecksum(record);
  return bytes;
}

/** Checks a large record that is read in parts, without holding it. */
function checkInChunks(source: ByteSource, record: StoredRecord, start: number): void {
  let crc = 0;
  for (let at = 0; at < record.size; at += chunkBytes) {
    crc = crc32(source.read(start + at, start + Math.min(at + chunkBytes, record.size)), crc);
  }
  if (crc !== record.crc32) throw wrongChecksum(record);
}

function wrongChecksum({ name }: StoredRecord): FaceparseError {
  return new FaceparseError(
    `the file is damaged: the checksum of the record ${quote(name)} is wrong; download or copy it again`,
  );
}
