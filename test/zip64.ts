import { zipSync } from 'fflate';

/** A zip64 of one stored file: all sizes and offsets of 32 bits are 0xffffffff, the real ones are in 64 bits. */
export function zip64Of(name: string, data: Uint8Array): Uint8Array {
  const plain = Buffer.from(zipSync({ [name]: [data, { level: 0 }] }, { mtime: new Date(2020, 1, 1) }));
  const start = plain.indexOf('PK\x01\x02', 0, 'latin1');
  const header = Buffer.from(plain.subarray(start, start + 46 + name.length));
  const extra = Buffer.alloc(28);
  extra.writeUInt16LE(1, 0);
  extra.writeUInt16LE(24, 2);
  extra.writeBigUInt64LE(BigInt(data.length), 4);
  extra.writeBigUInt64LE(BigInt(data.length), 12);
  header.writeUInt16LE(extra.length, 30);
  for (const field of [20, 24, 42]) header.writeUInt32LE(0xffffffff, field);
  const end64 = Buffer.alloc(56);
  end64.writeUInt32LE(0x06064b50, 0);
  end64.writeBigUInt64LE(44n, 4);
  end64.writeBigUInt64LE(1n, 24);
  end64.writeBigUInt64LE(1n, 32);
  end64.writeBigUInt64LE(BigInt(header.length + extra.length), 40);
  end64.writeBigUInt64LE(BigInt(start), 48);
  const locator = Buffer.alloc(20);
  locator.writeUInt32LE(0x07064b50, 0);
  locator.writeBigUInt64LE(BigInt(start + header.length + extra.length), 8);
  locator.writeUInt32LE(1, 16);
  const end = Buffer.alloc(22, 0xff);
  end.writeUInt32LE(0x06054b50, 0);
  end.writeUInt32LE(0, 4);
  end.writeUInt16LE(0, 20);
  return Buffer.concat([plain.subarray(0, start), header, extra, end64, locator, end]);
}
