import { existsSync } from 'node:fs';
import { mkdtemp, rename, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const variable = 'FACEPARSE_TEST_SHARED';

/** Makes the folder of `madeOnce` before the first test, and removes it after the last (global setup of Vitest). */
export default async function setup(): Promise<() => Promise<void>> {
  const folder = await mkdtemp(join(tmpdir(), 'faceparse-shared-'));
  process.env[variable] = folder;
  return () => rm(folder, { recursive: true, force: true });
}

/**
 * A folder that the first test file that asks for it makes, for all files of this run of the tests; nobody may change it.
 *
 * @param make writes the files into a new folder, which gets the name later
 */
export async function madeOnce(name: string, make: (folder: string) => Promise<unknown>): Promise<string> {
  const shared = process.env[variable];
  if (shared === undefined) throw new Error(`${variable} is not set; run the tests with the clone's vitest.config.ts`);
  const path = join(shared, name);
  if (existsSync(path)) return path;
  const aside = await mkdtemp(join(shared, 'aside-'));
  await make(aside);
  await rename(aside, path).catch((error) => {
    // Another file was faster, with the same result.
    if (!existsSync(path)) throw error;
  });
  return path;
}
