/** First bytes, in hexadecimal, of formats that may contain weights. */
const starts: readonly (readonly [start: string, format: string])[] = [
  ['504b0304', 'a zip or PyTorch checkpoint'],
  ['504b0506', 'a zip'],
  ['1f8b', 'gzip'],
  ['425a68', 'bzip2'],
  ['fd377a585a00', 'xz'],
  ['28b52ffd', 'Zstandard'],
  ['377abcaf271c', '7z'],
  ['934e554d5059', 'a NumPy array'],
  ['894844460d0a1a0a', 'HDF5'],
  ...[2, 3, 4, 5].map((protocol) => [`800${protocol}`, 'a pickle'] as const),
];

/**
 * The format of a file that may contain weights, by its first bytes and regardless of its name; undefined for anything else.
 * Custom formats are not recognised.
 *
 * @example packedFormat(Uint8Array.of(0x1f, 0x8b, 8)) // 'gzip'
 */
export function packedFormat(bytes: Uint8Array): string | undefined {
  const beginning = Buffer.from(bytes.subarray(0, 16)).toString('hex');
  const known = starts.find(([start]) => beginning.startsWith(start));
  if (known) return known[1];
  // The length of the header as 64 bits, then the header, which is JSON.
  return /^.{8}0{8}7b/.test(beginning) ? 'safetensors' : undefined;
}
