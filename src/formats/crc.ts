const crc32Table = reflectedTable(0xedb88320);
const crc32cTable = reflectedTable(0x82f63b78);

/**
 * Computes the CRC-32 used by PNG and zip (reflected polynomial 0xEDB88320) as an unsigned 32-bit number.
 *
 * @param previous the CRC-32 of the bytes before, to continue it
 * @example crc32(new TextEncoder().encode('123456789')) // 0xcbf43926
 */
export function crc32(bytes: Uint8Array, previous = 0): number {
  return reflectedCrc(crc32Table, bytes, previous);
}

/**
 * Computes the CRC-32C (Castagnoli) used by TFRecord files (reflected polynomial 0x82F63B78, RFC 3720) as an unsigned
 * 32-bit number.
 *
 * @example crc32c(new TextEncoder().encode('123456789')) // 0xe3069283
 */
export function crc32c(bytes: Uint8Array): number {
  return reflectedCrc(crc32cTable, bytes, 0);
}

function reflectedTable(polynomial: number): Uint32Array {
  return Uint32Array.from({ length: 256 }, (_, byte) => {
    let value = byte;
    for (let bit = 0; bit < 8; bit++) value = value & 1 ? (value >>> 1) ^ polynomial : value >>> 1;
    return value;
  });
}

function reflectedCrc(table: Uint32Array, bytes: Uint8Array, previous: number): number {
  let crc = previous ^ 0xffffffff;
  for (let i = 0; i < bytes.length; i++) crc = table[(crc ^ bytes[i]) & 0xff] ^ (crc >>> 8);
  return (crc ^ 0xffffffff) >>> 0;
}
