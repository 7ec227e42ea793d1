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
    throw new FaceparseError(`cannot write to ${folder}: ${reason}; name a folder that does not exist yet`, {
      exitCode: 2,
      cause: error,
    });
  }
  if (names.length > 0) {
    throw new FaceparseError(
      `${folder} exists and is not empty (it holds ${names[0]}); name a new folder, or remove it first`,
      { exitCode: 2 },
    );
  }
  return 'empty';
}

/**
 * Fill a new folder as a whole: `build` writes into a folder aside, which takes the final name only when it is complete.
 *
 * An error or an interruption leaves nothing under the final name. A killed process leaves a hidden folder beside it, which
 * the next that is built there removes.
 * Throws a FaceparseError when `folder` exists and is not empty.
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
    // Looked at again, because another run may have finished in the meantime.
    if ((await refuseUnlessFree(target)) === 'empty') await rmdir(target);
    await rename(aside, target).catch(async (cause) => {
      await refuseUnlessFree(target);
      throw writeError(target, cause);
    });
    await syncFolder(dirname(target));
    return result;
  } catch (error) {
    await rm(aside, { recursive: true, force: true });
    throw error;
  }
}
