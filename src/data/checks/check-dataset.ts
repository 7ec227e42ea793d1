import { basename, extname, join } from 'node:path';
import { isFolder } from '../../files/path-kind.ts';
import { readHead } from '../../files/read-head.ts';
import { contentBytes, contentOf } from '../../formats/file-content.ts';
import type { LabelSet } from '../../labels/label-set.ts';
import {
  bareRemedy,
  type DatasetFiles,
  describeMasksElsewhere,
  describePhotosBelow,
  foldersWithImages,
  listDatasetFiles,
} from '../dataset/dataset.ts';
import type { SwapFinding } from '../dataset/left-right.ts';
import { type RunOptions, runConcurrently } from '../dataset/run-concurrently.ts';
import { findConventionProblem } from './convention.ts';
import { findNearDuplicates, type ThumbnailEntry } from './duplicates.ts';
import type {
  CheckResult,
  DatasetProblem,
  NearDuplicate,
  ProblemKind,
  SidesFinding,
  SplitsCheckResult,
} from './finding.ts';
import { inspectPair, listBare } from './inspect-pair.ts';

function describeSides(stem: string, { pairs, evidence }: SwapFinding, set: LabelSet): SidesFinding {
  const parts = pairs.map(([left]) =>
    (set.classes.find(({ id }) => id === left)?.name ?? `${left}`).replace(/^l_/, ''),
  );
  return { stem, parts, evidence: [...evidence] };
}

function hasNoMasks({ masks, unusableMasks }: DatasetFiles): boolean {
  return masks.size + unusableMasks.length === 0;
}

function fileProblem(kind: ProblemKind, file: string, message: string, remedy: string): DatasetProblem {
  return { kind, stem: basename(file, extname(file)), file, message, remedy };
}

async function maskFormatProblem(file: string): Promise<DatasetProblem> {
  const content = contentOf(await readHead(file, contentBytes).catch(() => new Uint8Array(0)));
  const remedy = 'write masks as PNG; formats such as JPEG change class ids, so that a conversion cannot restore them';
  return fileProblem('mask-format', file, `is ${content.name}, not a PNG`, remedy);
}

/** Finds photos or masks that are in other folders than `images/` and `masks/`, and an empty dataset. */
async function findLayoutProblem(folder: string, files: DatasetFiles): Promise<DatasetProblem | undefined> {
  const problem = { stem: '', file: join(folder, 'images') };
  if (files.photos.size === 0) {
    const below = await describePhotosBelow(folder, files);
    if (below) {
      const [message, remedy] = below;
      return { kind: 'photos-elsewhere', ...problem, message, remedy };
    }
    if (files.masks.size > 0) return undefined;
    const message = 'contains no photos, and masks/ no masks';
    return { kind: 'empty-dataset', ...problem, message, remedy: 'put photos in images/ and their masks in masks/' };
  }
  const elsewhere = hasNoMasks(files) ? await describeMasksElsewhere(folder, files) : undefined;
  if (!elsewhere) return undefined;
  const [found, remedy] = elsewhere;
  return { kind: 'masks-elsewhere', stem: '', file: folder, message: `has no masks in masks/, but ${found}`, remedy };
}

