import { expect, test } from 'vitest';
import { crc32, crc32c } from './crc.ts';

const ascii = (text: string): Uint8Array => new TextEncoder().encode(text);

test('crc32 has its check value', () => {
  expect(crc32(ascii('123456789'))).toBe(0xcbf43926);
  expect(crc32(ascii('IEND'))).toBe(0xae426082);
  expect(crc32(new Uint8Array(0))).toBe(0);
});

// RFC 3720, appendix B.4.
test.each([
  ['check value', ascii('123456789'), 0xe3069283],
  ['32 zeros', new Uint8Array(32), 0x8a9136aa],
  ['32 ones', new Uint8Array(32).fill(255), 0x62a8ab43],
  ['ascending', Uint8Array.from({ length: 32 }, (_, i) => i), 0x46dd794e],
  ['descending', Uint8Array.from({ length: 32 }, (_, i) => 31 - i), 0x113fdb5c],
] as const)('crc32c of %s', (_, bytes, expected) => {
  expect(crc32c(bytes)).toBe(expected);
});
