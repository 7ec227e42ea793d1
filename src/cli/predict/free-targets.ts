import { realpath } from 'node:fs/promises';
import { sep } from 'node:path';
import type { PhotoFile } from '../../data/dataset/find-photos.ts';
import { isFolder } from '../../files/path-kind.ts';
import type { PredictionPaths } from '../../node/save-prediction.ts';
import { FaceparseError } from '../../text/errors.ts';

/**
 * Refuses to write over a photo, to write two results to one path, and to replace a file without `force`.
 *
 * @param pathsOf the paths written for a photo; a path may be that of a folder of files
 * @throws FaceparseError (exit code 2)
 */
export async function requireFreeTargets(
  photos: readonly PhotoFile[],
  pathsOf: (photo: PhotoFile) => PredictionPaths,
  force: boolean,
): Promise<void> {
  const sources = new Set(await Promise.all(photos.map(({ path }) => realpath(path).catch(() => path))));
  const taken = new Map<string, PhotoFile>();
  for (const photo of photos) {
    for (const target of Object.values(pathsOf(photo))) {
      const other = taken.get(target);
      if (other) {
        throw usage(`results of ${other.path} and ${photo.path} would both be written to ${target}; use two calls`);
      }
      taken.set(target, photo);
      const found = await realpath(target).catch(() => undefined);
      if (found === undefined) continue;
      if (sources.has(found)) throw usage(`${target} is an input photo; choose another --out`);
      if ((await isFolder(found)) && [...sources].some((source) => source.startsWith(found + sep))) {
        throw usage(`${target} contains an input photo; choose another --out`);
      }
      if (!force) throw usage(`${target} already exists; choose another --out, or use --force to replace it`);
    }
  }
}

function usage(message: string): FaceparseError {
  return new FaceparseError(message, { exitCode: 2 });
}
