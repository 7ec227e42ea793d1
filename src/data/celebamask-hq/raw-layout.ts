import { photoExtensions } from '../../formats/file-content.ts';
import { celebamask19 } from '../../labels/celebamask-19.ts';
import { FaceparseError } from '../../text/errors.ts';
import type { RawFiles } from './raw-files.ts';

/** One part of a face: the class id and the path of its binary PNG. */
export interface RawPart {
  readonly classId: number;
  readonly path: string;
}

/** Where the photos and parts of a download are. */
export interface RawLayout {
  /** Number → paths of the photos with that number (more than one is an error). */
  readonly photos: ReadonlyMap<number, readonly string[]>;
  /** Number → parts, in the order of their class ids. */
  readonly parts: ReadonlyMap<number, readonly RawPart[]>;
  /** Folders of the photos and the parts, for messages. */
  readonly photosFolder: string;
  readonly partsFolder: string;
  /** Path of CelebA-HQ-to-CelebA-mapping.txt, if there is one. */
  readonly mapping?: string;
  /** Paths of the other files in the folder of the download: lists, README, files that desktops create. */
  readonly leftAlone: readonly string[];
  /** Paths of files that are named like parts, but whose part celebamask-19 does not have. */
  readonly unknownParts: readonly string[];
}

const photoPattern = new RegExp(`^0*(\\d{1,7})(?:${photoExtensions.join('|').replaceAll('.', '\\.')})$`, 'i');
const partPattern = /^0*(\d{1,7})_([a-z_]+)\.png$/i;
const anyPartPattern = /^0*\d{1,7}_.+\.png$/i;
const mappingName = 'celeba-hq-to-celeba-mapping.txt';

/** The names in use, without case and punctuation: the official one first, then older and shorter ones. */
const photoFolderNames = [/^celebahqimg$/, /^celeba(mask)?(hq)?(img|image)s?$/, /^(img|image|photo)s?$/];
const partFolderNames = [
  /^celebamaskhqmaskanno$/,
  /^celeba(mask)?(hq)?mask(anno|annotation)?s?$/,
  /^(mask|anno|part|label)/,
];

const classIds = new Map(celebamask19.classes.filter(({ id }) => id > 0).map(({ name, id }) => [name, id]));

const baseName = (path: string): string => path.slice(path.lastIndexOf('/') + 1);
const parentOf = (path: string): string => path.slice(0, Math.max(0, path.lastIndexOf('/')));
const inside = (folder: string, name: string): string => (folder === '' ? name : `${folder}/${name}`);

/** Files that desktops and archivers create; never data. */
const isHidden = (path: string): boolean => path.split('/').some((name) => /^(\.|__MACOSX$)/.test(name));

function rankOf(folder: string, names: readonly RegExp[]): number {
  const plain = baseName(folder)
    .toLowerCase()
    .replace(/[^a-z]/g, '');
  const rank = names.findIndex((name) => name.test(plain));
  return rank < 0 ? names.length : rank;
}

/** The best of the candidates: by name, then the shallowest. */
function chooseFolder(candidates: readonly string[], names: readonly RegExp[], what: string, files: RawFiles): string {
  const ranked = candidates
    .map((folder) => ({ folder, rank: rankOf(folder, names), depth: folder.split('/').length }))
    .sort((a, b) => a.rank - b.rank || a.depth - b.depth || (a.folder < b.folder ? -1 : 1));
  const [best, second] = ranked;
  if (second && second.rank === best.rank && second.depth === best.depth) {
    throw new FaceparseError(
      `${files.source} contains ${what} twice: ${files.locate(best.folder)} and ${files.locate(second.folder)}; use the folder of one download`,
      { exitCode: 2 },
    );
  }
  return best.folder;
}

/** The folder that holds parts: the folder itself, or the parent of the folders 0 to 14. */
function partsRoot(folder: string): string {
  return /^\d+$/.test(baseName(folder)) ? parentOf(folder) : folder;
}

function notFound(files: RawFiles, message: string): FaceparseError {
  return new FaceparseError(
    `${files.source} ${message}; use the unpacked folder CelebAMask-HQ with CelebA-HQ-img/ and CelebAMask-HQ-mask-anno/, or CelebAMask-HQ.zip`,
    { exitCode: 2 },
  );
}

/**
 * Finds the photos, the parts and the mapping in a download.
 *
 * Folders are recognized by the names in use, then by their contents: photos are called `<number>.jpg`, parts
 * `<number>_<part>.png`, with or without leading zeros, in any case.
 *
 * @throws FaceparseError (exit code 2) if photos or parts are missing, or are there twice
 */
