import { join } from 'node:path';
import type { LabelMap, Photo } from '../../image/image.ts';
import { ImageError, readMask, readPhoto } from '../../image/read-image.ts';
import { isKnownId } from '../../labels/known-id.ts';
import type { LabelSet } from '../../labels/label-set.ts';
import { type DatasetFiles, listDatasetFiles } from './dataset.ts';
import { detectSwap, type SideEvidence } from './left-right.ts';
import { type RunOptions, runConcurrently } from './run-concurrently.ts';

export type ProblemKind =
  | 'empty-dataset'
  | 'missing-mask'
  | 'missing-photo'
  | 'duplicate-photo'
  | 'unreadable-photo'
  | 'unreadable-mask'
  | 'size-mismatch'
  | 'stray-labels'
  | 'empty-mask';

/** One problem with one file. */
export interface DatasetProblem {
  readonly kind: ProblemKind;
  readonly stem: string;
  readonly file: string;
  /** The problem, without the file name. */
  readonly message: string;
  readonly remedy: string;
}

/** A mask in which left and right are swapped, for all parts or some. */
export interface SidesFinding {
  readonly stem: string;
  /** The pairs to swap back, e.g. `['eye', 'brow', 'ear']`. */
  readonly parts: string[];
  readonly evidence: SideEvidence[];
}

/** Result of `checkDataset`. */
export interface CheckResult {
  readonly folder: string;
  /** Number of photos with a mask. */
  readonly pairs: number;
  /** Photos, where the folder has no mask at all; such a test split is no fault. */
  readonly photosOnly?: number;
  readonly problems: DatasetProblem[];
  /** Masks with eyes or brows in reversed order. */
  readonly swapped: SidesFinding[];
  /** Masks that are not swapped as a whole but have a single ear, brow or eye on the wrong side of the nose. */
  readonly misplaced: SidesFinding[];
}

interface ItemFinding {
  problems: DatasetProblem[];
  swapped?: SidesFinding;
  misplaced?: SidesFinding;
}

/** Returns the labels outside the label set with their pixel counts, and whether the mask is empty. */
function inspectLabels(mask: LabelMap, set: LabelSet): { stray: [number, number][]; empty: boolean } {
  const counts = new Uint32Array(256);
  for (const id of mask.data) counts[id]++;
  const stray: [number, number][] = [];
  for (const [id, pixels] of counts.entries()) if (pixels > 0 && !isKnownId(id, set)) stray.push([id, pixels]);
  return { stray, empty: counts[0] === mask.data.length };
}

function inspectMask(stem: string, file: string, mask: LabelMap, set: LabelSet): ItemFinding {
  const finding: ItemFinding = { problems: [] };
  const { stray, empty } = inspectLabels(mask, set);
  if (stray.length > 0) {
    const listed = stray
      .slice(0, 5)
      .map(([id, pixels]) => `label ${id} in ${pixels} ${pixels === 1 ? 'pixel' : 'pixels'}`);
    if (stray.length > 5) listed.push(`${stray.length - 5} more labels`);
    finding.problems.push({
      kind: 'stray-labels',
      stem,
      file,
      message: `has ${listed.join(', ')}, but the ids of ${set.name} are 0 to ${set.classes.length - 1}`,
      remedy: 'relabel these pixels, or use the label set of the masks',
    });
  }
  if (empty) {
    finding.problems.push({
      kind: 'empty-mask',
      stem,
      file,
      message: 'is empty: every pixel is background (0)',
      remedy: 'redraw the mask or remove the pair',
    });
  }
  const { swapped, pairs, evidence } = detectSwap(mask, set);
  if (pairs.length > 0) {
    const parts = pairs.map(([left]) =>
      (set.classes.find(({ id }) => id === left)?.name ?? `${left}`).replace(/^l_/, ''),
    );
    finding[swapped ? 'swapped' : 'misplaced'] = { stem, parts, evidence };
  }
  return finding;
}

/** Returns the value or the problem with reading it; rethrows errors other than ImageError. */
async function attempt<Value>(
  read: Promise<Value>,
  kind: ProblemKind,
  stem: string,
): Promise<{ value?: Value; problem?: DatasetProblem }> {
  try {
    return { value: await read };
  } catch (error) {
    if (!(error instanceof ImageError)) throw error;
    return { problem: { kind, stem, file: error.file, message: error.reason, remedy: error.remedy } };
  }
}

