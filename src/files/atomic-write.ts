import { type FileHandle, open, rename, rm } from 'node:fs/promises';
import { dirname } from 'node:path';
import { FaceparseError } from '../text/errors.ts';
import { clearAbandonedOnce, processFile } from './process-files.ts';

const reasons: Record<string, (path: string) => string> = {
  ENOENT: (path) => `the folder ${dirname(path)} does not exist; create it first`,
  ENOTDIR: (path) => `${dirname(path)} is not a folder`,
  EISDIR: () => 'a folder with that name already exists',
  EEXIST: () => 'a file exists where a folder is expected',
  EACCES: (path) => `no permission to write in ${dirname(path)}`,
  EPERM: (path) => `no permission to write in ${dirname(path)}`,
  EROFS: (path) => `${dirname(path)} is on a read-only file system`,
  ENOSPC: () => 'the disk is full',
  EDQUOT: () => 'the disk quota is exceeded',
  EFBIG: () => 'the file would exceed the size limit (ulimit -f, or a limit of the file system)',
};

const cannotSyncFolders = new Set(['EINVAL', 'ENOTSUP', 'EISDIR', 'EPERM', 'EACCES']);

/**
 * Writes a file atomically: to a temporary file in the same folder, synced, then renamed over `path`. Neither a crash nor a
 * full disk leaves a partial file. On failure the old file is unchanged, the temporary file is removed, and a
 * `FaceparseError` names the path. A string is written as UTF-8. Temporary files of killed processes are removed.
 *
 * @example await writeFileAtomic('runs/a/last.safetensors', encodeSafetensors(tensors))
 */
export async function writeFileAtomic(path: string, data: Uint8Array | string): Promise<void> {
  await writeFilesAtomic([path], ([file]) => file.writeFile(data));
}

/**
 * Writes files of one folder like `writeFileAtomic`, piece by piece. None of them is replaced unless all are complete.
 *
 * @param fill writes the contents; it gets the open files in the order of `paths`
 * @example await writeFilesAtomic([path], async ([file]) => { for await (const part of parts) await file.write(part); });
 */
export async function writeFilesAtomic(
  paths: readonly string[],
  fill: (files: readonly FileHandle[]) => Promise<void>,
): Promise<void> {
  const folder = dirname(paths[0]);
  await clearAbandonedOnce(folder);
  const asides = paths.map((path) => processFile(path, 'aside'));
  try {
    const files: FileHandle[] = [];
    try {
      for (const aside of asides) files.push(await open(aside, 'wx'));
      await fill(files);
      for (const file of files) await file.sync();
    } finally {
      for (const file of files) await file.close();
    }
    for (const [index, path] of paths.entries()) await rename(asides[index], path);
  } catch (cause) {
    // Report the first error, even if the clean-up fails.
    for (const aside of asides) await rm(aside, { force: true }).catch(() => {});
    throw writeError(paths[0], cause);
  }
  await syncFolder(folder).catch((cause) => {
    throw writeError(paths[0], cause);
  });
}

/**
 * Makes the rename durable across a power failure. Windows and some network file systems cannot sync a folder, and some
 * folders are writable but not readable. The file is complete even then.
 */
export async function syncFolder(folder: string): Promise<void> {
  try {
    const handle = await open(folder, 'r');
    try {
      await handle.sync();
    } finally {
      await handle.close();
    }
  } catch (error) {
    if (!cannotSyncFolders.has((error as NodeJS.ErrnoException).code ?? '')) throw error;
  }
}

/** Describes a failed write: which file, why, and how to fix it. */
export function writeError(path: string, cause: unknown): FaceparseError {
  return new FaceparseError(`cannot write ${path}: ${writeProblem(path, cause)}`, { cause });
}

/** Why a file cannot be written. */
export function writeProblem(path: string, cause: unknown): string {
  const { code = '', message } = cause as NodeJS.ErrnoException;
  return reasons[code]?.(path) ?? message;
}
