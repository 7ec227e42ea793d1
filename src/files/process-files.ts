import { randomBytes } from 'node:crypto';
import { readdir, rm } from 'node:fs/promises';
import { basename, dirname, join, resolve } from 'node:path';
import { processMark, processState } from './process-mark.ts';

/** Files and folders that belong to one process: a temporary file or folder, or a claim. */
type Kind = 'aside' | 'claim';

const pattern = /^\..+\.([0-9a-f]{1,8}-[0-9a-f]{8}-[0-9a-z]+-[0-9a-z]+)\.[0-9a-f]{6}\.(aside|claim)$/;

/**
 * Returns a path next to `path` for this process only: `.NAME.PROCESS.RANDOM.aside`. `clearAbandoned` removes what a
 * killed process leaves there. Long names are cut to remain valid file names.
 */
export function processFile(path: string, kind: Kind): string {
  // A UTF-16 unit is at most 3 bytes in UTF-8, and a name has at most 255.
  const name = `.${basename(path).slice(0, 60)}.${processMark()}.${randomBytes(3).toString('hex')}.${kind}`;
  return join(dirname(path), name);
}

/** A file that belongs to a process, according to its name. */
export interface ProcessFile {
  readonly path: string;
  readonly kind: Kind;
  readonly mark: string;
}

/** Lists the process files in a folder; none if the folder cannot be read. */
export async function listProcessFiles(folder: string): Promise<ProcessFile[]> {
  const names = await readdir(folder).catch(() => []);
  return names.flatMap((name) => {
    const match = pattern.exec(name);
    return match ? [{ path: join(folder, name), kind: match[2] as Kind, mark: match[1] }] : [];
  });
}

/**
 * Removes from a folder (not its subfolders) what ended processes left behind: temporary files, incomplete folders and
 * claims. Files of running or unknown processes stay, and so do files that cannot be removed.
 */
export async function clearAbandoned(folder: string): Promise<void> {
  for (const { path, mark } of await listProcessFiles(folder)) {
    if (processState(mark) === 'dead') await rm(path, { recursive: true, force: true }).catch(() => {});
  }
}

const cleared = new Set<string>();

/** Calls `clearAbandoned` once per folder in the lifetime of this process. */
export async function clearAbandonedOnce(folder: string): Promise<void> {
  const path = resolve(folder);
  if (cleared.has(path)) return;
  cleared.add(path);
  await clearAbandoned(path);
}