async function inspectStem(stem: string, files: DatasetFiles, folder: string, set: LabelSet): Promise<ItemFinding> {
  const photoPaths = files.photos.get(stem) ?? [];
  const maskPath = files.masks.get(stem);
  const problems: DatasetProblem[] = [];
  if (photoPaths.length > 1) {
    const message = `shares its name with ${photoPaths.slice(1).join(', ')}`;
    problems.push({ kind: 'duplicate-photo', stem, file: photoPaths[0], message, remedy: 'keep one of them' });
  }
  if (photoPaths.length === 0 && maskPath) {
    const message = `has no photo ${stem}.jpg, .jpeg, .png or .webp in ${join(folder, 'images')}`;
    problems.push({ kind: 'missing-photo', stem, file: maskPath, message, remedy: 'add the photo or remove the mask' });
  }
  if (!maskPath && files.masks.size > 0) {
    const message = `has no mask ${join(folder, 'masks', `${stem}.png`)}`;
    const remedy = 'add the mask or remove the photo';
    problems.push({ kind: 'missing-mask', stem, file: photoPaths[0], message, remedy });
  }
  const photos: Photo[] = [];
  for (const path of photoPaths) {
    const { value, problem } = await attempt(readPhoto(path), 'unreadable-photo', stem);
    if (problem) problems.push(problem);
    if (value) photos.push(value);
  }
  if (!maskPath) return { problems };
  const { value: mask, problem } = await attempt(readMask(maskPath), 'unreadable-mask', stem);
  if (problem) problems.push(problem);
  if (!mask) return { problems };
  for (const photo of photos) {
    if (photo.width !== mask.width || photo.height !== mask.height) {
      problems.push({
        kind: 'size-mismatch',
        stem,
        file: maskPath,
        message: `is ${mask.width}×${mask.height}, but its photo is ${photo.width}×${photo.height}`,
        remedy: 'resize the photo to the mask, or the mask with nearest neighbour',
      });
    }
  }
  const finding = inspectMask(stem, maskPath, mask, set);
  return { ...finding, problems: [...problems, ...finding.problems] };
}

/**
 * Reads every photo and mask of a dataset folder and lists their problems and the masks with left and right swapped (see
 * `detectSwap`). Problems with files are results, not errors.
 *
 * @throws FaceparseError only if the folder or its `images/` is missing; the reason of `signal` if that is aborted
 *
 * @example const { problems, swapped } = await checkDataset('data/train', getLabelSet('celebamask-19'));
 */
export async function checkDataset(folder: string, set: LabelSet, options: RunOptions = {}): Promise<CheckResult> {
  const files = await listDatasetFiles(folder);
  const stems = [...new Set([...files.photos.keys(), ...files.masks.keys()])].sort();
  const findings = await runConcurrently(stems, (stem) => inspectStem(stem, files, folder, set), options);
  const problems = findings.flatMap((finding) => finding.problems);
  if (stems.length === 0) {
    const [file, remedy] = [join(folder, 'images'), 'put photos in images/ and their masks in masks/'];
    problems.push({
      kind: 'empty-dataset',
      stem: '',
      file,
      message: 'contains no photos, and masks/ no masks',
      remedy,
    });
  }
  return {
    folder,
    pairs: stems.filter((stem) => files.photos.has(stem) && files.masks.has(stem)).length,
    ...(files.masks.size === 0 && files.photos.size > 0 && { photosOnly: files.photos.size }),
    problems,
    swapped: findings.flatMap(({ swapped }) => swapped ?? []),
    misplaced: findings.flatMap(({ misplaced }) => misplaced ?? []),
  };
}

const headings: Record<ProblemKind, string> = {
  'empty-dataset': 'empty folder',
  'missing-mask': 'photo without a mask',
  'missing-photo': 'mask without a photo',
  'duplicate-photo': 'two photos with one name',
  'unreadable-photo': 'unreadable photo',
  'unreadable-mask': 'unreadable mask',
  'size-mismatch': 'photo and mask differ in size',
  'stray-labels': 'labels outside the label set',
  'empty-mask': 'empty mask',
};

/**
 * Formats the result of `checkDataset` for a terminal: problems by kind with their fix, then the swapped masks. The first
 * `limit` (default 10) of each kind are listed, the rest are counted.
 */
export function formatCheckReport(result: CheckResult, options: { limit?: number } = {}): string {
  const { limit = 10 } = options;
  const { photosOnly } = result;
  const lines = [
    photosOnly === undefined
      ? `${result.folder}: ${result.pairs} pairs of photo and mask`
      : `${result.folder}: ${photosOnly} ${photosOnly === 1 ? 'photo' : 'photos'}, no masks\n` +
        'Photos alone can be used with predict and submit. Training and evaluate need a mask for each photo in masks/.',
  ];
  const list = (heading: string, entries: readonly string[]): void => {
    lines.push('', `${heading}: ${entries.length}`);
    for (const entry of entries.slice(0, limit)) lines.push(`  ${entry}`);
    if (entries.length > limit) lines.push(`  … and ${entries.length - limit} more`);
  };
  for (const kind of Object.keys(headings) as ProblemKind[]) {
    const ofKind = result.problems.filter((problem) => problem.kind === kind);
    if (ofKind.length === 0) continue;
    list(
      headings[kind],
      ofKind.map((problem) => `${problem.file} ${problem.message}`),
    );
    for (const remedy of new Set(ofKind.map((problem) => problem.remedy))) lines.push(`  → ${remedy}`);
  }
  const describe = ({ stem, parts }: SidesFinding): string => `${stem}  ${parts.join(', ')}`;
  if (result.swapped.length > 0) {
    list('left and right swapped (eyes or brows in reversed order)', result.swapped.map(describe));
  }
  if (result.misplaced.length > 0) {
    list('a single part on the wrong side of the nose', result.misplaced.map(describe));
  }
  const toRepair = result.swapped.length + result.misplaced.length;
  if (toRepair > 0) lines.push('  → repair writes corrected copies of the masks to another folder');
  const faults = result.problems.length;
  lines.push('', faults + toRepair === 0 ? 'no problems found' : `${faults} problems, ${toRepair} masks to repair`);
  return lines.join('\n');
}
