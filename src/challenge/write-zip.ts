import { strToU8, zipSync } from 'fflate';

/** Extensions of files that are already compressed. */
const packed = /\.(png|pdf|jpe?g|webp|pth)$/;

/**
 * Creates a zip of files, sorted by path and dated 1980, so that the same files produce the same bytes.
 *
 * @param files content by path with forward slashes; text is written as UTF-8
 */
export function encodeZip(files: ReadonlyMap<string, Uint8Array | string>): Uint8Array {
  // The format stores local time, so this produces the same bytes in every time zone.
  const mtime = new Date(1980, 0, 1);
  const entries: Parameters<typeof zipSync>[0] = {};
  for (const [path, content] of [...files].sort(([a], [b]) => (a < b ? -1 : 1))) {
    const bytes = typeof content === 'string' ? strToU8(content) : content;
    entries[path] = [bytes, { level: packed.test(path) ? 0 : 9, mtime }];
  }
  return zipSync(entries);
}
