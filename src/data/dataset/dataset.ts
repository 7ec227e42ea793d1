import { readdir } from 'node:fs/promises';
import { basename, extname, join } from 'node:path';
import { isFolder } from '../../files/path-kind.ts';
import { requireFolder } from '../../files/require-folder.ts';
import { readableFormats } from '../../formats/file-content.ts';
import type { ImageError } from '../../image/read-image.ts';
import { countOf } from '../../text/counts.ts';
import { FaceparseError } from '../../text/errors.ts';
import { nameSome } from '../../text/name-some.ts';
import { findMasksElsewhere, listSubfoldersWithImages, remedyForMissingImages } from './explain-layout.ts';
import { type ImageListing, type LeftAlone, listImages } from './list-images.ts';
import { findMaskSuffix, stemOf } from './mask-names.ts';

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

/** A dataset as `openDataset` finds it. */
export interface OpenedDataset extends Dataset {
  /** Files and subfolders that do not belong to it. */
  readonly leftAlone: readonly LeftAlone[];
}

/** The files of a dataset folder, before any check. Stems are in Unicode normal form C. */
export interface DatasetFiles {
  /** Stem → photos with that stem (more than one is an error), sorted by stem. */
  readonly photos: ReadonlyMap<string, readonly string[]>;
  /** Stem → mask with that stem, sorted by stem. */
  readonly masks: ReadonlyMap<string, string>;
  /** What the names of masks have after the stem of their photo, such as `_mask`; usually empty. */
  readonly maskSuffix: string;
  /** Masks that share a stem, such as 1.png and 1.PNG; `masks` contains the first of each. */
  readonly doubledMasks: readonly (readonly string[])[];
  /** Images in `masks/` that are not PNGs, such as a JPEG; sorted. */
  readonly unusableMasks: readonly string[];
  /** Everything else in both folders. */
  readonly leftAlone: readonly LeftAlone[];
  /** Files that could not be read. */
  readonly problems: readonly ImageError[];
}

const maskExtension = '.png';

