import { open, rename, rm } from 'node:fs/promises';
import { dirname } from 'node:path';
import { FaceparseError } from '../text/errors.ts';
import { clearAbandonedOnce, processFile } from './process-files.ts';

const reasons: Record<string, (path: string) => string> = {
  ENOENT: (path) => `the folder ${dirname(path)} does not exist; create it first`,
  ENOTDIR: (path) => `${dirname(path)} is not a folder`,
  EISDIR: () => 'a folder of that name is there',
  EEXIST: () => 'a file of that name is there, where a folder is to be',
  EACCES: (path) => `no permission to write in ${dirname(path)}`,
  EPERM: (path) => `no permission to write in ${dirname(path)}`,
  EROFS: (path) => `${dirname(path)} is on a read-only file system`,
  ENOSPC: () => 'the disk is full',
  EDQUOT: () => 'the disk quota is used up',
  EFBIG: () => 'the file would be larger than is allowed here (ulimit -f, or a limit of the file system)',
};

const cannotSyncFolders = new Set(['EINVAL', 'ENOTSUP', 'EISDIR', 'EPERM', 'EACCES']);

/**
 * Writes a file whole or not at all: aside in the same folder, synced, then renamed over `path`, so that neither a crash
 * nor a full disk leaves half a file. On failure the old file is untouched, the aside file is removed, and a
 * `FaceparseError` names the path. A string is written as UTF-8. What killed processes left aside in the folder is removed.
 *
 * @example await writeFileAtomic('runs/a/last.safetensors', encodeSafetensors(tensors))
 */
export async function writeFileAtomic(path: string, data: Uint8Array | string): Promise<void> {
  await clearAbandonedOnce(dirname(path));
  const aside = processFile(path, 'aside');
  try {
    const file = await open(aside, 'wx');
    try {
      await file.writeFile(data);
      await file.sync();
    } finally {
      await file.close();
    }
    await rename(aside, path);
  } catch (cause) {
    // The first error is the one to report, whatever becomes of the clean-up.
    await rm(aside, { force: true }).catch(() => {});
    throw writeError(path, cause);
  }
  await syncFolder(dirname(path)).catch((cause) => {
    throw writeError(path, cause);
  });
}

/**
 * Makes the rename itself survive a power cut. Windows and some network file systems cannot do that for a folder, and
 * some folders may be written but not opened: the file is whole there all the same.
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

/** The error of a write that failed, in words: which file, why, and what to do. */
export function writeError(path: string, cause: unknown): FaceparseError {
  const { code = '', message } = cause as NodeJS.ErrnoException;
  return new FaceparseError(`cannot write ${path}: ${reasons[code]?.(path) ?? message}`, { cause });
}
