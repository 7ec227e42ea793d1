import { join } from 'node:path';
import { exists } from '../../files/path-kind.ts';
import type { LabelMap, Photo } from '../../image/image.ts';
import { ImageError, readMask, readMaskPalette, readPhoto } from '../../image/read-image.ts';
import type { LabelSet } from '../../labels/label-set.ts';
import { type IdMeasurements, measureIds } from '../dataset/class-order.ts';
import type { DatasetFiles } from '../dataset/dataset.ts';
import { judgeSides, type SwapFinding } from '../dataset/left-right.ts';
import { stemOf } from '../dataset/mask-names.ts';
import type { ThumbnailEntry } from './duplicates.ts';
import type { DatasetProblem, ProblemKind } from './finding.ts';
import { findPaletteProblem } from './palette.ts';
import { findFitProblem } from './photo-fit.ts';
import { findValueProblem } from './pixel-values.ts';
import { readOrientation } from './read-orientation.ts';
import { thumbnailOf } from './thumbnail.ts';

/** What the files of one stem show; sides and ids only where the mask is fit to judge them. */
export interface PairFinding {
  readonly problems: DatasetProblem[];
  readonly thumbnail?: ThumbnailEntry | undefined;
  readonly ids?: IdMeasurements;
  readonly sides?: SwapFinding;
}

async function inspectMask(
  stem: string,
  file: string,
  mask: LabelMap,
  photos: readonly { readonly path: string; readonly photo: Photo }[],
  set: LabelSet,
): Promise<PairFinding> {
  const ids = measureIds(mask);
  const palette = await readMaskPalette(file);
  const valueProblem = findValueProblem(ids.count, palette, set);
  const fitProblems: Pick<DatasetProblem, 'kind' | 'message' | 'remedy'>[] = [];
  for (const { path, photo } of photos) {
    const problem = findFitProblem(photo, mask, await readOrientation(path), set);
    if (problem) fitProblems.push(problem);
  }
  const paletteProblem = valueProblem?.kind === 'binary-mask' ? undefined : findPaletteProblem(ids.count, palette, set);
  const found = [...fitProblems, valueProblem ?? [], paletteProblem ?? []].flat();
  const problems = found.map(({ kind, message, remedy }) => ({ kind, message, remedy, stem, file }));
  const turned = fitProblems.some(({ kind }) => kind === 'exif-orientation');
  // Left and right mean nothing in a picture, in a mask that lies on its side, or if the ids are other classes.
  if ((valueProblem && valueProblem.kind !== 'stray-labels') || paletteProblem || turned) return { problems };
  // Sides of a mask with other labels cannot be repaired before the labels are.
  return valueProblem ? { problems, ids } : { problems, ids, sides: judgeSides(ids, mask.width, set) };
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

/** Stems of the photos without a mask. A mask in another format than PNG is a problem of its own. */
export function listBare({ photos, masks, unusableMasks }: DatasetFiles): string[] {
  if (masks.size + unusableMasks.length === 0) return [];
  const otherFormats = new Set(unusableMasks.map(stemOf));
  return [...photos.keys()].filter((stem) => !masks.has(stem) && !otherFormats.has(stem));
}

/** Reads the photos and the mask of one stem. Problems with the files are results, not errors. `bare` is from `listBare`. */
export async function inspectPair(
  stem: string,
  files: DatasetFiles,
  bare: { readonly stems: ReadonlySet<string>; readonly remedy: string },
  folder: string,
  set: LabelSet,
): Promise<PairFinding> {
  const photoPaths = files.photos.get(stem) ?? [];
  const maskPath = files.masks.get(stem);
  const problems: DatasetProblem[] = [];
  if (photoPaths.length > 1) {
    const message = `shares its name with ${photoPaths.slice(1).join(', ')}`;
    problems.push({ kind: 'duplicate-photo', stem, file: photoPaths[0], message, remedy: 'keep one of them' });
  }
  // A broken link is reported as such.
  if (photoPaths.length === 0 && maskPath && (await exists(maskPath))) {
    const message = `has no photo of this name in ${join(folder, 'images')}`;
    problems.push({ kind: 'missing-photo', stem, file: maskPath, message, remedy: 'add the photo or remove the mask' });
  }
  if (bare.stems.has(stem)) {
    const message = `has no mask ${join(folder, 'masks', `${stem}${files.maskSuffix}.png`)}`;
    problems.push({ kind: 'missing-mask', stem, file: photoPaths[0], message, remedy: bare.remedy });
  }
  const photos: { path: string; photo: Photo }[] = [];
  for (const path of photoPaths) {
    const { value, problem } = await attempt(readPhoto(path), 'unreadable-photo', stem);
    if (problem) problems.push(problem);
    if (value) photos.push({ path, photo: value });
  }
  const [first] = photos;
  const thumbnail = first && { stem, file: first.path, thumbnail: thumbnailOf(first.photo) };
  if (!maskPath) return { problems, thumbnail };
  const { value: mask, problem } = await attempt(readMask(maskPath), 'unreadable-mask', stem);
  if (problem) problems.push(problem);
  if (!mask) return { problems, thumbnail };
  const finding = await inspectMask(stem, maskPath, mask, photos, set);
  return { ...finding, problems: [...problems, ...finding.problems], thumbnail };
}
