import { open, rm } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import { FaceparseError } from '../text/errors.ts';
import { writeProblem } from './atomic-write.ts';
import { exists, isFolder } from './path-kind.ts';
import { processFile } from './process-files.ts';

/** The nearest folder above a path that exists. */
async function existingFolder(path: string): Promise<string> {
  const folder = dirname(path);
  return folder === path || (await exists(folder)) ? folder : existingFolder(folder);
}

/**
 * Checks before long work that a file or folder can be written: creates a temporary file where it, or the first missing
 * folder above it, would be, and removes it.
 *
 * @param options.createsFolders whether the work creates the missing folders above the path
 * @param options.option the option that names the path; default `--out`
 * @throws FaceparseError (exit code 2) with the reason
 *
 * @example await requireWritable('submission.zip')
 */
export async function requireWritable(
  path: string,
  options: { readonly createsFolders?: boolean; readonly option?: string } = {},
): Promise<void> {
  const target = resolve(path);
  const folder = options.createsFolders ? await existingFolder(target) : dirname(target);
  const trial = processFile(join(folder, 'trial'), 'aside');
  try {
    const file = await open(trial, 'wx');
    await file.close();
    await rm(trial);
  } catch (cause) {
    // Special file systems such as /proc report a missing file.
    const refuses = (cause as NodeJS.ErrnoException).code === 'ENOENT' && (await isFolder(folder));
    const problem = refuses ? `${folder} does not accept files` : writeProblem(trial, cause);
    throw new FaceparseError(
      `cannot write ${path}: ${problem}${/; /.test(problem) ? ', or' : ';'} choose another ${options.option ?? '--out'}`,
      { exitCode: 2, cause },
    );
  }
}
