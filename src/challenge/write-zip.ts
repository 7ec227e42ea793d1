import { strToU8, zipSync } from 'fflate';

/** Endings of files that are compressed already. */
const packed = /\.(png|pdf|jpe?g|webp|pth)$/;

/**
 * The bytes of a zip with these files, sorted by path, all dated 1980: the same files give the same bytes.
 *
 * @param files content by path with forward slashes; text is written as UTF-8
 */
export function encodeZip(files: ReadonlyMap<string, Uint8Array | string>): Uint8Array {
  // Local time, which is what the format holds: the same bytes in every time zone.
  const mtime = new Date(1980, 0, 1);
  const entries: Parameters<typeof zipSync>[0] = {};
  for (const [path, content] of [...files].sort(([a], [b]) => (a < b ? -1 : 1))) {
    const bytes = typeof content === 'string' ? strToU8(content) : content;
    entries[path] = [bytes, { level: packed.test(path) ? 0 : 9, mtime }];
  }
  return zipSync(entries);
}
