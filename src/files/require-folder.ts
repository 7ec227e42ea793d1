import { FaceparseError } from '../text/errors.ts';
import { exists, isFolder } from './path-kind.ts';

/**
 * Checks that a path is a folder.
 *
 * @param zipRemedy what to do if it is a ZIP file instead
 * @throws FaceparseError (exit code 2) if it is not
 *
 * @example await requireFolder('data.zip') // data.zip is a file, not a folder; unpack it
 */
export async function requireFolder(folder: string, zipRemedy = 'unpack it'): Promise<void> {
  if (await isFolder(folder)) return;
  const remedy = /\.zip$/i.test(folder) ? zipRemedy : 'pass the folder that contains it';
  throw new FaceparseError(
    (await exists(folder))
      ? `${folder} is a file, not a folder; ${remedy}`
      : `folder ${folder} not found; check the path`,
    { exitCode: 2 },
  );
}
