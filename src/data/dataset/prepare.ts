import { mkdir, readdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import sharp from 'sharp';
import { buildFolder } from '../../files/build-folder.ts';
import { isFolder } from '../../files/path-kind.ts';
import type { LabelMap } from '../../image/image.ts';
import { encodeLabelPng } from '../../image/label-png.ts';
import { ImageError, readPhoto } from '../../image/read-image.ts';
import { celebamask19 } from '../../labels/celebamask-19.ts';
import { FaceparseError } from '../../text/errors.ts';
import { type RunOptions, runConcurrently } from './run-concurrently.ts';

const photosFolder = 'CelebAMask-HQ-img';
const partsFolder = 'CelebAMask-HQ-mask-anno';
const imagesPerFolder = 2000;
const largestSize = 4096;

/**
 * The parts in painting order, later over earlier: the order of the class ids 1–18, as in
 * `face_parsing/Data_preprocessing/g_mask.py` of switchablenorms/CelebAMask-HQ. Hair covers ears and skin.
 */
const parts = celebamask19.classes.filter(({ id }) => id > 0);

/** Options of `prepareCelebAMaskHq`. */
export interface PrepareOptions extends RunOptions {
  /** The unpacked CelebAMask-HQ folder, with `CelebAMask-HQ-img/` and `CelebAMask-HQ-mask-anno/`. */
  source: string;
  /** A new or empty folder for `images/` and `masks/`. */
  out: string;
  /** Width and height of photos and masks, in pixels; default 512, the size of the annotations. */
  size?: number;
  /** First and last number of the photos, inclusive; default all. */
  ids?: { first: number; last: number };
}

/** Result of `prepareCelebAMaskHq`. */
export interface PrepareResult {
  readonly pairs: number;
  readonly size: number;
}

async function requireSource(source: string): Promise<void> {
  for (const name of [photosFolder, partsFolder]) {
    if (await isFolder(join(source, name))) continue;
    const deeper = join(source, 'CelebAMask-HQ');
    const remedy = (await isFolder(join(deeper, name)))
      ? `use the folder inside it, ${deeper}`
      : `use the unpacked CelebAMask-HQ folder, which contains ${photosFolder}/ and ${partsFolder}/`;
    throw new FaceparseError(`${source} has no folder ${name}/; ${remedy}`, { exitCode: 2 });
  }
}

/** Returns the numbers of the photos, ascending. */
async function chooseIds(source: string, range: PrepareOptions['ids']): Promise<number[]> {
  const folder = join(source, photosFolder);
  const names = await readdir(folder);
  const ids = names.flatMap((name) => /^(0|[1-9]\d{0,6})\.jpg$/.exec(name)?.[1] ?? []).map(Number);
  ids.sort((a, b) => a - b);
  if (ids.length === 0)
    throw new FaceparseError(`${folder} contains no photos <number>.jpg; is the download unpacked?`);
  if (range === undefined) return ids;
  const { first, last } = range;
  if (!Number.isInteger(first) || !Number.isInteger(last) || first < 0 || last < first) {
    throw new FaceparseError(
      `ids ${first} to ${last} are not a valid range; use two non-negative integers, the smaller first`,
      {
        exitCode: 2,
      },
    );
  }
  const chosen = ids.filter((id) => id >= first && id <= last);
  if (chosen.length !== last - first + 1) {
    const given = new Set(chosen);
    let missing = first;
    while (given.has(missing)) missing++;
    throw new FaceparseError(
      `${folder} contains ${chosen.length} of the ${last - first + 1} photos ${first} to ${last}; ${missing}.jpg is missing; it has ${ids[0]} to ${ids[ids.length - 1]}`,
    );
  }
  return chosen;
}

/** Paths of the parts of an image, by class id; each folder is listed once. */
class PartIndex {
  readonly #source: string;
  readonly #listings = new Map<number, Promise<ReadonlySet<string>>>();

  constructor(source: string) {
    this.#source = source;
  }

  async find(id: number): Promise<{ classId: number; path: string }[]> {
    const number = Math.floor(id / imagesPerFolder);
    const folder = join(this.#source, partsFolder, `${number}`);
    let listing = this.#listings.get(number);
    if (!listing) {
      listing = readdir(folder).then(
        (names) => new Set(names),
        () => new Set(),
      );
      this.#listings.set(number, listing);
    }
    const names = await listing;
    const stem = `${id}`.padStart(5, '0');
    const found = parts
      .map((part) => ({ classId: part.id, name: `${stem}_${part.name}.png` }))
      .filter(({ name }) => names.has(name))
      .map(({ classId, name }) => ({ classId, path: join(folder, name) }));
    if (found.length === 0) {
      throw new FaceparseError(
        `photo ${id}.jpg has no annotation: ${folder} contains no ${stem}_*.png; is ${partsFolder} unpacked completely?`,
      );
    }
    return found;
  }
}

/** Paints the parts over each other in the order of their class ids; a pixel belongs to a part if it is not black. */
async function mergeParts(found: readonly { classId: number; path: string }[]): Promise<LabelMap> {
  let merged: LabelMap | undefined;
  for (const { classId, path } of found) {
    // Parts are RGB, greyscale or palette PNGs, not label maps; readPhoto converts each to RGB.
    const { width, height, data } = await readPhoto(path);
    merged ??= { width, height, data: new Uint8Array(width * height) };
    if (merged.width !== width || merged.height !== height) {
      throw new ImageError(
        path,
        `is ${width}×${height}, but the other parts of this face are ${merged.width}×${merged.height}`,
        'unpack the annotations again',
      );
    }
    if (width !== height)
      throw new ImageError(path, `is ${width}×${height}, not square`, 'unpack the annotations again');
    for (let i = 0, j = 0; i < merged.data.length; i++, j += 3) {
      if (data[j] | data[j + 1] | data[j + 2]) merged.data[i] = classId;
    }
  }
  if (!merged) throw new Error('mergeParts needs at least one part');
  return merged;
}

/** Resizes with nearest neighbour and pixel centres at halves, so ids are never mixed. */
function resizeNearest(map: LabelMap, size: number): LabelMap {
  if (map.width === size && map.height === size) return map;
  const data = new Uint8Array(size * size);
  for (let y = 0, i = 0; y < size; y++) {
    const row = Math.floor(((y + 0.5) * map.height) / size) * map.width;
    for (let x = 0; x < size; x++, i++) data[i] = map.data[row + Math.floor(((x + 0.5) * map.width) / size)];
  }
  return { width: size, height: size, data };
}

/**
 * Converts raw CelebAMask-HQ (`CelebAMask-HQ-img/<n>.jpg` of 1024², one binary PNG of 512² per part in
 * `CelebAMask-HQ-mask-anno/<n / 2000>/<n, five digits>_<part>.png`) to a dataset folder:
 * `images/<n, five digits>.jpg` (Lanczos, quality 95) and `masks/<n, five digits>.png` (8-bit palette, celebamask-19).
 *
 * Masks are merged at their original size and then, if necessary, resized with nearest neighbour. `out` appears only when it
 * is complete. Some raw masks have left and right swapped; run `repairDataset` next.
 *
 * @throws FaceparseError if a folder, a photo or all parts of a photo are missing, a file is damaged, a photo is not square,
 * or parts differ in size
 *
 * @example await prepareCelebAMaskHq({ source: 'CelebAMask-HQ', out: 'data/train', ids: { first: 0, last: 999 } });
 */
export async function prepareCelebAMaskHq(options: PrepareOptions): Promise<PrepareResult> {
  const { source, out, size = 512, ids } = options;
  if (!Number.isInteger(size) || size < 8 || size > largestSize) {
    throw new FaceparseError(`size ${size} is invalid; use an integer from 8 to ${largestSize}`, {
      exitCode: 2,
    });
  }
  await requireSource(source);
  const chosen = await chooseIds(source, ids);
  const index = new PartIndex(source);
  await buildFolder(out, async (aside) => {
    await mkdir(join(aside, 'images'));
    await mkdir(join(aside, 'masks'));
    const prepareOne = async (id: number): Promise<void> => {
      const stem = `${id}`.padStart(5, '0');
      const mask = resizeNearest(await mergeParts(await index.find(id)), size);
      await writeFile(join(aside, 'masks', `${stem}.png`), encodeLabelPng(mask, celebamask19));
      const path = join(source, photosFolder, `${id}.jpg`);
      const { width, height, data } = await readPhoto(path);
      if (width !== height) {
        throw new ImageError(path, `is ${width}×${height}, but the photos are square`, 'restore the original photo');
      }
      await sharp(data, { raw: { width, height, channels: 3 } })
        .resize(size, size, { kernel: 'lanczos3' })
        // Full colour resolution: lips and eyes differ by colour and are only a few pixels high.
        .jpeg({ quality: 95, chromaSubsampling: '4:4:4' })
        .toFile(join(aside, 'images', `${stem}.jpg`));
    };
    await runConcurrently(chosen, prepareOne, options);
  });
  return { pairs: chosen.length, size };
}
