import type { Dataset, DatasetItem } from '../data/dataset/dataset.ts';
import { pairFault } from '../data/dataset/mask-faults.ts';
import { runConcurrently } from '../data/dataset/run-concurrently.ts';
import { classCounts } from '../data/decoded/class-counts.ts';
import { type DecodedDataset, repairKinds } from '../data/decoded/decoded-dataset.ts';
import { ImageError, readMask, readPhoto } from '../image/read-image.ts';
import { ignoreLabel, type LabelSet } from '../labels/label-set.ts';
import { badFiles } from '../text/bad-files.ts';
import { countOf, formatCount } from '../text/counts.ts';
import { FaceparseError } from '../text/errors.ts';
import { nameSome } from '../text/name-some.ts';
import type { DataRecord } from './record/environment.ts';

/** What is wrong with a validation pair, with the way out; undefined if it can be scored. */
async function faultOf({ imagePath, maskPath = '' }: DatasetItem, labelSet: LabelSet): Promise<string | undefined> {
  const [photo, mask] = await Promise.allSettled([readPhoto(imagePath), readMask(maskPath)]);
  for (const read of [photo, mask]) {
    if (read.status === 'fulfilled') continue;
    if (read.reason instanceof ImageError) return read.reason.message;
    throw read.reason;
  }
  if (photo.status === 'rejected' || mask.status === 'rejected') return undefined;
  const fault = pairFault(maskPath, mask.value, photo.value, labelSet);
  if (fault !== undefined) return fault;
  // It can be scored, but a mask that was never drawn would pull down every score.
  if (mask.value.data.every((id) => id === 0)) {
    return `${maskPath} is empty: every pixel is background (0); redraw the mask or remove the pair`;
  }
  return undefined;
}

/**
 * Reads all validation pairs, so that a bad one is found before the first step rather than at the first validation.
 *
 * @throws FaceparseError that names the bad files: the first ten, and their number
 */
export async function checkValidationSet(
  { folder, items }: Dataset,
  labelSet: LabelSet,
  signal: AbortSignal | undefined,
): Promise<void> {
  const found = await runConcurrently(items, (item) => faultOf(item, labelSet), signal && { signal });
  const faults = found.filter((fault) => fault !== undefined);
  if (faults.length > 0) throw badFiles(folder, faults);
}

/**
 * Checks that training masks have pixels to learn from.
 *
 * @returns a line about masks without any; undefined if there are none
 * @throws FaceparseError that names masks if no mask has any: the loss would be 0 and nothing would be learnt
 */
export function checkLabelledPixels(decoded: DecodedDataset, folder: string): string | undefined {
  const { stems, size } = decoded;
  const counts = classCounts(decoded);
  const ignored = stems.filter((_, pair) => counts[pair * 256 + ignoreLabel] === size * size);
  if (ignored.length === 0) return undefined;
  if (ignored.length === stems.length) {
    throw new FaceparseError(
      `no training mask in ${folder} has a pixel to learn from: all pixels are ${ignoreLabel} (ignored) in ` +
        `${nameSome(ignored)}; run \`faceparse data check ${folder}\``,
    );
  }
  const masks = `${formatCount(ignored.length)} of ${countOf(stems.length, 'training mask')}`;
  const verb = ignored.length === 1 ? 'has' : 'have';
  return `${masks} ${verb} no pixel to learn from, because all are ${ignoreLabel} (ignored): ${nameSome(ignored)}`;
}

/** How many masks were repaired; undefined if masks are not repaired. */
export function countRepairs({ repairs }: DecodedDataset): DataRecord['repaired'] {
  if (!repairs) return undefined;
  const count = (kind: number) => repairs.reduce((sum, one) => sum + (one === kind ? 1 : 0), 0);
  return { whole: count(repairKinds.whole), part: count(repairKinds.part) };
}

/** A line about repaired masks; undefined if there are none. */
export function describeRepairs({ repaired, pairs, folder }: DataRecord): string | undefined {
  if (!repaired || repaired.whole + repaired.part === 0) return undefined;
  const { whole, part } = repaired;
  const line =
    `left and right labels exchanged in ${formatCount(whole)} of ${countOf(pairs, 'training mask')}` +
    `, and of a single part in ${formatCount(part)} more (data.repair)`;
  if (whole <= pairs / 2) return line;
  return (
    `${line}. So many are no mistakes but another convention: validation masks are not repaired, and scores will be wrong. ` +
    `Run \`faceparse data check ${folder}\``
  );
}
