import { readdir, stat } from 'node:fs/promises';
import { basename, extname, join } from 'node:path';
import { isFolder } from '../../files/path-kind.ts';
import { FaceparseError } from '../../text/errors.ts';
import { photoExtensions } from './dataset.ts';

/** A photo to be parsed. */
export interface PhotoFile {
  /** File name without its extension; the mask gets the same stem. */
  readonly stem: string;
  readonly path: string;
}

async function photosInFolder(folder: string): Promise<string[]> {
  const images = join(folder, 'images');
  const path = (await isFolder(images)) ? images : folder;
  const names = (await readdir(path))
    .filter((name) => !name.startsWith('.') && photoExtensions.includes(extname(name).toLowerCase()))
    .sort();
  if (names.length === 0) {
    throw new FaceparseError(`${path} contains no photos (${photoExtensions.join(', ')})`, { exitCode: 2 });
  }
  return names.map((name) => join(path, name));
}

/**
 * Finds photos: each path is a photo, or a folder with photos in its `images/` or directly in it.
 *
 * @throws FaceparseError (exit code 2) if a path contains no photos, or two photos would have masks with the same name
 */
export async function findPhotos(paths: readonly string[]): Promise<PhotoFile[]> {
  const files: string[] = [];
  for (const path of paths) {
    const found = await stat(path).catch(() => undefined);
    if (!found) throw new FaceparseError(`no photo or folder at ${path}`, { exitCode: 2 });
    if (found.isFile()) files.push(path);
    else if (found.isDirectory()) files.push(...(await photosInFolder(path)));
    else throw new FaceparseError(`${path} is neither a photo nor a folder`, { exitCode: 2 });
  }
  const photos = files.map((path) => ({ path, stem: basename(path, extname(path)) }));
  const seen = new Map<string, string>();
  for (const { stem, path } of photos) {
    const other = seen.get(stem);
    if (other)
      throw new FaceparseError(`${other} and ${path} would both be written to ${stem}.png; use two calls`, {
        exitCode: 2,
      });
    seen.set(stem, path);
  }
  return photos;
}

/** Finds the photos of a test set. @throws as `findPhotos` does */
export function findTestPhotos(folder: string): Promise<PhotoFile[]> {
  return findPhotos([folder]);
}
