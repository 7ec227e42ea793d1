import type { Entry, ZipFile } from 'yauzl';
import { requirePackages } from '../packages/optional-packages.ts';
import { FaceparseError } from '../text/errors.ts';
import { quote } from '../text/quoted-text.ts';
import { crc32 } from './crc.ts';
import { openZipFile } from './zip-file.ts';

/** Limits for a zip; all sizes are in bytes. */
export interface ZipLimits {
  readonly fileBytes: number;
  readonly entries: number;
  /** Maximum unpacked size of one entry. */
  readonly entryBytes: number;
  /** Maximum unpacked size of all entries together. */
  readonly totalBytes: number;
  /** Maximum unpacked size of an entry of at least 1 MiB, as a multiple of its size in the zip. */
  readonly ratio: number;
}

/** One file in a zip; sizes are in bytes. */
export interface ZipEntry {
  /** Path with forward slashes, without `..` and the like. */
  readonly name: string;
  readonly size: number;
}

/** An open zip. The list of entries is in memory; data are read on demand. */
export interface ZipArchive {
  readonly fileBytes: number;
  /** The files in the order of the archive, without folders. */
  readonly entries: readonly ZipEntry[];
  /**
   * Reads an entry and checks its length and CRC-32.
   *
   * @throws FaceparseError that names the entry, if it does not exist or its data are damaged
   */
  read(name: string): Promise<Uint8Array>;
  /** Closes the file; later reads fail. */
  close(): void;
}

const defaultLimits: ZipLimits = {
  fileBytes: 2 ** 31,
  entries: 20_000,
  entryBytes: 2 ** 29,
  totalBytes: 2 ** 31,
  ratio: Number.POSITIVE_INFINITY,
};

/** The optional package that reads the format; loaded when the first zip is opened. */
type Yauzl = typeof import('yauzl');

const maxNameLength = 1000;
const methodNames: Readonly<Record<number, string>> = { 9: 'Deflate64', 12: 'bzip2', 14: 'LZMA', 93: 'Zstandard' };
/** Unix file types (`S_IFMT`) in the upper half of the external attributes; 0 if not recorded. */
const typeMask = 0o170000;
const linkType = 0o120000;
const ordinaryTypes = [0, 0o100000, 0o040000];

/**
 * Opens an untrusted zip from its path or its bytes and reads the list of its entries.
 *
 * Runs in Node only. Sizes are bounded before anything is allocated for them.
 *
 * @throws FaceparseError if the file is not a zip, is damaged or exceeds the limits; if an entry is encrypted, a link, a
 * duplicate, compressed other than by Deflate, or has a name that could leave the folder (absolute, `..`, backslashes);
 * and if yauzl is not installed. It names the entry but not the zip, because the caller knows it
 * @see https://pkware.cachefly.net/webdocs/casestudies/APPNOTE.TXT
 * @example
 * const zip = await openZip('submission.zip', { totalBytes: 2 ** 30 });
 * const mask = await zip.read('masks/0.png');
 */
export async function openZip(source: string | Uint8Array, limits: Partial<ZipLimits> = {}): Promise<ZipArchive> {
  const bounds = { ...defaultLimits, ...limits };
  requirePackages('reading a zip', ['yauzl']);
  const yauzl = await import('yauzl');
  const { file, listed } = await openFile(yauzl, source);
  try {
    const found = await readEntries(yauzl, file, bounds);
    listed();
    return {
      fileBytes: file.fileSize,
      entries: [...found].map(([name, entry]) => ({ name, size: entry.uncompressedSize })),
      read: async (name) => {
        const entry = found.get(name);
        if (!entry) throw new FaceparseError(`the zip has no entry ${quote(name)}`);
        return readEntry(file, name, Object.assign(new yauzl.Entry(), entry));
      },
      close: () => file.close(),
    };
  } catch (error) {
    file.close();
    throw error;
  }
}

async function openFile(yauzl: Yauzl, source: string | Uint8Array): Promise<{ file: ZipFile; listed: () => void }> {
  // Names are decoded here for precise errors.
  const options = { autoClose: false, decodeStrings: false };
  try {
    if (typeof source === 'string') {
      const { reader, size, listed, close } = await openZipFile(yauzl, source);
      try {
        return { file: await yauzl.fromRandomAccessReaderPromise(reader, size, options), listed };
      } catch (error) {
        await close();
        throw error;
      }
    }
    const bytes = Buffer.from(source.buffer, source.byteOffset, source.byteLength);
    return { file: await yauzl.fromBufferPromise(bytes, options), listed: () => {} };
  } catch (cause) {
    throw new FaceparseError(`not a zip, or truncated (${firstSentence(cause)}); create or download it again`, {
      cause,
    });
  }
}

