import type { Dataset, DatasetItem } from '../data/dataset/dataset.ts';
import { repairSwap } from '../data/dataset/left-right.ts';
import type { LabelMap, Photo } from '../image/image.ts';
import { readMask, readPhoto } from '../image/read-image.ts';
import { celebamask19 } from '../labels/celebamask-19.ts';
import { conversionTable } from '../labels/convert-labels.ts';
import { findUnknownId } from '../labels/known-id.ts';
import { ignoreLabel, type LabelSet } from '../labels/label-set.ts';
import { mergeTable } from '../labels/merge.ts';
import { FaceScore, type ImageScore, type ScoreSummary } from '../metrics/face-score.ts';
import type { FaceParser } from '../parser/face-parser.ts';
import type { ParseTiming } from '../parser/parse-result.ts';
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

/** The truth of a pair at its own size, in ids of the label set; `repair` corrects swapped left and right labels. */
export async function readTruth(item: DatasetItem, set: LabelSet, repair = false): Promise<LabelMap> {
  const file = await readMask(item.maskPath!);
  // Datasets of merged labels contain celebamask-19 masks, which distinguish left and right.
  const mask = repair ? repairSwap(file, set.mergeFrom ? celebamask19 : set) : file;
  if (set.mergeFrom) {
    const table = mergeTable(set);
    return { ...mask, data: mask.data.map((id) => table[id]) };
  }
  return mask;
}

/** Checks the truth of a pair. @throws FaceparseError if it has a label outside the set, or no pixel that counts */
export function requireScorable({ data }: LabelMap, { maskPath }: DatasetItem, set: LabelSet): void {
  const unknown = findUnknownId(data, set);
  if (unknown >= 0) {
    throw new FaceparseError(
      `${maskPath} contains the label ${data[unknown]}, which is not in ${set.name}. Run \`faceparse data check\`.`,
    );
  }
  if (data.every((id) => id === ignoreLabel)) {
    throw new FaceparseError(
      `${maskPath} has no pixel to score: all are ${ignoreLabel} (ignored); remove the pair, or replace the mask`,
    );
  }
}

/** Photo and truth of a pair, fit to be scored. */
async function readPair(
  item: DatasetItem,
  set: LabelSet,
  repair: boolean,
): Promise<{ readonly photo: Photo; readonly truth: LabelMap }> {
  const [photo, truth] = await Promise.all([readPhoto(item.imagePath), readTruth(item, set, repair)]);
  if (photo.width !== truth.width || photo.height !== truth.height) {
    throw new FaceparseError(
      `${item.maskPath} is ${truth.width}×${truth.height}, but its photo is ${photo.width}×${photo.height}; both must have the same size.`,
    );
  }
  requireScorable(truth, item, set);
  return { photo, truth };
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
    const { labelMap, timing } = await parser.parse(photo);
    const prediction = { ...labelMap, data: labelMap.data.map((id) => table[id]) };
    const imageScore = score.add(truth.data, prediction.data);
    await onImage?.({ item, photo, truth, prediction, timing, score: imageScore }, index + 1, items.length);
  }
  return score.summary();
}