/** Names of the subfolders that contain a folder `images/`, sorted: the splits of a data folder. */
export async function foldersWithImages(folder: string): Promise<string[]> {
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

const zipRemedy = 'unpack it, or use faceparse data prepare if it is CelebAMask-HQ';

function groupByStem(paths: readonly string[]): Map<string, string[]> {
  const found = new Map<string, string[]>();
  for (const path of paths) {
    const stem = stemOf(path);
    found.set(stem, [...(found.get(stem) ?? []), path]);
  }
  return new Map([...found].sort(([a], [b]) => (a < b ? -1 : 1)));
}

/**
 * Lists the photos and masks of a dataset folder without checking that they match. Photos are found by extension or content.
 * All masks may have the same suffix after the name of their photo.
 *
 * @throws FaceparseError if the folder or its `images/` is missing; suggests the right folder if another level was given
 */
export async function listDatasetFiles(folder: string): Promise<DatasetFiles> {
  await requireFolder(folder, zipRemedy);
  const images = join(folder, 'images');
  if (!(await isFolder(images))) {
    const splits = await foldersWithImages(folder);
    const remedy =
      splits.length > 0
        ? `it contains the splits ${nameSome(splits)}; use one of them, e.g. ${join(folder, await splitToName(folder, splits))}`
        : await remedyForMissingImages(folder);
    throw new FaceparseError(`${folder} has no folder images/; ${remedy}`, { exitCode: 2 });
  }
  const found = await listImages(images);
  const photos = groupByStem(found.images);
  const masksFolder = join(folder, 'masks');
  const inMasks: ImageListing = (await isFolder(masksFolder))
    ? await listImages(masksFolder)
    : { images: [], leftAlone: [], problems: [] };
  const isMask = (path: string) => extname(path).toLowerCase() === maskExtension;
  const byStem = groupByStem(inMasks.images.filter(isMask));
  const maskSuffix = findMaskSuffix(new Set(photos.keys()), [...byStem.keys()]);
  return {
    photos,
    masks: new Map([...byStem].map(([stem, [path]]) => [stem.slice(0, stem.length - maskSuffix.length), path])),
    maskSuffix,
    doubledMasks: [...byStem.values()].filter((paths) => paths.length > 1),
    unusableMasks: inMasks.images.filter((path) => !isMask(path)),
    leftAlone: [...found.leftAlone, ...inMasks.leftAlone],
    problems: [...found.problems, ...inMasks.problems],
  };
}

/** Says why images in masks/ that are not PNGs cannot be masks. */
export function describeUnusableMasks({ unusableMasks }: DatasetFiles): string {
  const names = nameSome(unusableMasks.map((path) => basename(path)));
  return `masks must be PNG, because lossy formats such as JPEG change class ids; not usable: ${names}`;
}

/** The problem and fix of photos that are in subfolders of `images/`; undefined if there are none. */
export async function describePhotosBelow(
  folder: string,
  { leftAlone }: DatasetFiles,
): Promise<[string, string] | undefined> {
  const below = await listSubfoldersWithImages(join(folder, 'images'), leftAlone);
  if (below.length === 0) return undefined;
  return [`contains no photos, but its subfolders do: ${nameSome(below)}`, 'move the photos up into images/'];
}

/** The problem and fix of a folder whose masks are not directly in `masks/`; undefined if none are found. */
export async function describeMasksElsewhere(
  folder: string,
  { photos, leftAlone }: DatasetFiles,
): Promise<[string, string] | undefined> {
  const below = await listSubfoldersWithImages(join(folder, 'masks'), leftAlone);
  if (below.length > 0) {
    return [`masks/ contains no masks, but its subfolders do: ${nameSome(below)}`, 'move the masks up into masks/'];
  }
  const name = await findMasksElsewhere(folder, new Set(photos.keys()));
  return name === undefined
    ? undefined
    : [`${name}/ contains PNGs with the names of the photos`, `if they are the masks, rename ${name}/ to masks/`];
}

function describeDoubled(kind: 'photos' | 'masks', doubled: readonly (readonly string[])[]): string {
  return `two ${kind} with one name: ${nameSome(doubled.map((paths) => paths.join(' and ')))}; keep one of each`;
}

/** The fix for photos without a mask, judged by the names of the masks. */
export function bareRemedy(files: DatasetFiles, bare: readonly string[]): string {
  if (files.unusableMasks.length > 0) return describeUnusableMasks(files);
  const named = bare.flatMap((stem) =>
    [...files.masks.keys()].filter((mask) => mask !== stem && mask.includes(stem)).slice(0, 2),
  );
  if (named.length > 0) {
    return (
      `masks/ contains ${nameSome(named.map((stem) => `${stem}.png`))}; name each mask like its photo, ` +
      'or give all masks the same suffix, such as _mask'
    );
  }
  return bare.length === 1 ? 'add the mask or remove the photo' : 'add the masks or remove the photos';
}

/** Options of `openDataset`. */
export interface OpenOptions {
  /** Whether every photo must have a mask; default true. */
  readonly requireMasks?: boolean;
  /** Called for files that do not form pairs, which are then left out. By default, the first ones are an error. */
  readonly onFailure?: (reason: FaceparseError) => void;
}

/**
 * Opens a dataset folder: photos in `images/` (any readable format), masks in `masks/` (PNG) with the same stems, or all with
 * one suffix such as `_mask`.
 *
 * With `requireMasks: false` (default true) photos may lack a mask, as in a test split. Images are not decoded; use
 * `checkDataset` for that.
 *
 * @throws FaceparseError with files and fix if the folder is missing or has no photos, a photo has no mask, a mask has no
 * photo, or two photos share a stem
 *
 * @example const { items } = await openDataset('data/train'); // items[0].maskPath
 */
export async function openDataset(folder: string, options: OpenOptions = {}): Promise<OpenedDataset> {
  const { requireMasks = true, onFailure } = options;
  const report = (error: FaceparseError): void => {
    if (!onFailure) throw error;
    onFailure(error);
  };
  const fail = (reason: string): void => report(new FaceparseError(`${folder}: ${reason}`));
  const files = await listDatasetFiles(folder);
  const { photos, masks } = files;
  if (photos.size === 0) {
    const below = await describePhotosBelow(folder, files);
    const [message, remedy] = below ?? ['contains no photos', `put photos there (${readableFormats})`];
    throw new FaceparseError(`${join(folder, 'images')} ${message}; ${remedy}`);
  }
  for (const problem of files.problems) report(problem);
  const doubled = [...photos.values()].filter((paths) => paths.length > 1);
  if (doubled.length > 0) fail(describeDoubled('photos', doubled));
  if (files.doubledMasks.length > 0) fail(describeDoubled('masks', files.doubledMasks));
  if (requireMasks && masks.size === 0) {
    const others = files.unusableMasks.length > 0 ? `; ${describeUnusableMasks(files)}` : '';
    const elsewhere = await describeMasksElsewhere(folder, files);
    if (elsewhere) throw new FaceparseError(`${folder} has no masks: ${elsewhere.join('; ')}`);
    throw new FaceparseError(
      `${folder} has no masks: ${join(folder, 'masks')} is missing or contains no PNG; put one mask there for each photo${others}`,
    );
  }
  const bare = [...photos.keys()].filter((stem) => !masks.has(stem));
  if (requireMasks && bare.length > 0) {
    fail(
      `${countOf(bare.length, 'photo')} of ${photos.size} without a mask in masks/: ${nameSome(bare)}; ${bareRemedy(files, bare)}`,
    );
  }
  const orphans = [...masks.keys()].filter((stem) => !photos.has(stem));
  if (orphans.length > 0) {
    fail(
      `${countOf(orphans.length, 'mask')} of ${masks.size} without a photo in images/: ${nameSome(orphans)}; add the photos or remove the masks`,
    );
  }
  const ambiguous = new Set([
    ...doubled.map(([path]) => stemOf(path)),
    ...files.doubledMasks.map(([path]) => stemOf(path).slice(0, stemOf(path).length - files.maskSuffix.length)),
  ]);
  const items = [...photos].flatMap(([stem, [imagePath]]): DatasetItem[] => {
    const maskPath = masks.get(stem);
    if (ambiguous.has(stem) || (requireMasks && maskPath === undefined)) return [];
    return [maskPath === undefined ? { stem, imagePath } : { stem, imagePath, maskPath }];
  });
  if (items.length === 0) throw new FaceparseError(`${folder} contains no pair of a photo and a mask`);
  return { folder, items, leftAlone: files.leftAlone };
}

/**
 * Returns the folder of a split, such as `DATA/train`, from the data folder and the split's name.
 *
 * @throws FaceparseError if it does not exist; lists the available splits, or says that the data folder is itself a split
 *
 * @example await resolveSplit('data', 'val') // 'data/val'
 */
export async function resolveSplit(dataFolder: string, split: string): Promise<string> {
  await requireFolder(dataFolder, zipRemedy);
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
