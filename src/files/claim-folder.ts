import { rm, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { FaceparseError } from '../text/errors.ts';
import { writeError } from './atomic-write.ts';
import { clearAbandoned, listProcessFiles, type ProcessFile, processFile } from './process-files.ts';
import { markedPid, processState } from './process-mark.ts';

/** Interval at which a claim is renewed, for observers that cannot see the process. */
const beatMilliseconds = 30_000;
/** How long the claim of a process on another machine is valid after its last renewal. */
const leaseMilliseconds = 5 * 60_000;

/** Another process has claimed the folder. */
export class InUseError extends FaceparseError {
  constructor(message: string) {
    super(message);
    this.name = 'InUseError';
  }
}

async function writtenAt(path: string): Promise<number> {
  return stat(path).then(
    ({ mtimeMs }) => mtimeMs,
    () => 0,
  );
}

/** Whether the claim of another process is still valid. Times come from the file system, so clocks may differ. */
async function holds({ path, mark }: ProcessFile, now: number): Promise<boolean> {
  const state = processState(mark);
  return state === 'alive' || (state === 'unknown' && now - (await writtenAt(path)) < leaseMilliseconds);
}

/**
 * Claims a folder, so that only one process works in it, and removes files left by dead processes. The claim is a
 * file with a unique name. It is written before looking for others, so of two simultaneous claims at least one sees the
 * other. It ends with the process.
 *
 * @param work what the process does there, for errors: `is being trained`
 * @returns a function that releases the folder
 * @throws InUseError if another process works there; FaceparseError if the folder cannot be written
 */
export async function claimFolder(path: string, work: string): Promise<() => Promise<void>> {
  await clearAbandoned(path);
  const claim = processFile(join(path, 'run'), 'claim');
  const beat = () => writeFile(claim, `process ${process.pid}\n`);
  await beat().catch((cause) => {
    throw writeError(claim, cause);
  });
  const timer = setInterval(() => void beat().catch(() => {}), beatMilliseconds).unref();
  const release = async () => {
    clearInterval(timer);
    await rm(claim, { force: true }).catch(() => {});
  };
  const now = await writtenAt(claim);
  for (const other of await listProcessFiles(path)) {
    if (other.kind !== 'claim' || other.path === claim) continue;
    if (await holds(other, now)) {
      await release();
      const place = processState(other.mark) === 'alive' ? '' : ' on another machine or in another container';
      throw new InUseError(
        `${path} ${work} by process ${markedPid(other.mark)}${place}; wait for it, or stop it first.`,
      );
    }
    // Dead, or silent for long.
    await rm(other.path, { force: true }).catch(() => {});
  }
  return release;
}