/** The check of one folder, and the thumbnails by which its photos are compared with those of other splits. */
async function checkFolder(
  folder: string,
  set: LabelSet,
  options: RunOptions,
): Promise<{ readonly result: CheckResult; readonly thumbnails: ThumbnailEntry[] }> {
  const files = await listDatasetFiles(folder);
  const stems = [...new Set([...files.photos.keys(), ...files.masks.keys()])].sort();
  const bareStems = listBare(files);
  // One remedy for all: thousands of photos can lack a mask for the same reason.
  const bare = { stems: new Set(bareStems), remedy: bareStems.length > 0 ? bareRemedy(files, bareStems) : '' };
  const findings = await runConcurrently(stems, (stem) => inspectPair(stem, files, bare, folder, set), options);
  const problems: DatasetProblem[] = [
    ...files.problems.map(({ file, reason, remedy }) => fileProblem('unreadable-file', file, reason, remedy)),
    ...(await Promise.all(files.unusableMasks.map(maskFormatProblem))),
    ...files.doubledMasks.map(([first, ...others]) =>
      fileProblem('duplicate-mask', first, `shares its name with ${others.join(', ')}`, 'keep one of them'),
    ),
    ...findings.flatMap((finding) => finding.problems),
  ];
  const layout = await findLayoutProblem(folder, files);
  if (layout) problems.push(layout);
  const convention = findConventionProblem(findings, folder, set);
  if (convention) problems.push(convention);
  // If the ids mean other parts, nothing is known about sides.
  const otherIds = convention !== undefined && convention.kind !== 'viewer-sides';
  const sided = otherIds ? [] : findings.map(({ sides }, index) => ({ sides, stem: stems[index] }));
  const reversed = sided.flatMap(({ sides, stem }) =>
    sides && sides.pairs.length > 0 ? { swapped: sides.swapped, finding: describeSides(stem, sides, set) } : [],
  );
  const thumbnails = findings.flatMap(({ thumbnail }) => thumbnail ?? []);
  const result: CheckResult = {
    folder,
    pairs: stems.filter((stem) => files.photos.has(stem) && files.masks.has(stem)).length,
    maskSuffix: files.maskSuffix,
    leftAlone: files.leftAlone,
    ...(hasNoMasks(files) && files.photos.size > 0 && { photosOnly: files.photos.size }),
    // Shifted ids are the cause of the labels outside the label set.
    problems: convention?.kind === 'shifted-ids' ? problems.filter(({ kind }) => kind !== 'stray-labels') : problems,
    swapped: reversed.filter(({ swapped }) => swapped).map(({ finding }) => finding),
    misplaced: reversed.filter(({ swapped }) => !swapped).map(({ finding }) => finding),
    duplicates: await findNearDuplicates(thumbnails, undefined, options.signal),
  };
  return { result, thumbnails };
}

/**
 * Reads every photo and mask of a dataset folder. Lists their problems, the masks with left and right swapped (see
 * `detectSwap`) and the photos that nearly repeat another one. Problems with files are results, not errors.
 *
 * @throws FaceparseError only if the folder or its `images/` is missing; the reason of `signal` if that is aborted
 *
 * @example const { problems, swapped } = await checkDataset('data/train', getLabelSet('celebamask-19'));
 */
export async function checkDataset(folder: string, set: LabelSet, options: RunOptions = {}): Promise<CheckResult> {
  return (await checkFolder(folder, set, options)).result;
}

/** Order of the splits; others follow by name. */
const splitOrder = ['train', 'val', 'test'];

/**
 * Lists the splits of a data folder (subfolders with `images/`), the training split first. Empty if the folder is missing or
 * is itself a split.
 *
 * @example await listSplits('data') // ['train', 'val']
 */
export async function listSplits(folder: string): Promise<string[]> {
  if (!(await isFolder(folder)) || (await isFolder(join(folder, 'images')))) return [];
  const found = await foldersWithImages(folder);
  return [...splitOrder.filter((name) => found.includes(name)), ...found.filter((name) => !splitOrder.includes(name))];
}

/**
 * Checks every split of a data folder like `checkDataset`, and finds photos that nearly repeat a photo of an earlier split.
 * `onProgress` counts the files of one split after the other.
 *
 * @throws FaceparseError as `checkDataset`, also if the folder has no splits
 *
 * @example const { splits, duplicatesAcross } = await checkSplits('data', getLabelSet('celebamask-19'));
 */
export async function checkSplits(folder: string, set: LabelSet, options: RunOptions = {}): Promise<SplitsCheckResult> {
  const names = await listSplits(folder);
  // The listing explains what is missing.
  if (names.length === 0) await listDatasetFiles(folder);
  const splits: CheckResult[] = [];
  const duplicatesAcross: NearDuplicate[] = [];
  const seen: ThumbnailEntry[] = [];
  for (const name of names) {
    const { result, thumbnails } = await checkFolder(join(folder, name), set, options);
    splits.push(result);
    duplicatesAcross.push(...(await findNearDuplicates(thumbnails, seen, options.signal)));
    seen.push(...thumbnails);
  }
  return { folder, splits, duplicatesAcross };
}
