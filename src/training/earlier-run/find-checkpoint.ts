import { exists } from '../../files/path-kind.ts';
import type { StateOwner } from '../../graph/graph.ts';
import { FaceparseError } from '../../text/errors.ts';
import { type Checkpoint, loadCheckpoint } from '../checkpoint.ts';
import type { RunFolder } from '../record/run-folder.ts';

/**
 * The checkpoint of a run; undefined if the run was killed before its first.
 *
 * @throws FaceparseError if the checkpoint is damaged, does not match the states of the owner, or was removed
 */
export async function findCheckpoint(folder: RunFolder, owner: StateOwner): Promise<Checkpoint | undefined> {
  const { checkpoint, lastWeights, metrics } = folder;
  if (await exists(checkpoint)) return loadCheckpoint(checkpoint, owner);
  // These files are written after the first checkpoint, so somebody removed it; restarting would lose everything.
  for (const later of [lastWeights, metrics]) {
    if (!(await exists(later))) continue;
    throw new FaceparseError(
      `no checkpoint to resume from at ${checkpoint}, but the run had one, because ${later} exists; ` +
        'restore it, or train again under another name.',
    );
  }
  return undefined;
}
