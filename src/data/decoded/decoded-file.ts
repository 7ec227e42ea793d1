import { createHash } from 'node:crypto';
import { type FileHandle, mkdir, open, rename, rm, stat } from 'node:fs/promises';
import { join, relative } from 'node:path';
import { clearAbandonedOnce, processFile } from '../../files/process-files.ts';
import type { ResizeRule } from '../../image/preprocessing.ts';
import type { LabelSet } from '../../labels/label-set.ts';
import { FaceparseError } from '../../text/errors.ts';
import type { Dataset } from '../dataset/dataset.ts';
import type { DecodedDataset } from './decoded-dataset.ts';

/** Path of a data set's decoded images on disk, and the expected header. */
export interface DecodedFile {
  readonly path: string;
  readonly directory: string;
  readonly header: Uint8Array;
}

/** What the decoded images depend on, besides the files. */
interface DecodedContents {
  readonly size: number;
  readonly resize?: ResizeRule | undefined;
  readonly labelSet: LabelSet;
  readonly repair: boolean;
  readonly mergeTable?: Uint8Array;
}

/** Increment this whenever decoding, resizing or repair change the bytes. */
const formatVersion = 2;

/** Size of reads and writes: one call is limited to 2 GiB, and aborts are checked between pieces. */
const pieceBytes = 32 * 2 ** 20;

const digestBytes = 32;

/** Hashes everything that the decoded images of a data set depend on: names, sizes and times of the files, and the options. */
export async function decodedKey(dataset: Dataset, contents: DecodedContents): Promise<string> {
  const hash = createHash('sha256');
  const { size, resize = 'stretch-area-bilinear', labelSet, repair, mergeTable } = contents;
  const table = mergeTable ? [...mergeTable] : null;
  // The key of stretched images is that of versions without letterboxes, so their files stay in use.
  const rule = resize === 'stretch-area-bilinear' ? [] : [resize];
  hash.update(JSON.stringify([formatVersion, size, labelSet, repair, table, ...rule]));
  for (const item of dataset.items) {
    for (const path of [item.imagePath, item.maskPath]) {
      if (path === undefined) continue;
      const about = await stat(path).catch((cause) => {
        throw new FaceparseError(`${path} cannot be read: ${cause.message}`, { cause });
      });
      hash.update(JSON.stringify([item.stem, relative(dataset.folder, path), about.size, about.mtimeMs]));
    }
  }
  return hash.digest('hex');
}

/** Names the file of a data set's decoded images by their key. */
export async function describeDecodedFile(
  dataset: Dataset,
  contents: DecodedContents,
  directory: string,
): Promise<DecodedFile> {
  const key = await decodedKey(dataset, contents);
  const header = new TextEncoder().encode(`faceparse images ${formatVersion} ${key}\n`);
  return { path: join(directory, `images-${key.slice(0, 16)}.bin`), directory, header };
}

/** What the file stores of a decoded data set. */
type Stored = Pick<DecodedDataset, 'buffer' | 'repairs'>;

/**
 * Fills the images and repairs from such a file: header, repairs (a byte per pair, if masks are repaired), images, SHA-256
 * of all.
 *
 * @returns false if the file does not exist, or its length, header or checksum is wrong
 */
export async function readDecodedFile(
  file: DecodedFile,
  { buffer, repairs = new Uint8Array(0) }: Stored,
  signal?: AbortSignal,
): Promise<boolean> {
  const handle = await open(file.path, 'r').catch(() => undefined);
  if (!handle) return false;
  try {
    const start = file.header.length + repairs.length;
    const expected = start + buffer.byteLength + digestBytes;
    if ((await handle.stat()).size !== expected) return false;
    const header = new Uint8Array(file.header.length);
    await readExactly(handle, header, 0);
    if (!Buffer.from(header).equals(file.header)) return false;
    const foundRepairs = new Uint8Array(repairs.length);
    await readExactly(handle, foundRepairs, header.length);
    const hash = createHash('sha256').update(header).update(foundRepairs);
    for (let from = 0; from < buffer.byteLength; from += pieceBytes) {
      signal?.throwIfAborted();
      const piece = new Uint8Array(buffer, from, Math.min(pieceBytes, buffer.byteLength - from));
      await readExactly(handle, piece, start + from);
      hash.update(piece);
    }
    const digest = new Uint8Array(digestBytes);
    await readExactly(handle, digest, start + buffer.byteLength);
    if (!hash.digest().equals(digest)) return false;
    repairs.set(foundRepairs);
    return true;
  } catch (error) {
    signal?.throwIfAborted();
    // An unreadable cache is not an error: the images still exist.
    if (error instanceof Error && 'code' in error) return false;
    throw error;
  } finally {
    await handle.close();
  }
}

/**
 * Writes images and repairs to a temporary file and renames it, so a partial file never has the final name.
 *
 * @throws FaceparseError if the folder cannot be written or the disk is full
 */
export async function writeDecodedFile(
  file: DecodedFile,
  { buffer, repairs = new Uint8Array(0) }: Stored,
  signal?: AbortSignal,
): Promise<void> {
  const aside = processFile(file.path, 'aside');
  try {
    await mkdir(file.directory, { recursive: true });
    await clearAbandonedOnce(file.directory);
    const handle = await open(aside, 'wx');
    try {
      const hash = createHash('sha256').update(file.header).update(repairs);
      await handle.writeFile(file.header);
      await handle.writeFile(repairs);
      for (let start = 0; start < buffer.byteLength; start += pieceBytes) {
        signal?.throwIfAborted();
        const piece = new Uint8Array(buffer, start, Math.min(pieceBytes, buffer.byteLength - start));
        hash.update(piece);
        await handle.writeFile(piece);
      }
      await handle.writeFile(hash.digest());
      await handle.sync();
    } finally {
      await handle.close();
    }
    await rename(aside, file.path);
  } catch (cause) {
    await rm(aside, { force: true }).catch(() => undefined);
    signal?.throwIfAborted();
    throw new FaceparseError(
      `The image cache cannot be written to ${file.path}: ${(cause as Error).message}. ` +
        'Free some space, or train without a disk cache.',
      { cause },
    );
  }
}

async function readExactly(handle: FileHandle, into: Uint8Array, position: number): Promise<void> {
  let done = 0;
  while (done < into.length) {
    const { bytesRead } = await handle.read(into, done, into.length - done, position + done);
    if (bytesRead === 0) throw Object.assign(new Error('the file ended early'), { code: 'EOF' });
    done += bytesRead;
  }
}
