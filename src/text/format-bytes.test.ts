import { expect, it } from 'vitest';
import { formatBytes } from './format-bytes.ts';

it.each([
  [0, '0 bytes'],
  [1023, '1023 bytes'],
  [1024, '1 KiB'],
  [655_360, '640 KiB'],
  [8_160_437_862, '7.6 GiB'],
  [2 ** 30 - 1, '1 GiB'],
  [2 ** 60, '1048576 TiB'],
])('%d is %s', (bytes, expected) => {
  expect(formatBytes(bytes)).toBe(expected);
});
