import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import sharp from 'sharp';
import { buildFolder } from '../../files/build-folder.ts';
import type { LabelMap, Photo } from '../../image/image.ts';
import { encodeLabelPng } from '../../image/label-png.ts';
import { ImageError } from '../../image/read-image.ts';
import { celebamask19 } from '../../labels/celebamask-19.ts';
import { countOf } from '../../text/counts.ts';
import { FaceparseError } from '../../text/errors.ts';
import { firstFaults } from '../../text/first-faults.ts';
import { nameSome } from '../../text/name-some.ts';
import { type RunOptions, runConcurrently } from '../dataset/run-concurrently.ts';
import { mergeParts, resizeNearest } from './merge-parts.ts';
import { type OfficialSplit, officialSplits, readOfficialSplit } from './official-split.ts';
import { openRawFiles, type RawFiles } from './raw-files.ts';
import { findLayout, type RawLayout, type RawPart } from './raw-layout.ts';

const largestSize = 4096;

/** Options of `prepareCelebAMaskHq`. */
export interface PrepareOptions extends RunOptions {
  /** The download: CelebAMask-HQ.zip, the folder CelebAMask-HQ, or a folder above it. */
  source: string;
  /** A new or empty folder for `images/` and `masks/`. */
  out: string;
  /** Width and height of photos and masks, in pixels; default 512, the size of the annotations. */
  size?: number;
  /** First and last number of the photos, inclusive; default all. */
  ids?: { first: number; last: number };
  /** `official` writes `train/`, `val/` and `test/` by CelebA-HQ-to-CelebA-mapping.txt of the download. */
  split?: 'official';
}

/** Result of `prepareCelebAMaskHq`. */
export interface PrepareResult {
  readonly pairs: number;
  readonly size: number;
  /** Pairs in each split, with `split: 'official'`; a split without photos gets no folder. */
  readonly splits?: Readonly<Record<OfficialSplit, number>>;
  /** Faces that were left out, with the file and the reason, by number. */
  readonly failures: readonly { readonly number: number; readonly message: string }[];
  /** Files of the download that are not needed, such as its README and lists of attributes. */
  readonly leftAlone: readonly string[];
  /** Part files of which celebamask-19 has no class, such as 00000_beard.png. */
  readonly unknownParts: readonly string[];
  /** Number of part files whose photo is not in the download. */
  readonly partsWithoutPhoto: number;
  /** Numbers of the photos that these parts belong to, ascending. */
  readonly missingPhotos: readonly number[];
  /** Numbers of the written faces that have no skin part, ascending. Their masks may be incomplete. */
  readonly withoutSkin: readonly number[];
  /** Folders of the download that cannot be listed. */
  readonly unreadable: readonly string[];
}

/** Returns the numbers of the photos, ascending. */
function chooseNumbers({ photos, photosFolder }: RawLayout, files: RawFiles, range: PrepareOptions['ids']): number[] {
  const numbers = [...photos.keys()].sort((a, b) => a - b);
  if (range === undefined) return numbers;
  const { first, last } = range;
  if (!Number.isInteger(first) || !Number.isInteger(last) || first < 0 || last < first) {
    throw new FaceparseError(
      `ids ${first} to ${last} are not a valid range; use two non-negative integers, the smaller first`,
      { exitCode: 2 },
    );
  }
  const chosen = numbers.filter((number) => number >= first && number <= last);
  if (chosen.length !== last - first + 1) {
    const given = new Set(chosen);
    let missing = first;
    while (given.has(missing)) missing++;
    throw new FaceparseError(
      `${files.locate(photosFolder)} contains ${chosen.length} of the ${last - first + 1} photos ${first} to ${last}; ${missing}.jpg is missing; it has ${numbers[0]} to ${numbers[numbers.length - 1]}`,
    );
  }
  return chosen;
}

/** The split of every chosen photo, from the mapping of the download. */
async function splitsOf(
  numbers: readonly number[],
  { mapping, photosFolder }: RawLayout,
  files: RawFiles,
): Promise<Map<number, OfficialSplit>> {
  if (mapping === undefined) {
    throw new FaceparseError(
      `the official split needs CelebA-HQ-to-CelebA-mapping.txt, which is not next to ${files.locate(photosFolder)}; copy it from the download, or leave out --split`,
    );
  }
  const splits = readOfficialSplit(await files.readText(mapping), files.locate(mapping));
  const missing = numbers.filter((number) => !splits.has(number));
  if (missing.length > 0) {
    throw new FaceparseError(
      `${files.locate(mapping)} lists ${numbers.length - missing.length} of the ${numbers.length} photos; photo ${missing[0]} is missing; use the file of the download, or leave out --split`,
    );
  }
  return splits;
}

/** Reads a photo and its parts. @throws FaceparseError that names the file */
async function readFace(
  number: number,
  { photos, parts, partsFolder }: RawLayout,
  files: RawFiles,
): Promise<{ photo: Photo; mask: LabelMap }> {
  const paths = photos.get(number) ?? [];
  if (paths.length > 1) {
    throw new FaceparseError(
      `two photos have the number ${number}: ${paths.map(files.locate).join(' and ')}; keep one`,
    );
  }
  const [path] = paths;
  const found = parts.get(number);
  if (!found) {
    const stem = `${number}`.padStart(5, '0');
    throw new FaceparseError(
      `${files.locate(path)} has no annotation: ${files.locate(partsFolder)} contains no ${stem}_<part>.png; unpack the annotations again`,
    );
  }
  const twice = found.find(({ classId }, index) => classId === found[index + 1]?.classId);
  if (twice) {
    const both = found.filter(({ classId }) => classId === twice.classId).map((part) => files.locate(part.path));
    throw new FaceparseError(`one part is there twice: ${both.join(' and ')}; keep one`);
  }
  const mask = await mergeParts(found, files.readImage, files.locate);
  const photo = await files.readImage(path);
  if (photo.width !== photo.height) {
    const { width, height } = photo;
    throw new ImageError(
      files.locate(path),
      `is ${width}×${height}, but the photos are square`,
      'restore the original photo',
    );
  }
  return { photo, mask };
}

