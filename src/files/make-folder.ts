import { mkdir } from 'node:fs/promises';
import { writeError } from './atomic-write.ts';

/**
 * Creates a folder and those above it, if they are missing.
 *
 * @throws FaceparseError that names the folder and the reason
 */
export async function makeFolder(path: string): Promise<void> {
  await mkdir(path, { recursive: true }).catch((cause) => {
    throw writeError(path, cause);
  });
}
