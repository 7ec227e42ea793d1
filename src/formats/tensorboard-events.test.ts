import fc from 'fast-check';
import { expect, test } from 'vitest';
import { crc32c } from './crc.ts';
import { encodeFileVersionEvent, encodeScalarEvent } from './tensorboard-events.ts';

type Fields = Record<number, number | bigint | Uint8Array>;

/** TFRecord's own unmasking, the inverse of the mask in the encoder. */
function unmask(masked: number): number {
  const rotated = (masked - 0xa282ead8) >>> 0;
  return ((rotated >>> 17) | (rotated << 15)) >>> 0;
}

/** Splits a file into the data of its records and checks both checksums of each. */
function readRecords(file: Uint8Array): Uint8Array[] {
  const view = new DataView(file.buffer, file.byteOffset, file.byteLength);
  const records: Uint8Array[] = [];
  for (let offset = 0; offset < file.length; ) {
    const length = Number(view.getBigUint64(offset, true));
    expect(unmask(view.getUint32(offset + 8, true))).toBe(crc32c(file.subarray(offset, offset + 8)));
    const data = file.subarray(offset + 12, offset + 12 + length);
    expect(unmask(view.getUint32(offset + 12 + length, true))).toBe(crc32c(data));
    records.push(data);
    offset += length + 16;
  }
  return records;
}

/** A generic protobuf reader for messages in which no field repeats. */
function readMessage(bytes: Uint8Array): Fields {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const fields: Fields = {};
  let offset = 0;
  const varint = (): bigint => {
    let [value, shift] = [0n, 0n];
    for (;;) {
      const byte = bytes[offset++];
      value |= BigInt(byte & 127) << shift;
      if (byte < 128) return value;
      shift += 7n;
    }
  };
  while (offset < bytes.length) {
    const tag = Number(varint());
    const field = tag >> 3;
    expect(fields[field]).toBeUndefined();
    if ((tag & 7) === 0) fields[field] = varint();
    else if ((tag & 7) === 1) [fields[field], offset] = [view.getFloat64(offset, true), offset + 8];
    else if ((tag & 7) === 5) [fields[field], offset] = [view.getFloat32(offset, true), offset + 4];
    else {
      const length = Number(varint());
      [fields[field], offset] = [bytes.subarray(offset, offset + length), offset + length];
    }
  }
  expect(offset).toBe(bytes.length);
  return fields;
}

const decode = (bytes: unknown): string => new TextDecoder().decode(bytes as Uint8Array);

function readScalar(event: Uint8Array): { wallTime: unknown; step: unknown; tag: string; value: unknown } {
  const { 1: wallTime, 2: step, 5: summary } = readMessage(event);
  const { 1: tag, 2: value } = readMessage(readMessage(summary as Uint8Array)[1] as Uint8Array);
  return { wallTime, step, tag: decode(tag), value };
}

test('the bytes of the version record are those TensorFlow writes', () => {
  // length 24, its masked checksum; wall_time 1, file_version "brain.Event:2"; the masked checksum of the data.
  const bytes = encodeFileVersionEvent(1);
  expect(Buffer.from(bytes.subarray(0, 12)).toString('hex')).toBe('1800000000000000a37f4b22');
  const [event] = readRecords(bytes);
  expect(Buffer.from(event).toString('hex')).toBe(
    `09000000000000f03f1a0d${Buffer.from('brain.Event:2').toString('hex')}`,
  );
});

test('a file of several records reads back', () => {
  const scalars = [
    { step: 0, wallTime: 1.7e9, tag: 'loss/train', value: 0 },
    { step: 300, wallTime: 1.7e9 + 0.25, tag: 'F (per image)', value: Number.NaN },
    { step: 2 ** 40, wallTime: 0, tag: 'ä'.repeat(100), value: -1.5 },
  ];
  const file = Buffer.concat([encodeFileVersionEvent(1.7e9), ...scalars.map(encodeScalarEvent)]);
  const [version, ...events] = readRecords(file);
  const { 1: wallTime, 3: fileVersion } = readMessage(version);
  expect([wallTime, decode(fileVersion)]).toEqual([1.7e9, 'brain.Event:2']);
  expect(events.map(readScalar)).toEqual(scalars.map((scalar) => ({ ...scalar, step: BigInt(scalar.step) })));
});

test('any scalar reads back', () => {
  const anyScalar = fc.record({
    step: fc.maxSafeNat(),
    wallTime: fc.double({ noNaN: true }),
    tag: fc.string({ unit: 'grapheme' }),
    value: fc.float(),
  });
  fc.assert(
    fc.property(anyScalar, (scalar) => {
      const [event] = readRecords(encodeScalarEvent(scalar));
      expect(readScalar(event)).toEqual({ ...scalar, step: BigInt(scalar.step) });
    }),
  );
});

test.each([-1, 0.5, Number.NaN, 2 ** 53])('step %d is refused', (step) => {
  expect(() => encodeScalarEvent({ step, wallTime: 0, tag: 'loss', value: 1 })).toThrow(
    /"loss" must be a non-negative/,
  );
});
