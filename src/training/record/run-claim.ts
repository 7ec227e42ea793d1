import { dirname } from 'node:path';
import { claimFolder } from '../../files/claim-folder.ts';
import { clearAbandoned } from '../../files/process-files.ts';
import { runFolder } from './run-folder.ts';

/**
 * Claims a run folder, so that only one process trains in it; see `claimFolder`.
 *
 * @returns a function that releases the folder
 * @throws InUseError if another process trains there; FaceparseError if the folder cannot be written
 */
export async function claimRun(path: string): Promise<() => Promise<void>> {
  await clearAbandoned(dirname(runFolder(path).bestWeights));
  return claimFolder(path, 'is being trained');
}
