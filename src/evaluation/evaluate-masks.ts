import { basename } from 'node:path';
import { findPaletteProblem } from '../data/checks/palette.ts';
import type { Dataset, DatasetItem } from '../data/dataset/dataset.ts';
import { findMaskSuffix } from '../data/dataset/mask-names.ts';
import type { LabelMap } from '../image/image.ts';
import { readMask, readMaskPalette } from '../image/read-image.ts';
import { celebamask19 } from '../labels/celebamask-19.ts';
import { isKnownId } from '../labels/known-id.ts';
import { ignoreLabel, type LabelSet } from '../labels/label-set.ts';
import { FaceScore, type ScoreSummary } from '../metrics/face-score.ts';
import { FaceparseError } from '../text/errors.ts';
import { readScorableTruth } from './evaluate-parser.ts';
import { listMaskFolder } from './mask-folder.ts';

/** The scores of a folder of masks. */
export interface MaskEvaluation {
  /** Scores over the masks that could be scored. */
  readonly summary: ScoreSummary;
  /** Stems of the photos without a mask in the folder. */
  readonly missing: readonly string[];
  /** Why a mask could not be scored, one text each. */
  readonly failures: readonly string[];
  /** Names of the masks that belong to no photo of the dataset. */
  readonly extra: readonly string[];
  /** Names of the files that are no PNG. */
  readonly others: readonly string[];
  /** Why the masks seem to have the classes of another label set, if they do. */
  readonly doubt?: string;
}

/** Options of `evaluateMasks`. */
export interface MaskEvaluationOptions {
  readonly signal?: AbortSignal;
  readonly onImage?: (done: number, total: number) => void;
}

/**
 * Scores masks that any program wrote against those of a dataset, as `evaluateParser` scores a network. Masks are 8-bit
 * palette or greyscale PNGs of class ids, named like the photos (or all with one suffix such as `_mask`), in the size of
 * the dataset's masks. A mask that cannot be scored is reported in the result, and so is a missing one.
 *
 * @param folder the folder of masks
 * @param labelSet the label set of the masks in the folder; those of the dataset are merged into it
 * @throws FaceparseError if the folder is missing, or contains no mask of the dataset, or if a mask has the palette of another
 *   label set
 * @example
 * const { summary, missing } = await evaluateMasks('masks', await openDataset('data/val'), getLabelSet('celebamask-19'));
 * summary.fPerImage;
 */
export async function evaluateMasks(
  folder: string,
  dataset: Dataset,
  labelSet: LabelSet,
  { signal, onImage }: MaskEvaluationOptions = {},
): Promise<MaskEvaluation> {
  const { masks: listed, others } = await listMaskFolder(folder);
  const { items } = dataset;
  const expected = new Set(items.map(({ stem }) => stem));
  const suffix = findMaskSuffix(expected, [...listed.keys()]);
  const masks = new Map([...listed].map(([key, path]) => [key.slice(0, key.length - suffix.length), path]));
  const extra = [...masks].filter(([key]) => !expected.has(key)).map(([, path]) => basename(path));
  if (extra.length === masks.size) {
    throw new FaceparseError(
      `no mask in ${folder} belongs to a photo of ${dataset.folder}: it contains ${extra[0]}, but a photo is ` +
        `${basename(items[0].imagePath)}, whose mask is ${items[0].stem}.png; name masks like their photos`,
    );
  }
  const score = new FaceScore(labelSet.classes.length);
  const missing: string[] = [];
  const failures: string[] = [];
  const highest = { truth: 0, mask: 0 };
  for (const [index, item] of items.entries()) {
    signal?.throwIfAborted();
    const path = masks.get(item.stem);
    try {
      if (path === undefined) missing.push(item.stem);
      else {
        const [truth, mask] = await readPair(path, item, labelSet);
        score.add(truth, mask);
        highest.truth = Math.max(highest.truth, highestId(truth));
        highest.mask = Math.max(highest.mask, highestId(mask));
      }
    } catch (error) {
      // A bad file is reported and skipped; any other error ends the work, and so does another label set.
      if (!(error instanceof FaceparseError) || error instanceof OtherLabelSetError) throw error;
      failures.push(error.message);
    }
    onImage?.(index + 1, items.length);
  }
  const doubt = doubtOf(highest, labelSet);
  return { summary: score.summary(), missing, failures, extra, others, ...(doubt !== undefined && { doubt }) };
}

/** Masks of another label set: each would fail, or get a score without meaning. */
export class OtherLabelSetError extends FaceparseError {
  /** What shows it. */
  readonly reason: string;
  /** Name of the label set of the masks. */
  readonly labelSet: string;

  constructor(reason: string, labelSet: string) {
    super(`${reason}; score these masks with getLabelSet('${labelSet}')`, { exitCode: 2 });
    this.reason = reason;
    this.labelSet = labelSet;
  }
}

function highestId(ids: Uint8Array): number {
  return ids.reduce((highest, id) => (id === ignoreLabel ? highest : Math.max(highest, id)), 0);
}

/** Greyscale masks do not say their classes, but those of a smaller label set lack the higher ids. */
function doubtOf(
  { truth, mask }: { readonly truth: number; readonly mask: number },
  set: LabelSet,
): string | undefined {
  if (mask === 0 || 2 * mask >= truth) return undefined;
  return `the masks have ids up to ${mask}, but those of the dataset up to ${truth}: they may have fewer classes than ${set.name}`;
}

/** The truth of a photo and a mask, ready to be compared. */
async function readPair(path: string, item: DatasetItem, set: LabelSet): Promise<[Uint8Array, Uint8Array]> {
  const [truth, mask] = await Promise.all([readScorableTruth(item, set), readMask(path)]);
  if (mask.width !== truth.width || mask.height !== truth.height) {
    throw new FaceparseError(
      `${path} is ${mask.width}×${mask.height}, but ${item.maskPath} is ${truth.width}×${truth.height}; ` +
        'resize it to that size by nearest neighbour',
    );
  }
  await requirePalette(mask, path, set);
  requireClasses(mask, path, set);
  return [truth.data, mask.data];
}

/** Ids that contradict the palette of their file are those of other classes. */
async function requirePalette({ data }: LabelMap, path: string, set: LabelSet): Promise<void> {
  const counts = new Float64Array(256);
  for (const id of data) counts[id]++;
  const problem = findPaletteProblem(counts, await readMaskPalette(path), set);
  if (!problem) return;
  const { message, otherSet, remedy } = problem;
  if (otherSet === undefined) throw new FaceparseError(`${path} ${message}; ${remedy}`);
  throw new OtherLabelSetError(`${path} has the palette of ${otherSet}, not of ${set.name}`, otherSet);
}

function requireClasses({ data, width }: LabelMap, path: string, { name, classes }: LabelSet): void {
  const last = classes.length - 1;
  const at = data.findIndex((id) => id > last);
  if (at < 0) return;
  const has = (value: number): boolean => data.includes(value);
  const onlyBlackAndWhite = data.every((value) => value === 0 || value === ignoreLabel);
  const what = !onlyBlackAndWhite
    ? `contains the value ${data[at]} at x ${at % width}, y ${Math.floor(at / width)}`
    : has(0)
      ? 'contains only 0 and 255, so it is a black-and-white mask'
      : 'contains only 255';
  const isCelebamask = !onlyBlackAndWhite && last < 18 && data.every((id) => isKnownId(id, celebamask19));
  const other = isCelebamask ? `. If they are ids of ${celebamask19.name}, score them with that label set` : '';
  throw new FaceparseError(`${path} ${what}; write class ids of ${name}, 0 to ${last}${other}`);
}