/** All files by name, in the order of the archive. */
async function readEntries(
  { getFileNameLowLevel }: Yauzl,
  file: ZipFile,
  limits: ZipLimits,
): Promise<Map<string, Stored>> {
  checkLimit('the zip', file.fileSize, limits.fileBytes, 'bytes');
  checkLimit('the zip', file.entryCount, limits.entries, 'entries');
  const files = new Map<string, Stored>();
  const folders = new Set<string>();
  let total = 0;
  try {
    for await (const entry of file.eachEntry()) {
      const name = getFileNameLowLevel(entry.generalPurposeBitFlag, entry.fileNameRaw, entry.extraFields, true);
      checkName(name);
      checkKind(name, entry);
      if (entry.uncompressedSize > limits.entryBytes) {
        checkLimit(`the entry ${quote(name)}`, entry.uncompressedSize, limits.entryBytes, 'bytes unpacked');
      }
      checkRatio(name, entry, limits.ratio);
      total += entry.uncompressedSize;
      checkLimit('the zip', total, limits.totalBytes, 'bytes unpacked');
      if (files.has(name)) throw refused(name, 'appears twice in the zip', 'create the zip again with each file once');
      addFolders(name, folders);
      if (!name.endsWith('/')) files.set(name, stored(entry));
    }
  } catch (cause) {
    if (cause instanceof FaceparseError) throw cause;
    throw new FaceparseError(`the zip is damaged (${firstSentence(cause)}); create or download it again`, { cause });
  }
  for (const name of files.keys()) {
    if (folders.has(name)) throw refused(name, 'is both a file and a folder', 'create the zip again');
  }
  return files;
}

/** What reading an entry needs. yauzl's own entries take twice the memory, which counts for CelebAMask-HQ.zip. */
type Stored = Pick<
  Entry,
  | 'generalPurposeBitFlag'
  | 'compressionMethod'
  | 'crc32'
  | 'compressedSize'
  | 'uncompressedSize'
  | 'relativeOffsetOfLocalHeader'
>;

function stored(entry: Entry): Stored {
  return {
    generalPurposeBitFlag: entry.generalPurposeBitFlag,
    compressionMethod: entry.compressionMethod,
    crc32: entry.crc32,
    compressedSize: entry.compressedSize,
    uncompressedSize: entry.uncompressedSize,
    relativeOffsetOfLocalHeader: entry.relativeOffsetOfLocalHeader,
  };
}

function checkRatio(name: string, { compressedSize, uncompressedSize }: Entry, limit: number): void {
  if (uncompressedSize < 2 ** 20 || uncompressedSize <= limit * compressedSize) return;
  const what = `unpacks ${compressedSize} bytes to ${uncompressedSize}; the limit is ${limit} times the size`;
  throw refused(name, what, 'create or download the zip again');
}

function addFolders(name: string, folders: Set<string>): void {
  for (let slash = name.lastIndexOf('/'); slash > 0; slash = name.lastIndexOf('/', slash - 1)) {
    const folder = name.slice(0, slash);
    if (folders.has(folder)) return;
    folders.add(folder);
  }
}

function checkName(name: string): void {
  const anew = 'create the zip again from the folder';
  if (name.length === 0 || name.length > maxNameLength) {
    const what = `has a name of ${name.length} characters; 1 to ${maxNameLength} are allowed`;
    throw refused(name, what, anew);
  }
  if (name.includes('\\')) {
    throw refused(name, 'has backslashes in its name', 'use a program that writes forward slashes');
  }
  if (/^([a-zA-Z]:|\/)/.test(name)) throw refused(name, 'is an absolute path', anew);
  const segments = name.replace(/\/$/, '').split('/');
  if (segments.includes('..')) throw refused(name, 'leaves the folder through ..', anew);
  if (segments.some((segment) => segment === '' || segment === '.') || /\p{Cc}/u.test(name)) {
    throw refused(name, 'has an empty part, a dot or a control character in its path', anew);
  }
}

function checkKind(name: string, entry: Entry): void {
  if (entry.isEncrypted()) throw refused(name, 'is encrypted', 'create the zip without a password');
  const type = (entry.externalFileAttributes >>> 16) & typeMask;
  if (type === linkType) throw refused(name, 'is a symbolic link', 'replace it with the file itself');
  if (!ordinaryTypes.includes(type)) throw refused(name, 'is neither a file nor a folder', 'remove it');
  const method = entry.compressionMethod;
  if (!entry.canDecodeFileData()) {
    const what = `is compressed by ${methodNames[method] ?? `method ${method}`}`;
    throw refused(name, what, 'use Deflate compression or none');
  }
}

async function readEntry(file: ZipFile, name: string, entry: Entry): Promise<Uint8Array> {
  const bytes = new Uint8Array(entry.uncompressedSize);
  let filled = 0;
  try {
    for await (const part of await file.openReadStreamPromise(entry)) {
      if (filled + part.length > bytes.length) throw new Error(`it contains more than its ${bytes.length} bytes`);
      bytes.set(part, filled);
      filled += part.length;
    }
    if (filled < bytes.length) throw new Error(`only ${filled} of its ${bytes.length} bytes are present`);
    if (crc32(bytes) !== entry.crc32) throw new Error('its checksum is wrong');
  } catch (cause) {
    throw refused(name, `is damaged (${firstSentence(cause)})`, 'create or download the zip again', cause);
  }
  return bytes;
}

function checkLimit(what: string, value: number, limit: number, unit: string): void {
  if (value > limit) throw new FaceparseError(`${what} has ${value} ${unit}; the limit is ${limit}`);
}

function refused(name: string, what: string, remedy: string, cause?: unknown): FaceparseError {
  return new FaceparseError(`the entry ${quote(name)} ${what}; ${remedy}`, { cause });
}

/** Keeps the first sentence; the library's messages continue with hints for programmers. */
function firstSentence(error: unknown): string {
  const message = error instanceof Error ? error.message : String(error);
  return message.split(/\. |\n/, 1)[0].replace(/\.$/, '');
}
