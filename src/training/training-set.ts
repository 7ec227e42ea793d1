import type { Config } from '../config/schema.ts';
import { openDataset, resolveSplit } from '../data/dataset/dataset.ts';
import { holdOut, type TrainingSet } from '../data/dataset/folds.ts';
import { countOf, formatCount } from '../text/counts.ts';

/**
 * Opens the training pairs of a configuration: those of `DATA/train` without the fold that it holds out (`data.folds`).
 *
 * @param data the folder with train/ and val/
 * @throws FaceparseError as `openDataset` and `holdOut` do
 *
 * @example (await openTrainingSet('data', config)).items.length // 1000
 */
export async function openTrainingSet(data: string, config: Config): Promise<TrainingSet> {
  return holdOut(await openDataset(await resolveSplit(data, 'train'), { requireMasks: true }), config.data);
}

/** A line about the pairs that are held out; undefined if there are none. */
export function describeHeldOut({ items, heldOut }: TrainingSet): string | undefined {
  if (!heldOut) return undefined;
  const { fold, folds, items: held } = heldOut;
  return (
    `fold ${fold} of ${folds} (data.fold, data.folds) is held out: ${countOf(held.length, 'pair')} of ` +
    `${formatCount(items.length + held.length)} are not used for training`
  );
}
