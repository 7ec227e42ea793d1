import { readdir, stat } from 'node:fs/promises';
import { extname, join } from 'node:path';
import { isFolder } from '../../files/path-kind.ts';
import { FaceparseError } from '../../text/errors.ts';

/** A photo and its mask, if any. */
export interface DatasetItem {
  /** File name without its extension, the same for photo and mask. */
  readonly stem: string;
  readonly imagePath: string;
  readonly maskPath?: string;
}

/** An opened folder with `images/` and `masks/`; items are sorted by stem. */
export interface Dataset {
  readonly folder: string;
  readonly items: readonly DatasetItem[];
}

/** The files of a dataset folder, before any check. */
export interface DatasetFiles {
  /** Stem → photos with that stem (more than one is an error), sorted by stem. */
  readonly photos: ReadonlyMap<string, readonly string[]>;
  /** Stem → mask with that stem, sorted by stem. */
  readonly masks: ReadonlyMap<string, string>;
}

/** File extensions of photos, in lower case. */
export const photoExtensions = ['.jpg', '.jpeg', '.png', '.webp'];
const maskExtensions = ['.png'];

/** Lists at most three names and counts the rest. */
function nameSome(names: readonly string[]): string {
  const shown = names.slice(0, 3).join(', ');
  return names.length > 3 ? `${shown} and ${names.length - 3} more` : shown;
}

async function foldersWithImages(folder: string): Promise<string[]> {
  const entries = await readdir(folder, { withFileTypes: true });
  const found: string[] = [];
  for (const entry of entries) {
    if (await isFolder(join(folder, entry.name, 'images'))) found.push(entry.name);
  }
  return found.sort();
}

/** A split with masks where there is one, since most work needs them; the validation set before others. */
async function splitToName(folder: string, splits: readonly string[]): Promise<string> {
  const withMasks: string[] = [];
  for (const split of splits) if (await isFolder(join(folder, split, 'masks'))) withMasks.push(split);
  return withMasks.find((split) => split === 'val') ?? withMasks[0] ?? splits[0];
}

async function requireFolder(folder: string): Promise<void> {
  if (await isFolder(folder)) return;
  const isFile = await stat(folder).then(
    () => true,
    () => false,
  );
  throw new FaceparseError(
    isFile ? `${folder} is a file, not a folder` : `folder ${folder} not found; check the path`,
    { exitCode: 2 },
  );
}

async function listByStem(folder: string, extensions: readonly string[]): Promise<Map<string, string[]>> {
  const names = (await readdir(folder)).filter(
    // Names with a leading dot (._1.jpg) are created by desktops; they are never data.
    (name) => !name.startsWith('.') && extensions.includes(extname(name).toLowerCase()),
  );
  const found = new Map<string, string[]>();
  for (const name of names.sort()) {
    const stem = name.slice(0, -extname(name).length);
    found.set(stem, [...(found.get(stem) ?? []), join(folder, name)]);
  }
  return new Map([...found].sort(([a], [b]) => (a < b ? -1 : 1)));
}

/**
 * Lists the photos and masks of a dataset folder without checking that they match.
 *
 * @throws FaceparseError if the folder or its `images/` is missing; suggests the right folder if another level was given
 */
export async function listDatasetFiles(folder: string): Promise<DatasetFiles> {
  await requireFolder(folder);
  const images = join(folder, 'images');
  if (!(await isFolder(images))) {
    const splits = await foldersWithImages(folder);
    const remedy =
      splits.length > 0
        ? `it contains the splits ${nameSome(splits)}; use one of them, e.g. ${join(folder, await splitToName(folder, splits))}`
        : 'a dataset folder contains images/ (photos) and masks/ (PNG)';
    throw new FaceparseError(`${folder} has no folder images/; ${remedy}`, { exitCode: 2 });
  }
  const photos = await listByStem(images, photoExtensions);
  const masksFolder = join(folder, 'masks');
  const masks = new Map<string, string>();
  if (await isFolder(masksFolder)) {
    for (const [stem, paths] of await listByStem(masksFolder, maskExtensions)) masks.set(stem, paths[0]);
  }
  return { photos, masks };
}

/**
 * Opens a dataset folder: photos in `images/` (jpg, jpeg, png, webp), masks in `masks/` (png) with the same stems.
 *
 * With `requireMasks: false` (default true) photos may lack a mask, as in a test split. Images are not decoded; use
 * `checkDataset` for that.
 *
 * @throws FaceparseError with files and fix if the folder is missing or has no photos, a photo has no mask, a mask has no
 * photo, or two photos share a stem
 *
 * @example const { items } = await openDataset('data/train'); // items[0].maskPath
 */
export async function openDataset(folder: string, options: { requireMasks?: boolean } = {}): Promise<Dataset> {
  const { requireMasks = true } = options;
  const { photos, masks } = await listDatasetFiles(folder);
  if (photos.size === 0) {
    throw new FaceparseError(
      `${join(folder, 'images')} contains no photos; put photos there (${photoExtensions.map((e) => e.slice(1)).join(', ')})`,
    );
  }
  const doubled = [...photos.values()].filter((paths) => paths.length > 1);
  if (doubled.length > 0) {
    throw new FaceparseError(
      `${folder}: two photos with one name: ${nameSome(doubled.map((paths) => paths.join(' and ')))}; keep one of each`,
    );
  }
  if (requireMasks && masks.size === 0) {
    throw new FaceparseError(
      `${folder} has no masks: ${join(folder, 'masks')} is missing or contains no PNG; put one mask there for each photo`,
    );
  }
  const bare = [...photos.keys()].filter((stem) => !masks.has(stem));
  if (requireMasks && bare.length > 0) {
    throw new FaceparseError(
      `${folder}: ${count(bare.length, 'photo')} of ${photos.size} without a mask in masks/: ${nameSome(bare)}; add the masks or remove the photos`,
    );
  }
  const orphans = [...masks.keys()].filter((stem) => !photos.has(stem));
  if (orphans.length > 0) {
    throw new FaceparseError(
      `${folder}: ${count(orphans.length, 'mask')} of ${masks.size} without a photo in images/: ${nameSome(orphans)}; add the photos or remove the masks`,
    );
  }
  const items = [...photos].map(([stem, paths]) => {
    const maskPath = masks.get(stem);
    return maskPath === undefined ? { stem, imagePath: paths[0] } : { stem, imagePath: paths[0], maskPath };
  });
  return { folder, items };
}

function count(n: number, noun: string): string {
  return `${n} ${noun}${n === 1 ? '' : 's'}`;
}

/**
 * Returns the folder of a split, such as `DATA/train`, from the data folder and the split's name.
 *
 * @throws FaceparseError if it does not exist; lists the available splits, or says that the data folder is itself a split
 *
 * @example await resolveSplit('data', 'val') // 'data/val'
 */
export async function resolveSplit(dataFolder: string, split: string): Promise<string> {
  await requireFolder(dataFolder);
  const folder = join(dataFolder, split);
  if (await isFolder(folder)) return folder;
  const asked = `no split ${JSON.stringify(split)} in ${dataFolder}`;
  if (await isFolder(join(dataFolder, 'images'))) {
    throw new FaceparseError(
      `${asked}: it contains images/, so it is itself a split; use its parent folder, ${join(dataFolder, '..')}`,
      { exitCode: 2 },
    );
  }
  const splits = await foldersWithImages(dataFolder);
  throw new FaceparseError(
    splits.length > 0
      ? `${asked}; available splits: ${splits.join(', ')}`
      : `${asked}; a data folder contains train/, val/ and test/, each with images/ and masks/`,
    { exitCode: 2 },
  );
}
