import type { Dataset, DatasetItem } from '../data/dataset/dataset.ts';
import { repairSwap } from '../data/dataset/left-right.ts';
import { fileLabelSet, pairFault, scoringFault } from '../data/dataset/mask-faults.ts';
import type { LabelMap, Photo } from '../image/image.ts';
import { readMask, readPhoto } from '../image/read-image.ts';
import { conversionTable } from '../labels/convert-labels.ts';
import type { LabelSet } from '../labels/label-set.ts';
import { mergeTable } from '../labels/merge.ts';
import { FaceScore, type ImageScore, type ScoreSummary } from '../metrics/face-score.ts';
import type { FaceParser } from '../parser/face-parser.ts';
import type { ParseTiming } from '../parser/result/parse-result.ts';
import { FaceparseError } from '../text/errors.ts';

/** One scored image. */
export interface ScoredImage {
  readonly item: DatasetItem;
  readonly photo: Photo;
  readonly truth: LabelMap;
  readonly prediction: LabelMap;
  readonly timing: ParseTiming;
  readonly score: ImageScore;
}

export interface EvaluationOptions {
  /** Score only the first images. */
  readonly limit?: number;
  /** Whether to repair masks with swapped left and right first, as in training. */
  readonly repair?: boolean;
  /** Classes to score in, if they are not those of the network, whose classes must merge into them. */
  readonly labelSet?: LabelSet;
  readonly signal?: AbortSignal;
  /**
   * Called with the reason for each pair that cannot be read or scored; such pairs are left out. By default, the first one is an
   * error.
   */
  readonly onFailure?: (reason: FaceparseError) => void;
  readonly onImage?: (image: ScoredImage, done: number, total: number) => void | Promise<void>;
}

/** The truth that a mask means, in ids of the label set; `repair` corrects swapped left and right labels. */
function truthOf(file: LabelMap, set: LabelSet, repair: boolean): LabelMap {
  const mask = repair ? repairSwap(file, fileLabelSet(set)) : file;
  if (!set.mergeFrom) return mask;
  const table = mergeTable(set);
  return { ...mask, data: mask.data.map((id) => table[id]) };
}

/** The truth of a pair at its own size, in ids of the label set; `repair` corrects swapped left and right labels. */
export async function readTruth({ maskPath }: DatasetItem, set: LabelSet, repair = false): Promise<LabelMap> {
  return truthOf(await readMask(maskPath!), set, repair);
}

/**
 * The truth of a pair, fit to be scored.
 *
 * @throws FaceparseError if the mask has a label outside the set, or no pixel that counts
 */
export async function readScorableTruth({ maskPath }: DatasetItem, set: LabelSet): Promise<LabelMap> {
  const mask = await readMask(maskPath!);
  const fault = scoringFault(maskPath!, mask.data, set);
  if (fault !== undefined) throw new FaceparseError(fault);
  return truthOf(mask, set, false);
}

/** Photo and truth of a pair, fit to be scored. */
async function readPair(
  item: DatasetItem,
  set: LabelSet,
  repair: boolean,
): Promise<{ readonly photo: Photo; readonly truth: LabelMap }> {
  const [photo, mask] = await Promise.all([readPhoto(item.imagePath), readMask(item.maskPath!)]);
  const fault = pairFault(item.maskPath!, mask, photo, set);
  if (fault !== undefined) throw new FaceparseError(fault);
  return { photo, truth: truthOf(mask, set, repair) };
}

/** The table from one label set to another. @throws FaceparseError (exit code 2) if there is none */
function requireConversion(from: LabelSet, to: LabelSet): Uint8Array {
  const table = conversionTable(from, to);
  if (table) return table;
  throw new FaceparseError(`the classes of ${from.name} cannot be merged into those of ${to.name}`, { exitCode: 2 });
}

/**
 * Scores a parser on pairs, every mask at its own size.
 *
 * @throws FaceparseError if a photo and its mask differ in size, a mask contains a label outside the set, or all its pixels
 *   are ignored
 */
export async function evaluateParser(
  parser: FaceParser,
  dataset: Dataset,
  options: EvaluationOptions = {},
): Promise<ScoreSummary> {
  const {
    limit = dataset.items.length,
    repair = false,
    labelSet = parser.labelSet,
    signal,
    onFailure,
    onImage,
  } = options;
  const items = dataset.items.slice(0, limit);
  const table = requireConversion(parser.labelSet, labelSet);
  const score = new FaceScore(labelSet.classes.length);
  for (const [index, item] of items.entries()) {
    signal?.throwIfAborted();
    const pair = await readPair(item, labelSet, repair).catch((error: unknown) => {
      if (!onFailure || !(error instanceof FaceparseError)) throw error;
      onFailure(error);
    });
    if (!pair) continue;
    const { photo, truth } = pair;
    const { labelMap, timing } = await parser.parse(photo, { faces: 'whole' });
    const prediction = { ...labelMap, data: labelMap.data.map((id) => table[id]) };
    const imageScore = score.add(truth.data, prediction.data);
    await onImage?.({ item, photo, truth, prediction, timing, score: imageScore }, index + 1, items.length);
  }
  return score.summary();
}