async function writeFace(folder: string, number: number, photo: Photo, mask: LabelMap, size: number): Promise<void> {
  const { width, height, data } = photo;
  const stem = `${number}`.padStart(5, '0');
  await writeFile(join(folder, 'masks', `${stem}.png`), encodeLabelPng(resizeNearest(mask, size), celebamask19));
  const jpeg = await sharp(data, { raw: { width, height, channels: 3 } })
    .resize(size, size, { kernel: 'lanczos3' })
    // Full colour resolution: lips and eyes differ by colour and are only a few pixels high.
    .jpeg({ quality: 95, chromaSubsampling: '4:4:4' })
    .toBuffer();
  // Not toFile, whose errors do not tell a full disk from other problems.
  await writeFile(join(folder, 'images', `${stem}.jpg`), jpeg);
}

/**
 * Converts CelebAMask-HQ as it is downloaded, zip or unpacked, to a dataset folder: `images/<number, five digits>.jpg`
 * (Lanczos, quality 95) and `masks/<number, five digits>.png` (8-bit palette, celebamask-19).
 *
 * The download has photos of 1024² in `CelebA-HQ-img/` and a binary PNG of 512² per part in `CelebAMask-HQ-mask-anno/0/` to
 * `14/`. Other names of these folders are recognized, see `findLayout`. A zip is read without unpacking it. Masks are merged
 * at their original size and then resized with nearest neighbour if necessary. Parts may be missing, but each face needs one.
 * A face with a damaged file is left out and reported in `failures`.
 *
 * `out` appears only when it is complete. Some raw masks have left and right swapped; run `repairDataset` next.
 *
 * @throws FaceparseError if photos or parts are missing, no face is usable, or the mapping lacks a photo
 * @example await prepareCelebAMaskHq({ source: 'CelebAMask-HQ.zip', out: 'data', split: 'official' });
 */
export async function prepareCelebAMaskHq(options: PrepareOptions): Promise<PrepareResult> {
  const { source, out, size = 512, ids, split } = options;
  if (!Number.isInteger(size) || size < 8 || size > largestSize) {
    throw new FaceparseError(`size ${size} is invalid; use an integer from 8 to ${largestSize}`, {
      exitCode: 2,
    });
  }
  const files = await openRawFiles(source);
  try {
    const layout = findLayout(files);
    const numbers = chooseNumbers(layout, files, ids);
    const splits = split === 'official' ? await splitsOf(numbers, layout, files) : undefined;
    const missingPhotos = photosMissing(layout, ids);
    const failures: { number: number; message: string }[] = [];
    const counts = { train: 0, val: 0, test: 0 };
    await buildFolder(out, async (aside) => {
      const used = splits && new Set(numbers.map((number) => splits.get(number)));
      const folders = used ? officialSplits.filter((name) => used.has(name)).map((name) => join(aside, name)) : [aside];
      for (const folder of folders) {
        await mkdir(join(folder, 'images'), { recursive: true });
        await mkdir(join(folder, 'masks'));
      }
      const prepareOne = async (number: number): Promise<void> => {
        const face = await readFace(number, layout, files).catch((error: unknown) => {
          if (!(error instanceof FaceparseError)) throw error;
          failures.push({ number, message: error.message });
        });
        if (!face) return;
        const name = splits?.get(number);
        await writeFace(name ? join(aside, name) : aside, number, face.photo, face.mask, size);
        if (name) counts[name]++;
      };
      await runConcurrently(numbers, prepareOne, options);
      failures.sort((a, b) => a.number - b.number);
      if (failures.length === numbers.length) throw nothingUsable(files, failures, missingPhotos);
    });
    const failed = new Set(failures.map(({ number }) => number));
    return {
      pairs: numbers.length - failures.length,
      size,
      ...(splits && { splits: counts }),
      failures,
      leftAlone: layout.leftAlone.filter((path) => !splits || path !== layout.mapping),
      unknownParts: layout.unknownParts,
      partsWithoutPhoto: missingPhotos.reduce((sum, number) => sum + (layout.parts.get(number)?.length ?? 0), 0),
      missingPhotos,
      withoutSkin: numbers.filter((number) => !failed.has(number) && !hasSkin(layout.parts.get(number) ?? [])),
      unreadable: files.unreadable,
    };
  } finally {
    files.close();
  }
}

/** The numbers of parts in the range whose photo the download does not contain. */
function photosMissing({ parts, photos }: RawLayout, range: PrepareOptions['ids']): number[] {
  const { first, last } = range ?? { first: 0, last: Number.POSITIVE_INFINITY };
  return [...parts.keys()]
    .filter((number) => !photos.has(number) && number >= first && number <= last)
    .sort((a, b) => a - b);
}

function hasSkin(parts: readonly RawPart[]): boolean {
  return parts.some(({ classId }) => celebamask19.classes[classId].name === 'skin');
}

function nothingUsable(
  files: RawFiles,
  failures: readonly { message: string }[],
  missingPhotos: readonly number[],
): FaceparseError {
  const faults = firstFaults(failures.map(({ message }) => message));
  if (missingPhotos.length > 0) {
    faults.push(
      `There are parts of ${countOf(missingPhotos.length, 'photo')} that the download does not contain: ${nameSome(missingPhotos.map(String), 5)}.`,
    );
  }
  return new FaceparseError(`none of the ${failures.length} faces in ${files.source} is usable:`, { faults });
}
