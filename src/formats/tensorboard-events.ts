import { crc32c } from './crc.ts';

const wireVarint = 0;
const wireDouble = 1;
const wireBytes = 2;
const wireFloat = 5;

/**
 * Encodes the first record of a TensorBoard event file, with the format version; `wallTime` in seconds since 1970.
 *
 * @see https://github.com/tensorflow/tensorflow/blob/master/tensorflow/core/util/event.proto
 * @example await appendFile(file, encodeFileVersionEvent(Date.now() / 1000))
 */
export function encodeFileVersionEvent(wallTime: number): Uint8Array {
  const fileVersion = text('brain.Event:2');
  return record([...doubleField(1, wallTime), ...bytesField(3, fileVersion)]);
}

/**
 * Encodes a record with one scalar of a run (`value` is stored as float32). Append records to the file in order.
 *
 * @throws RangeError if `step` is not a non-negative integer
 *
 * @see https://github.com/tensorflow/tensorflow/blob/master/tensorflow/core/framework/summary.proto
 * @example encodeScalarEvent({ step: 100, wallTime: Date.now() / 1000, tag: 'loss/train', value: 0.42 })
 */
export function encodeScalarEvent(event: { step: number; wallTime: number; tag: string; value: number }): Uint8Array {
  const { step, wallTime, tag, value } = event;
  if (!Number.isSafeInteger(step) || step < 0) {
    throw new RangeError(`the step of ${JSON.stringify(tag)} must be a non-negative integer, not ${step}`);
  }
  const summaryValue = [...bytesField(1, text(tag)), ...floatField(2, value)];
  const summary = bytesField(1, summaryValue);
  return record([...doubleField(1, wallTime), key(2, wireVarint), ...varint(step), ...bytesField(5, summary)]);
}

/** TFRecord framing: length (uint64), its masked CRC-32C, the data, its masked CRC-32C; all little-endian. */
function record(data: readonly number[]): Uint8Array {
  const bytes = new Uint8Array(data.length + 16);
  const view = new DataView(bytes.buffer);
  view.setBigUint64(0, BigInt(data.length), true);
  view.setUint32(8, maskedCrc(bytes.subarray(0, 8)), true);
  bytes.set(data, 12);
  view.setUint32(12 + data.length, maskedCrc(bytes.subarray(12, 12 + data.length)), true);
  return bytes;
}

/** TFRecord's mask; it avoids degenerate CRCs of data that contains CRCs. */
function maskedCrc(bytes: Uint8Array): number {
  const crc = crc32c(bytes);
  return (((crc >>> 15) | (crc << 17)) + 0xa282ead8) >>> 0;
}

/** Encodes a field's key; one byte is enough for fields below 16. */
function key(field: number, wireType: number): number {
  return (field << 3) | wireType;
}

function varint(value: number): number[] {
  const bytes: number[] = [];
  let rest = value;
  while (rest >= 128) {
    bytes.push((rest % 128) | 128);
    rest = Math.floor(rest / 128);
  }
  bytes.push(rest);
  return bytes;
}

function bytesField(field: number, body: ArrayLike<number>): number[] {
  return [key(field, wireBytes), ...varint(body.length), ...Array.from(body)];
}

function doubleField(field: number, value: number): number[] {
  const bytes = new Uint8Array(8);
  new DataView(bytes.buffer).setFloat64(0, value, true);
  return [key(field, wireDouble), ...bytes];
}

function floatField(field: number, value: number): number[] {
  const bytes = new Uint8Array(4);
  new DataView(bytes.buffer).setFloat32(0, value, true);
  return [key(field, wireFloat), ...bytes];
}

function text(value: string): Uint8Array {
  return new TextEncoder().encode(value);
}
