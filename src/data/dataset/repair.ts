import { copyFile, mkdir, writeFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { buildFolder } from '../../files/build-folder.ts';
import { encodeLabelPng } from '../../image/label-png.ts';
import { ImageError, readMask } from '../../image/read-image.ts';
import { celebamask19 } from '../../labels/celebamask-19.ts';
import { findUnknownId } from '../../labels/known-id.ts';
import type { LabelSet } from '../../labels/label-set.ts';
import { FaceparseError } from '../../text/errors.ts';
import { detectClassOrder, type IdMeasurements, measureIds } from './class-order.ts';
import { openDataset } from './dataset.ts';
import { detectViewerSides, judgeSides, repairSwap, type SwapFinding, swapViewerSides } from './left-right.ts';
import { type RunOptions, runConcurrently } from './run-concurrently.ts';
import { detectShift } from './shifted-ids.ts';

/** Result of `repairDataset`. */
export interface RepairResult {
  /** Number of masks written. */
  readonly masks: number;
  /** Stems of the masks in which left and right were swapped as a whole, or with `swapSides`, which were changed. */
  readonly swapped: string[];
  /** Stems of the masks in which only a single part (an ear, a brow) was on the wrong side. */
  readonly misplaced: string[];
}

/** Options of `repairDataset`. */
export interface RepairOptions extends RunOptions {
  /** For masks that name the sides as the viewer sees them: swaps left and right in all masks that do not show the contrary. */
  readonly swapSides?: boolean;
}

/** Throws if the masks as a whole follow another convention, so that the repair of single masks would spoil them. */
function requireSameConvention(
  folder: string,
  sides: readonly SwapFinding[],
  ids: readonly IdMeasurements[],
  set: LabelSet,
  swapSides: boolean,
): void {
  const shift = detectShift(ids, set);
  if (shift) {
    throw new FaceparseError(
      `the ids of the masks of ${folder} are 1 too ${shift > 0 ? 'high' : 'low'}, which swapping left and right does not correct; ` +
        `${shift > 0 ? 'subtract 1 from' : 'add 1 to'} every id first`,
    );
  }
  const order = set.name === celebamask19.name ? detectClassOrder(ids)?.order : undefined;
  if (order) {
    throw new FaceparseError(
      `the masks of ${folder} have the class order of ${order.title}, which swapping left and right does not correct; ` +
        `use faceparse data convert ${folder} --from ${order.name} --out NEW_FOLDER`,
    );
  }
  const viewer = detectViewerSides(sides);
  if (swapSides && !viewer) {
    throw new FaceparseError(
      `the masks of ${folder} do not name left and right as the viewer sees them: at most half of those that show both eyes ` +
        'or brows are swapped, or fewer than three show them; remove --swap-sides to repair single masks',
    );
  }
  if (!swapSides && viewer) {
    throw new FaceparseError(
      `${viewer.swapped} of ${viewer.judged} masks in ${folder} have left and right swapped, so they name the sides as the ` +
        `viewer sees them; to swap the sides of all masks, add --swap-sides`,
    );
  }
}

/**
 * Writes all masks of a dataset folder to `outFolder/masks/` under the same names. Masks with left and right swapped (see
 * `detectSwap`) are repaired and written as 8-bit PNG with the standard palette; the others are copied byte for byte. Photos
 * are not copied. `outFolder` appears only when it is complete.
 *
 * @throws FaceparseError if `outFolder` exists and is not empty, photos and masks do not match, a mask is unreadable, or a
 * mask to be repaired has labels outside the label set; if most masks are swapped and `swapSides` is not set, or the
 * reverse; if the masks have the class order of another program or ids
 * that are 1 too high or too low
 *
 * @example const { swapped } = await repairDataset('data/train', 'data/train-repaired', celebamask19);
 */
export async function repairDataset(
  folder: string,
  outFolder: string,
  set: LabelSet,
  options: RepairOptions = {},
): Promise<RepairResult> {
  const { swapSides = false } = options;
  const { items } = await openDataset(folder);
  const repairItem = async (maskPath: string, masksFolder: string) => {
    const mask = await readMask(maskPath);
    const target = join(masksFolder, basename(maskPath));
    const ids = measureIds(mask);
    const sides = judgeSides(ids, mask.width, set);
    const repaired = swapSides ? swapViewerSides(mask, set) : repairSwap(mask, set);
    if (repaired.data.every((id, at) => id === mask.data[at])) {
      await copyFile(maskPath, target);
      return { outcome: 'fine', sides, ids };
    }
    const unknown = findUnknownId(mask.data, set);
    if (unknown >= 0) {
      throw new ImageError(
        maskPath,
        `has label ${mask.data[unknown]}, which is not in ${set.name}`,
        'check the dataset first',
      );
    }
    await writeFile(target, encodeLabelPng(repaired, set));
    return { outcome: swapSides || sides.swapped ? 'swapped' : 'misplaced', sides, ids };
  };
  const outcomes = await buildFolder(outFolder, async (aside) => {
    const masksFolder = join(aside, 'masks');
    await mkdir(masksFolder);
    const repaired = await runConcurrently(items, (item) => repairItem(item.maskPath!, masksFolder), options);
    const [sides, ids] = [repaired.map((one) => one.sides), repaired.map((one) => one.ids)];
    requireSameConvention(folder, sides, ids, set, swapSides);
    return repaired;
  });
  const stemsOf = (wanted: string): string[] =>
    items.filter((_, index) => outcomes[index].outcome === wanted).map((item) => item.stem);
  return { masks: items.length, swapped: stemsOf('swapped'), misplaced: stemsOf('misplaced') };
}
