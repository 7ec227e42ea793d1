import { createHash } from 'node:crypto';
import { countOf } from '../../text/counts.ts';
import { FaceparseError } from '../../text/errors.ts';
import type { Dataset, DatasetItem } from './dataset.ts';

/** The fold of a cross-validation that a run holds out. */
export interface Fold {
  /** Number of folds, 2 to 20. */
  readonly folds: number;
  /** Index of the fold that is held out, from 0. */
  readonly fold: number;
}

/** The pairs that a run is trained on. */
export interface TrainingSet extends Dataset {
  /** The pairs that are held out; absent if all pairs are used. */
  readonly heldOut?: Fold & { readonly items: readonly DatasetItem[] };
}

/**
 * The fold of a pair: the first 32 bits of the SHA-256 of its stem, modulo the number of folds. So a pair keeps its fold when
 * others are added or removed, and folds have about the same size.
 *
 * @example foldOf('0049431f', 5) // from 0 to 4
 */
export function foldOf(stem: string, folds: number): number {
  return createHash('sha256').update(stem).digest().readUInt32BE(0) % folds;
}

/**
 * The pairs of a dataset outside of a fold.
 *
 * @param data the group `data` of a configuration; without `folds`, all pairs are used
 * @throws FaceparseError (exit code 2) if the fold contains no pair, or all of them
 *
 * @example holdOut(await openDataset('data/train'), { folds: 5, fold: 0 }).items.length // about 800 of 1,000
 */
export function holdOut(
  { folder, items }: Dataset,
  { folds, fold }: { readonly folds?: number | undefined; readonly fold: number },
): TrainingSet {
  if (folds === undefined) return { folder, items };
  const held = items.filter(({ stem }) => foldOf(stem, folds) === fold);
  if (held.length === 0 || held.length === items.length) {
    throw new FaceparseError(
      `fold ${fold} of ${folds} (data.fold, data.folds) contains ${held.length === 0 ? 'none' : 'all'} of the ` +
        `${countOf(items.length, 'pair')} of ${folder}; use another number of folds`,
      { exitCode: 2 },
    );
  }
  return { folder, items: items.filter((item) => !held.includes(item)), heldOut: { folds, fold, items: held } };
}
