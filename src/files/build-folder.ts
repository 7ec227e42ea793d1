import { mkdir, readdir, rename, rm, rmdir } from 'node:fs/promises';
import { dirname, resolve } from 'node:path';
import { FaceparseError } from '../text/errors.ts';
import { syncFolder, writeError } from './atomic-write.ts';
import { clearAbandonedOnce, processFile } from './process-files.ts';

async function refuseUnlessFree(folder: string): Promise<'absent' | 'empty'> {
  let names: string[];
  try {
    names = await readdir(folder);
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code;
    if (code === 'ENOENT') return 'absent';
    const reason = code === 'ENOTDIR' ? 'it is a file' : (error as Error).message;
    throw new FaceparseError(`cannot write to ${folder}: ${reason}; use a folder that does not exist yet`, {
      exitCode: 2,
      cause: error,
    });
  }
  if (names.length > 0) {
    throw new FaceparseError(
      `${folder} exists and is not empty (it contains ${names[0]}); use a new folder or remove this one first`,
      { exitCode: 2 },
    );
  }
  return 'empty';
}

/** Codes of failed writes that are no fault of the program. */
const diskProblems = new Set(['ENOSPC', 'EDQUOT', 'EROFS', 'EFBIG']);

/**
 * Fills a new folder atomically: `build` writes to a temporary folder, which is renamed when it is complete.
 *
 * An error or interruption leaves nothing under the final name. A killed process leaves a hidden folder next to it; the
 * next build in the same place removes it.
 *
 * @throws FaceparseError if `folder` exists and is not empty, or the disk is full
 *
 * @example await buildFolder('out', (aside) => writeFile(join(aside, 'a.txt'), 'a'));
 */
export async function buildFolder<Result>(folder: string, build: (aside: string) => Promise<Result>): Promise<Result> {
  const target = resolve(folder);
  await refuseUnlessFree(target);
  const aside = processFile(target, 'aside');
  try {
    await mkdir(dirname(target), { recursive: true });
    await clearAbandonedOnce(dirname(target));
    await mkdir(aside);
  } catch (cause) {
    throw writeError(target, cause);
  }
  try {
    const result = await build(aside);
    // Checked again, because another process may have finished in the meantime.
    if ((await refuseUnlessFree(target)) === 'empty') await rmdir(target);
    await rename(aside, target).catch(async (cause) => {
      await refuseUnlessFree(target);
      throw writeError(target, cause);
    });
    await syncFolder(dirname(target));
    return result;
  } catch (error) {
    await rm(aside, { recursive: true, force: true });
    throw diskProblems.has((error as NodeJS.ErrnoException)?.code ?? '') ? writeError(target, error) : error;
  }
}
