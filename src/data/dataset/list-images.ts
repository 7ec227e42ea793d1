import { lstat, readdir, realpath, stat } from 'node:fs/promises';
import { basename, dirname, extname, join } from 'node:path';
import { readHead } from '../../files/read-head.ts';
import { contentBytes, contentOf, photoExtensions } from '../../formats/file-content.ts';
import { ImageError } from '../../image/read-image.ts';
import { FaceparseError } from '../../text/errors.ts';
import { nameSome } from '../../text/name-some.ts';

/** A file or folder that was not used. */
export interface LeftAlone {
  readonly path: string;
  /** What it is, such as `hidden`, `a text file` or `a folder`. */
  readonly reason: string;
}

/** The contents of a folder, as far as images are concerned. */
export interface ImageListing {
  /** Files that contain an image, or have the extension of one; sorted. */
  readonly images: readonly string[];
  readonly leftAlone: readonly LeftAlone[];
  /** Files and folders that could not be read. */
  readonly problems: readonly ImageError[];
}

/** How a folder is searched for images. */
export interface ListOptions {
  /** Also searches subfolders; default false. */
  readonly recursive?: boolean;
  /** A folder that is not searched, such as the output folder. */
  readonly exclude?: string;
}

type Found = { image: string } | { leftAlone: LeftAlone } | { problem: ImageError } | { folder: string };

function unreadable(path: string, error: unknown): ImageError {
  const { code, message } = error as NodeJS.ErrnoException;
  const reason = code === 'EACCES' || code === 'EPERM' ? 'permission denied' : message;
  return new ImageError(path, `cannot be read (${reason})`, 'check its permissions', error);
}

async function inspect(path: string): Promise<Found> {
  const leave = (reason: string): Found => ({ leftAlone: { path, reason } });
  // Desktops create names with a leading dot (.DS_Store, ._1.jpg); they are never data.
  if (basename(path).startsWith('.')) return leave('hidden');
  // Node replaces bytes that are not UTF-8, so that the name leads nowhere.
  if (basename(path).includes('\ufffd') && !(await lstat(path).catch(() => undefined))) {
    return { problem: new ImageError(path, 'has a name that is not valid UTF-8', 'rename it') };
  }
  const named = photoExtensions.includes(extname(path).toLowerCase());
  try {
    const info = await stat(path);
    if (info.isDirectory()) return { folder: path };
    if (!info.isFile()) return leave('a device');
    // A file with the extension of a photo is meant as one: if it is not, reading it reports that.
    if (named) return { image: path };
    const { name, kind } = contentOf(await readHead(path, contentBytes));
    return kind === 'other' ? leave(name) : { image: path };
  } catch (error) {
    if (named) return { image: path };
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return leave('a broken link');
    return { problem: unreadable(path, error instanceof FaceparseError ? error.cause : error) };
  }
}

async function namesIn(folder: string): Promise<string[]> {
  return (await readdir(folder)).sort();
}

/**
 * Lists the images of a folder by extension and, for other extensions, by content. Everything else is named in `leftAlone` or
 * `problems`, so that nothing is skipped without a word.
 *
 * @throws FaceparseError (exit code 2) if the folder itself cannot be read
 */
export async function listImages(folder: string, options: ListOptions = {}): Promise<ImageListing> {
  const { recursive = false, exclude } = options;
  const images: string[] = [];
  const leftAlone: LeftAlone[] = [];
  const problems: ImageError[] = [];
  // Links can lead back to a folder above.
  const visited = new Set<string>();
  const excluded = exclude === undefined ? undefined : await realpath(exclude).catch(() => undefined);
  const visit = async (names: readonly string[], parent: string): Promise<void> => {
    for (const name of names) {
      const found = await inspect(join(parent, name));
      if ('image' in found) images.push(found.image);
      else if ('leftAlone' in found) leftAlone.push(found.leftAlone);
      else if ('problem' in found) problems.push(found.problem);
      else await enter(found.folder);
    }
  };
  const enter = async (path: string): Promise<void> => {
    if (!recursive) return void leftAlone.push({ path, reason: 'a folder' });
    try {
      const real = await realpath(path);
      if (real === excluded) return void leftAlone.push({ path, reason: 'the output folder' });
      if (visited.has(real)) return void leftAlone.push({ path, reason: 'a link to a folder that was searched' });
      visited.add(real);
      await visit(await namesIn(path), path);
    } catch (error) {
      problems.push(unreadable(path, error));
    }
  };
  let names: string[];
  try {
    names = await namesIn(folder);
    visited.add(await realpath(folder));
  } catch (error) {
    throw new FaceparseError(unreadable(folder, error).message, { exitCode: 2, cause: error });
  }
  await visit(names, folder);
  return { images, leftAlone, problems };
}

/**
 * Names what was left alone, in one line; an empty list if there is nothing.
 *
 * @example leftAloneNotes(leftAlone) // ['left alone in images: readme.txt (a text file), .DS_Store (hidden)']
 */
export function leftAloneNotes(leftAlone: readonly LeftAlone[]): string[] {
  const folders = new Set(leftAlone.map(({ path }) => dirname(path)));
  return [...folders].map((folder) => {
    const inFolder = leftAlone.filter(({ path }) => dirname(path) === folder);
    return `left alone in ${folder}: ${nameSome(
      inFolder.map(({ path, reason }) => `${basename(path)} (${reason})`),
      6,
    )}`;
  });
}
