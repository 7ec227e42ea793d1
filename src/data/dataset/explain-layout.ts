import { readdir } from 'node:fs/promises';
import { basename, dirname, extname, join, resolve } from 'node:path';
import { isFolder } from '../../files/path-kind.ts';
import { celebamask19 } from '../../labels/celebamask-19.ts';
import { countOf } from '../../text/counts.ts';
import { nameSome } from '../../text/name-some.ts';
import { type LeftAlone, listImages } from './list-images.ts';
import { findMaskSuffix, stemOf } from './mask-names.ts';

/** Folders and the archive of the CelebAMask-HQ download, in the spellings in use. */
const rawNames = /^celeb.*(mask.?anno|hq.?img|hq\.zip$)/i;
const rawPart = new RegExp(`^\\d+_(${celebamask19.classes.map(({ name }) => name).join('|')})\\.png$`, 'i');

/** Other names for `images/` and `masks/`. */
const imagesNames = /^(image|img|photo|picture)s?$/i;
const masksNames =
  /^(masks?|labels?|annotations?|annos?|segmentations?|segs?|gt|ground.?truth|label.?maps?|parsings?)$/i;

const layout = 'a dataset folder contains images/ (photos) and masks/ (PNG)';

async function listFolders(folder: string): Promise<string[]> {
  const names = await readdir(folder).catch(() => []);
  const areFolders = await Promise.all(names.map((name) => isFolder(join(folder, name))));
  return names.filter((name, index) => areFolders[index] && !name.startsWith('.')).sort();
}

async function imagesIn(folder: string): Promise<readonly string[]> {
  return listImages(folder).then(
    ({ images }) => images,
    () => [],
  );
}

/** The folder to give to `data prepare`, if this one is part of the CelebAMask-HQ download or above it. */
async function findRawDownload(folder: string): Promise<string | undefined> {
  if (rawNames.test(basename(resolve(folder)))) return dirname(resolve(folder));
  const names = await readdir(folder).catch(() => []);
  const found = names.filter((name) => rawNames.test(name) || rawPart.test(name));
  if (found.length > 0) return found.length === 1 && /\.zip$/i.test(found[0]) ? join(folder, found[0]) : folder;
  for (const name of await listFolders(folder)) {
    const inside = await readdir(join(folder, name)).catch(() => []);
    if (inside.some((one) => rawNames.test(one) || rawPart.test(one))) return folder;
  }
  return undefined;
}

/** Whether the images of a folder are photos with their masks beside them: a.jpg and a.png, or a.png and a_mask.png. */
function arePairs(images: readonly string[]): boolean {
  const isPng = (path: string): boolean => extname(path).toLowerCase() === '.png';
  const [pngs, photos] = [images.filter(isPng).map(stemOf), images.filter((path) => !isPng(path)).map(stemOf)];
  const known = new Set(photos);
  if (pngs.some((stem) => known.has(stem)) || findMaskSuffix(known, pngs) !== '') return true;
  const all = new Set(pngs);
  return pngs.some(
    (stem) => /^(.+)[_.-](mask|label|seg|parsing)s?$/i.test(stem) && all.has(stem.replace(/[_.-]\w+$/, '')),
  );
}

/**
 * The fix for a dataset folder without `images/`, by what is in it: another spelling of `images/`, the CelebAMask-HQ download,
 * photos or masks only, or both side by side.
 */
export async function remedyForMissingImages(folder: string): Promise<string> {
  const parent = dirname(resolve(folder));
  if (/^(images|masks)$/i.test(basename(resolve(folder))) && (await isFolder(join(parent, 'images')))) {
    return `use ${dirname(folder) === '.' ? parent : dirname(folder)}, the folder that contains images/ and masks/`;
  }
  const raw = await findRawDownload(folder);
  if (raw !== undefined) {
    return `it seems to be the download of CelebAMask-HQ; make a dataset of it with faceparse data prepare ${raw} --out NEW_FOLDER`;
  }
  const folders = await listFolders(folder);
  const renames = [
    ...folders
      .filter((name) => imagesNames.test(name))
      .slice(0, 1)
      .map((name) => `${name}/ to images/`),
    ...folders
      .filter((name) => name !== 'masks' && masksNames.test(name))
      .slice(0, 1)
      .map((name) => `${name}/ to masks/`),
  ];
  if (folders.some((name) => imagesNames.test(name))) return `rename ${renames.join(' and ')}`;
  const masksFolder = folders.find((name) => masksNames.test(name));
  const images = await imagesIn(folder);
  if (masksFolder !== undefined && images.length === 0) {
    const masks = await imagesIn(join(folder, masksFolder));
    return `it contains only ${masksFolder}/ (${countOf(masks.length, 'image')}); put the photos in images/`;
  }
  if (images.length === 0) return layout;
  if (arePairs(images)) {
    return `it contains photos and masks side by side (${nameSome(images.map((path) => basename(path)))}); move the photos to images/ and the masks to masks/`;
  }
  const names = nameSome(images.map((path) => basename(path)));
  return `it contains ${countOf(images.length, 'image')} directly (${names}); move the photos to images/ and their masks to masks/ (predict takes a folder of photos as it is)`;
}

/** The subfolders of a folder that contain images at any depth, from what was left alone in it. */
export async function listSubfoldersWithImages(folder: string, leftAlone: readonly LeftAlone[]): Promise<string[]> {
  const found: string[] = [];
  for (const { path, reason } of leftAlone) {
    if (reason !== 'a folder' || dirname(path) !== folder) continue;
    const { images } = await listImages(path, { recursive: true }).catch(() => ({ images: [] }));
    if (images.length > 0) found.push(basename(path));
  }
  return found;
}

/** The folder beside `images/` with the name of a masks folder and at least half of the masks; undefined if there is none. */
export async function findMasksElsewhere(folder: string, photos: ReadonlySet<string>): Promise<string | undefined> {
  for (const name of await listFolders(folder)) {
    if (name === 'masks' || !masksNames.test(name)) continue;
    const pngs = (await imagesIn(join(folder, name))).filter((path) => extname(path).toLowerCase() === '.png');
    const stems = pngs.map(stemOf);
    const suffix = findMaskSuffix(photos, stems);
    const pairs = stems.filter((stem) => photos.has(stem.slice(0, stem.length - suffix.length))).length;
    if (pairs > 0 && 2 * pairs >= photos.size) return name;
  }
  return undefined;
}
