import { readdir } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { exists } from '../files/path-kind.ts';
import { FaceparseError } from '../text/errors.ts';
import { nearestName } from '../text/similar-names.ts';
import { runFolder } from '../training/record/run-folder.ts';

/** Further runs are only counted. */
const mostListed = 8;

/** Names of the runs in a folder. */
async function runsIn(folder: string): Promise<string[]> {
  const names = await readdir(folder).catch((): string[] => []);
  const found: string[] = [];
  for (const name of names.sort()) if (await exists(runFolder(join(folder, name)).config)) found.push(name);
  return found;
}

/**
 * The error (exit code 2) for a run folder that does not exist: suggests a run of a similar name in its parent folder, or lists
 * the runs there.
 *
 * @example throw await missingRun('runs/smal') // runs/smal not found; did you mean 'runs/small'?
 */
export async function missingRun(path: string): Promise<FaceparseError> {
  const usage = (message: string) => new FaceparseError(message, { exitCode: 2 });
  if (path === '') return usage('the empty path not found; it must be a run folder or a weights file');
  const folder = dirname(path);
  const names = await runsIn(folder);
  if (names.length === 0) return usage(`${path} not found; it must be a run folder or a weights file`);
  const near = nearestName(basename(path), names);
  if (near !== undefined) return usage(`${path} not found; did you mean '${join(folder, near)}'?`);
  const listed = names.slice(0, mostListed).map((name) => join(folder, name));
  const more = names.length > mostListed ? ` and ${names.length - mostListed} more` : '';
  return usage(`${path} not found; the runs in ${folder} are ${listed.join(', ')}${more}`);
}