export function findLayout(files: RawFiles): RawLayout {
  const withPhotos: string[] = [];
  const withParts = new Set<string>();
  for (const [folder, names] of files.folders) {
    if (isHidden(folder)) continue;
    if (names.some((name) => photoPattern.test(name))) withPhotos.push(folder);
    if (names.some((name) => partOf(name))) withParts.add(partsRoot(folder));
  }
  if (withPhotos.length === 0 && withParts.size === 0) {
    const zip = files.folders.get('')?.find((name) => /\.zip$/i.test(name));
    if (zip !== undefined) {
      throw new FaceparseError(`${files.source} contains no photos, but ${zip}; use ${files.locate(zip)}`, {
        exitCode: 2,
      });
    }
    throw notFound(files, 'contains neither photos <number>.jpg nor parts <number>_<part>.png');
  }
  if (withPhotos.length === 0) throw notFound(files, 'contains parts but no photos <number>.jpg');
  if (withParts.size === 0) {
    const merged = withPhotos.find((folder) => /^masks?$|^labels?$/i.test(baseName(folder)));
    if (merged !== undefined) {
      throw new FaceparseError(
        `${files.source} contains no parts <number>_<part>.png, but ${files.locate(merged)} with one image per face; merged masks need no preparation: put photos in images/ and masks in masks/, then run faceparse data check`,
        { exitCode: 2 },
      );
    }
    if (withPhotos.every((folder) => folder === '')) {
      throw new FaceparseError(
        `${files.source} contains photos but no parts <number>_<part>.png; use the folder above it, which contains CelebAMask-HQ-mask-anno/ too`,
        { exitCode: 2 },
      );
    }
    throw notFound(files, 'contains photos but no parts <number>_<part>.png');
  }
  const photosFolder = chooseFolder(withPhotos, photoFolderNames, 'photos', files);
  const partsFolder = chooseFolder([...withParts], partFolderNames, 'parts', files);

  const leftAlone: string[] = [];
  const unknownParts: string[] = [];
  const photos = new Map<number, string[]>();
  for (const name of files.folders.get(photosFolder) ?? []) {
    const number = photoPattern.exec(name)?.[1];
    if (number === undefined) {
      if (photosFolder !== partsFolder || !anyPartPattern.test(name)) leftAlone.push(inside(photosFolder, name));
      continue;
    }
    const path = inside(photosFolder, name);
    photos.set(Number(number), [...(photos.get(Number(number)) ?? []), path]);
  }
  const used = new Set([photosFolder]);
  const parts = new Map<number, RawPart[]>();
  for (const [folder, names] of files.folders) {
    if (folder !== partsFolder && (parentOf(folder) !== partsFolder || !/^\d+$/.test(baseName(folder)))) continue;
    used.add(folder);
    for (const name of names) {
      const part = partOf(name);
      if (!part) {
        if (anyPartPattern.test(name)) unknownParts.push(inside(folder, name));
        else if (folder !== photosFolder) leftAlone.push(inside(folder, name));
        continue;
      }
      const known = parts.get(part.number);
      const entry = { classId: part.classId, path: inside(folder, name) };
      if (known) known.push(entry);
      else parts.set(part.number, [entry]);
    }
  }
  for (const known of parts.values()) known.sort((a, b) => a.classId - b.classId);

  const home = parentOf(photosFolder);
  let mapping: string | undefined;
  for (const folder of new Set([home, photosFolder, parentOf(partsFolder), ''])) {
    const name = files.folders.get(folder)?.find((one) => one.toLowerCase() === mappingName);
    if (name !== undefined) mapping ??= inside(folder, name);
  }
  for (const [folder, names] of files.folders) {
    if (used.has(folder) || !(home === '' || folder === home || folder.startsWith(`${home}/`))) continue;
    leftAlone.push(...names.map((name) => inside(folder, name)));
  }
  return {
    photos,
    parts,
    photosFolder,
    partsFolder,
    ...(mapping !== undefined && { mapping }),
    leftAlone: leftAlone.sort(),
    unknownParts: unknownParts.sort(),
  };
}

/** The number and class of a part, from its file name. */
function partOf(name: string): { number: number; classId: number } | undefined {
  const match = partPattern.exec(name);
  const classId = match && classIds.get(match[2].toLowerCase());
  return match && classId ? { number: Number(match[1]), classId } : undefined;
}
