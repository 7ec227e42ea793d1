import { type ResizeRule, squareLabels, squarePhoto } from '../../image/preprocessing.ts';
import { readMask, readPhoto } from '../../image/read-image.ts';
import { celebamask19 } from '../../labels/celebamask-19.ts';
import type { LabelSet } from '../../labels/label-set.ts';
import { badFiles } from '../../text/bad-files.ts';
import { FaceparseError } from '../../text/errors.ts';

import type { Dataset, DatasetItem } from '../dataset/dataset.ts';
import { detectSwap, repairSwap } from '../dataset/left-right.ts';
import { idFault } from '../dataset/mask-faults.ts';
import { type RunOptions, runConcurrently } from '../dataset/run-concurrently.ts';
import { type DecodedDataset, decodedBytes, decodedLabels, decodedPhoto, repairKinds } from './decoded-dataset.ts';
import { describeDecodedFile, readDecodedFile, writeDecodedFile } from './decoded-file.ts';

/** Options of `decodeDataset`; progress counts pairs. */
export interface DecodeOptions extends RunOptions {
  /** Side of the decoded images in pixels. */
  readonly size: number;
  /** How other shapes become squares; default: stretched. */
  readonly resize?: ResizeRule;
  /** The label set of the ids. */
  readonly labelSet: LabelSet;
  /** Whether to repair masks with left and right swapped (`repairSwap`). */
  readonly repair: boolean;
  /**
   * 256 entries from ids of the mask files to ids of `labelSet` (`mergeTable`); the files then contain celebamask-19 ids.
   * Without it the files contain ids of `labelSet`.
   */
  readonly mergeTable?: Uint8Array;
  /** Folder for a disk cache, which the next start reads instead of decoding. Without it nothing is written. */
  readonly directory?: string;
  /** Maximum size of the decoded images in bytes. */
  readonly maxBytes?: number;
}

/** 24,000 pairs at 288², or 8,000 at 512². */
const defaultMaxBytes = 8 * 2 ** 30;

/** Photo and mask show the same scene, so their aspect ratios agree up to rounding. */
const shapeTolerance = 0.02;

/**
 * Decodes every pair of a data set once: photos to size×size RGB (`squarePhoto`), masks to size×size ids (`squareLabels`).
 *
 * Masks are repaired and checked at their own size, before merging and resizing. With `directory` the result is also
 * cached in a file named after a hash of everything it depends on (names, sizes and times of the files, and the options). A
 * damaged cache file is replaced. Files for other options stay until the folder is deleted.
 *
 * @throws FaceparseError with the first ten files and their number if a pair has no mask, an image cannot be read, a mask contains an id that is not in its label set,
 *   photo and mask differ in shape, or the images would exceed `maxBytes` (default 8 GiB)
 *
 * @example
 * const decoded = await decodeDataset(await openDataset('data/train'), { size: 512, labelSet: celebamask19, repair: true });
 */
export async function decodeDataset(dataset: Dataset, options: DecodeOptions): Promise<DecodedDataset> {
  const { size, resize, labelSet, repair, mergeTable, directory, signal } = options;
  const decoded: DecodedDataset = {
    labelSet: labelSet.name,
    size,
    stems: dataset.items.map((item) => item.stem),
    buffer: allocate(dataset, size, options.maxBytes ?? defaultMaxBytes),
    ...(repair && { repairs: new Uint8Array(dataset.items.length) }),
  };
  const file =
    directory && (await describeDecodedFile(dataset, { size, resize, labelSet, repair, mergeTable }, directory));
  if (file && (await readDecodedFile(file, decoded, signal))) {
    options.onProgress?.(dataset.items.length, dataset.items.length);
    return decoded;
  }
  await decodePairs(dataset, decoded, options);
  if (file) await writeDecodedFile(file, decoded, signal);
  return decoded;
}

/** Decodes all pairs. A bad pair does not stop the others, so that one error names all bad files. */
async function decodePairs(dataset: Dataset, decoded: DecodedDataset, options: DecodeOptions): Promise<void> {
  const results = await runConcurrently(
    dataset.items,
    async (item, index) => {
      try {
        await decodePair(item, index, decoded, options);
        return undefined;
      } catch (error) {
        if (error instanceof FaceparseError) return error;
        throw error;
      }
    },
    options,
  );
  const faults = results.filter((fault) => fault !== undefined);
  if (faults.length === 1) throw faults[0];
  if (faults.length > 1)
    throw badFiles(
      dataset.folder,
      faults.map(({ message }) => message),
    );
}

function allocate(dataset: Dataset, size: number, maxBytes: number): SharedArrayBuffer {
  const count = dataset.items.length;
  if (count === 0) throw new FaceparseError(`${dataset.folder} contains no images.`);
  if (!Number.isInteger(size) || size < 1 || size > 16_384) {
    throw new FaceparseError(`The cache size is ${size}; it must be an integer from 1 to 16384 pixels.`);
  }
  const bytes = decodedBytes(count, size);
  if (bytes > maxBytes) {
    throw new FaceparseError(
      `${dataset.folder}: ${count} pairs at ${size}×${size} need ${gibibytes(bytes)}, but the image cache is limited to ` +
        `${gibibytes(maxBytes)}. Use a smaller cache size or raise the limit.`,
    );
  }
  try {
    return new SharedArrayBuffer(bytes);
  } catch (cause) {
    throw new FaceparseError(
      `${dataset.folder}: not enough memory for an image cache of ${gibibytes(bytes)}. Use a smaller cache size.`,
      { cause },
    );
  }
}

function gibibytes(bytes: number): string {
  return `${(bytes / 2 ** 30).toFixed(2)} GiB`;
}

async function decodePair(
  item: DatasetItem,
  index: number,
  decoded: DecodedDataset,
  options: DecodeOptions,
): Promise<void> {
  if (item.maskPath === undefined) {
    throw new FaceparseError(`${item.imagePath} has no mask; every image of a training set needs one.`);
  }
  const [photo, mask] = await Promise.all([readPhoto(item.imagePath), readMask(item.maskPath)]);
  if (Math.abs((mask.width * photo.height) / (mask.height * photo.width) - 1) > shapeTolerance) {
    throw new FaceparseError(
      `${item.maskPath} is ${mask.width}×${mask.height}, but its photo is ${photo.width}×${photo.height}: ` +
        'they must have the same shape. Does the mask belong to another photo, or is the photo rotated?',
    );
  }
  const { size, resize = 'stretch-area-bilinear', mergeTable, labelSet } = options;
  const fileSet = mergeTable ? celebamask19 : labelSet;
  checkIds(mask.data, fileSet, item.maskPath);
  const repaired = decoded.repairs ? repairSwap(mask, fileSet) : mask;
  if (decoded.repairs && repaired !== mask) {
    decoded.repairs[index] = detectSwap(mask, fileSet).swapped ? repairKinds.whole : repairKinds.part;
  }
  decodedPhoto(decoded, index).data.set(squarePhoto(photo, size, resize).data);
  const labels = squareLabels(repaired, size, resize, photo).data;
  if (mergeTable) {
    for (let i = 0; i < labels.length; i++) labels[i] = mergeTable[labels[i]];
    checkIds(labels, labelSet, `${item.maskPath} (merged)`);
  }
  decodedLabels(decoded, index).data.set(labels);
}

function checkIds(ids: Uint8Array, set: LabelSet, path: string): void {
  const fault = idFault(path, ids, set);
  if (fault !== undefined) throw new FaceparseError(fault);
}
