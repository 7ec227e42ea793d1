import { FaceparseError } from '../../text/errors.ts';
import { quote } from '../../text/quoted-text.ts';
import type { ByteSource } from '../byte-source.ts';

/** One record of the archive; positions and sizes are in bytes. */
export interface StoredRecord {
  readonly name: string;
  readonly size: number;
  /** 0 if the writer did not compute it, as PyTorch can be set to. */
  readonly crc32: number;
  /** Position of the record's own header. */
  readonly headerStart: number;
  readonly isStored: boolean;
}

const endBytes = 22;
const maxCommentBytes = 65_535;
const locatorBytes = 20;
const end64Bytes = 56;
const entryBytes = 46;
const localBytes = 30;
const maxRecords = 100_000;
const maxListBytes = 2 ** 25;
const nothing16 = 0xffff;
const nothing32 = 0xffffffff;
const zip64Field = 1;

/**
 * Lists the records of a zip that `torch.save` or `torch.jit.save` wrote, with zip64. Unlike the zip reader for
 * submissions, it works in browsers and reads nothing but the list.
 *
 * @throws FaceparseError if the zip is truncated, damaged, or has too many records or two of one name
 * @see https://pkware.cachefly.net/webdocs/casestudies/APPNOTE.TXT
 */
export function listRecords(source: ByteSource): Map<string, StoredRecord> {
  const { count, start, bytes } = findList(source);
  if (count > maxRecords) throw damaged(`it lists ${count} records; the limit is ${maxRecords}`);
  if (bytes > maxListBytes) throw damaged(`its list of records has ${bytes} bytes; the limit is ${maxListBytes}`);
  if (start + bytes > source.size) throw damaged('its list of records is outside the file');
  const list = viewOf(source.read(start, start + bytes));
  const records = new Map<string, StoredRecord>();
  for (let index = 0, at = 0; index < count; index++) {
    if (at + entryBytes > bytes || list.getUint32(at, true) !== 0x02014b50) {
      throw damaged(`record ${index + 1} of ${count} is missing from its list`);
    }
    const nameBytes = list.getUint16(at + 28, true);
    const extraBytes = list.getUint16(at + 30, true);
    const next = at + entryBytes + nameBytes + extraBytes + list.getUint16(at + 32, true);
    if (next > bytes) throw damaged(`record ${index + 1} of ${count} is missing from its list`);
    const record = readListed(list, at, nameBytes, extraBytes);
    if (records.has(record.name)) throw damaged(`the record ${quote(record.name)} appears twice`);
    records.set(record.name, record);
    at = next;
  }
  return records;
}

/**
 * The position in the file of a record's data.
 *
 * @throws FaceparseError if the record is compressed, or not completely in the file
 */
export function dataStart(source: ByteSource, record: StoredRecord): number {
  if (!record.isStored) {
    const remedy = 'PyTorch does not compress its files; save it again with torch.save, or zip it again with `zip -0`';
    throw new FaceparseError(`the record ${quote(record.name)} is compressed or encrypted. ${remedy}`);
  }
  const { headerStart, name, size } = record;
  if (headerStart + localBytes > source.size) throw damaged(`the record ${quote(name)} is outside the file`);
  const header = viewOf(source.read(headerStart, headerStart + localBytes));
  if (header.getUint32(0, true) !== 0x04034b50) {
    throw damaged(`the record ${quote(name)} is not at byte ${headerStart}, where its list says`);
  }
  const start = headerStart + localBytes + header.getUint16(26, true) + header.getUint16(28, true);
  if (start + size > source.size) {
    throw damaged(`the record ${quote(name)} needs bytes ${start} to ${start + size}, but the file has ${source.size}`);
  }
  return start;
}

function readListed(list: DataView<ArrayBuffer>, at: number, nameBytes: number, extraBytes: number): StoredRecord {
  const name = new TextDecoder().decode(new Uint8Array(list.buffer, at + entryBytes, nameBytes));
  const sizes = { unpacked: list.getUint32(at + 24, true), packed: list.getUint32(at + 20, true) };
  let headerStart = list.getUint32(at + 42, true);
  // A zip64 field has only those of the three values that do not fit into 32 bits, in this order.
  let wide = zip64Values(list, at + entryBytes + nameBytes, extraBytes);
  const take = (value: number) => {
    if (value !== nothing32) return value;
    const [first, ...rest] = wide;
    if (first === undefined) throw damaged(`the record ${quote(name)} has no size`);
    wide = rest;
    return first;
  };
  const size = take(sizes.unpacked);
  const packed = take(sizes.packed);
  headerStart = take(headerStart);
  const isEncrypted = (list.getUint16(at + 8, true) & 1) !== 0;
  const isStored = list.getUint16(at + 10, true) === 0 && !isEncrypted && packed === size;
  return { name, size, crc32: list.getUint32(at + 16, true), headerStart, isStored };
}

/** The 64-bit values in the extra fields of a record. */
function zip64Values(list: DataView, start: number, bytes: number): number[] {
  for (let at = start; at + 4 <= start + bytes; ) {
    const end = at + 4 + list.getUint16(at + 2, true);
    if (list.getUint16(at, true) === zip64Field && end <= start + bytes) {
      const values: number[] = [];
      for (let value = at + 4; value + 8 <= end && values.length < 3; value += 8) values.push(uint64(list, value));
      return values;
    }
    at = end;
  }
  return [];
}

/** Finds the list of records from the end of the file. */
function findList(source: ByteSource): { count: number; start: number; bytes: number } {
  const tailStart = Math.max(0, source.size - endBytes - maxCommentBytes);
  const tail = viewOf(source.read(tailStart, source.size));
  for (let at = tail.byteLength - endBytes; at >= 0; at--) {
    if (tail.getUint32(at, true) !== 0x06054b50) continue;
    if (at + endBytes + tail.getUint16(at + 20, true) !== tail.byteLength) continue;
    const list = {
      count: tail.getUint16(at + 10, true),
      bytes: tail.getUint32(at + 12, true),
      start: tail.getUint32(at + 16, true),
    };
    const isWide = list.count === nothing16 || list.bytes === nothing32 || list.start === nothing32;
    return isWide ? (findWideList(source, tailStart + at) ?? list) : list;
  }
  throw new FaceparseError('the file is a zip without its end, so it is truncated; download or copy it again');
}

/** The list of records of a zip64, whose own end is before the ordinary one. */
function findWideList(source: ByteSource, ordinaryEnd: number) {
  if (ordinaryEnd < locatorBytes) return undefined;
  const locator = viewOf(source.read(ordinaryEnd - locatorBytes, ordinaryEnd));
  if (locator.getUint32(0, true) !== 0x07064b50) return undefined;
  const start = uint64(locator, 8);
  if (start + end64Bytes > source.size) throw damaged('its zip64 end is outside the file');
  const end = viewOf(source.read(start, start + end64Bytes));
  if (end.getUint32(0, true) !== 0x06064b50) throw damaged(`its zip64 end is not at byte ${start}`);
  return { count: uint64(end, 32), bytes: uint64(end, 40), start: uint64(end, 48) };
}

/** Reads a 64-bit number. One too large to be exact is certainly outside the file. */
function uint64(view: DataView, at: number): number {
  return Number(view.getBigUint64(at, true));
}

function viewOf(bytes: Uint8Array<ArrayBuffer>): DataView<ArrayBuffer> {
  return new DataView(bytes.buffer);
}

function damaged(what: string): FaceparseError {
  return new FaceparseError(`the zip is damaged: ${what}; download or copy it again`);
}
