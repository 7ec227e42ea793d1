import { lstat, stat } from 'node:fs/promises';
import { basename, extname, join, relative, resolve, sep } from 'node:path';
import { isFolder } from '../../files/path-kind.ts';
import { readableFormats } from '../../formats/file-content.ts';
import { ImageError } from '../../image/read-image.ts';
import { FaceparseError } from '../../text/errors.ts';
import { type LeftAlone, type ListOptions, listImages } from './list-images.ts';

/** A photo to be parsed. */
export interface PhotoFile {
  /**
   * Path of the mask without its extension, relative to the output folder: the photo's file name without its extension, after
   * the subfolders in which it was found.
   */
  readonly stem: string;
  readonly path: string;
}

/** Result of `findPhotos`. */
export interface FoundPhotos {
  readonly photos: readonly PhotoFile[];
  readonly leftAlone: readonly LeftAlone[];
  /** Paths that are missing or cannot be read. */
  readonly problems: readonly ImageError[];
}

const usage = (message: string): FaceparseError => new FaceparseError(message, { exitCode: 2 });

async function photosInFolder(folder: string, options: ListOptions): Promise<FoundPhotos> {
  const images = join(folder, 'images');
  const direct = await listImages(folder, options);
  // Photos next to images/ are what the folder is about; a dataset folder has none there.
  const inImages = direct.images.length === 0 && !options.recursive && (await isFolder(images));
  const root = inImages ? images : folder;
  const { images: paths, leftAlone, problems } = inImages ? await listImages(images, options) : direct;
  if (paths.length === 0 && problems.length === 0) {
    const folders = leftAlone.filter(({ reason }) => reason === 'a folder').length;
    const hint =
      folders > 0 ? `; it contains ${folders === 1 ? 'a subfolder' : `${folders} subfolders`}, use --recursive` : '';
    throw usage(`${root} contains no photos (${readableFormats})${hint}`);
  }
  const photos = paths.map((path) => {
    const name = relative(root, path).split(sep).join('/');
    return { path, stem: name.slice(0, name.length - extname(name).length) };
  });
  return { photos, leftAlone, problems };
}

async function photosAt(path: string, options: ListOptions): Promise<FoundPhotos> {
  const found = await stat(path).catch(() => undefined);
  const photo: FoundPhotos = { photos: [{ path, stem: basename(path, extname(path)) }], leftAlone: [], problems: [] };
  if (!found) {
    // Reading reports a broken link.
    if (await lstat(path).catch(() => undefined)) return photo;
    return { ...photo, photos: [], problems: [notFound(path)] };
  }
  if (found.isDirectory()) return photosInFolder(path, options);
  if (!found.isFile()) throw usage(`${path} is neither a photo nor a folder`);
  return photo;
}

function notFound(path: string): ImageError {
  return /^https?:/i.test(path)
    ? new ImageError(path, 'is a URL, which faceparse does not fetch', 'download the photo first')
    : new ImageError(path, 'not found', 'check the path');
}

/** Gives photos that differ by their extension only, such as a.gif and a.webp, masks with the whole name: a.gif.png. */
function tellApart(photos: readonly PhotoFile[]): PhotoFile[] {
  const sharing = new Map<string, number>();
  for (const { stem } of photos) sharing.set(stem, (sharing.get(stem) ?? 0) + 1);
  const named = photos.map((photo) =>
    sharing.get(photo.stem) === 1 ? photo : { ...photo, stem: photo.stem + extname(photo.path) },
  );
  const seen = new Map<string, string>();
  for (const { stem, path } of named) {
    const other = seen.get(stem);
    if (other) throw usage(`${other} and ${path} would both be written to ${stem}.png; use two calls`);
    seen.set(stem, path);
  }
  return named;
}

/**
 * Finds photos: each path is a photo, or a folder with photos in its `images/` or directly in it. With `recursive`, folders are
 * searched as a whole, and stems contain the subfolders.
 *
 * @throws FaceparseError (exit code 2) if a folder contains no photos, nothing is found, or two photos would have masks with
 * the same name
 */
export async function findPhotos(paths: readonly string[], options: ListOptions = {}): Promise<FoundPhotos> {
  const found: FoundPhotos[] = [];
  for (const path of paths) found.push(await photosAt(path, options));
  // A photo may be given twice, also as part of a folder; the first counts.
  const seen = new Set<string>();
  const isNew = (path: string) => !seen.has(path) && seen.add(path);
  const photos = tellApart(found.flatMap((each) => each.photos).filter(({ path }) => isNew(resolve(path))));
  const problems = found.flatMap((each) => each.problems);
  if (photos.length === 0) throw usage(problems.map(({ message }) => message).join('\n') || 'no photo given');
  return { photos, leftAlone: found.flatMap((each) => each.leftAlone), problems };
}

/** Finds the photos of a test set, which must be complete. @throws as `findPhotos` does, and if a file cannot be read */
export async function findTestPhotos(folder: string): Promise<FoundPhotos> {
  const found = await findPhotos([folder]);
  if (found.problems.length > 0) throw found.problems[0];
  return found;
}
