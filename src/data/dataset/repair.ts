import { copyFile, mkdir, writeFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { buildFolder } from '../../files/build-folder.ts';
import { encodeLabelPng } from '../../image/label-png.ts';
import { ImageError, readMask } from '../../image/read-image.ts';
import { findUnknownId } from '../../labels/known-id.ts';
import type { LabelSet } from '../../labels/label-set.ts';
import { openDataset } from './dataset.ts';
import { detectSwap, repairSwap } from './left-right.ts';
import { type RunOptions, runConcurrently } from './run-concurrently.ts';

/** Result of `repairDataset`. */
export interface RepairResult {
  /** Number of masks written. */
  readonly masks: number;
  /** Stems of the masks in which left and right were swapped as a whole. */
  readonly swapped: string[];
  /** Stems of the masks in which only a single part (an ear, a brow) was on the wrong side. */
  readonly misplaced: string[];
}

/**
 * Writes all masks of a dataset folder to `outFolder/masks/` under the same names. Masks with left and right swapped (see
 * `detectSwap`) are repaired and written as 8-bit PNG with the standard palette; the others are copied byte for byte. Photos
 * are not copied. `outFolder` appears only when it is complete.
 *
 * @throws FaceparseError if `outFolder` exists and is not empty, photos and masks do not match, a mask is unreadable, or a
 * mask to be repaired has labels outside the label set
 *
 * @example const { swapped } = await repairDataset('data/train', 'data/train-repaired', celebamask19);
 */
export async function repairDataset(
  folder: string,
  outFolder: string,
  set: LabelSet,
  options: RunOptions = {},
): Promise<RepairResult> {
  const { items } = await openDataset(folder);
  const repairItem = async (maskPath: string, masksFolder: string): Promise<'swapped' | 'misplaced' | 'fine'> => {
    const mask = await readMask(maskPath);
    const target = join(masksFolder, basename(maskPath));
    const { swapped, pairs } = detectSwap(mask, set);
    if (pairs.length === 0) {
      await copyFile(maskPath, target);
      return 'fine';
    }
    const unknown = findUnknownId(mask.data, set);
    if (unknown >= 0) {
      throw new ImageError(
        maskPath,
        `has label ${mask.data[unknown]}, which is not in ${set.name}`,
        'check the dataset first',
      );
    }
    await writeFile(target, encodeLabelPng(repairSwap(mask, set), set));
    return swapped ? 'swapped' : 'misplaced';
  };
  const outcomes = await buildFolder(outFolder, async (aside) => {
    const masksFolder = join(aside, 'masks');
    await mkdir(masksFolder);
    return runConcurrently(items, (item) => repairItem(item.maskPath!, masksFolder), options);
  });
  const stemsOf = (wanted: string): string[] =>
    items.filter((_, index) => outcomes[index] === wanted).map((item) => item.stem);
  return { masks: items.length, swapped: stemsOf('swapped'), misplaced: stemsOf('misplaced') };
}
