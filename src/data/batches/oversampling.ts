import { findClass } from '../../labels/find-class.ts';
import type { LabelSet } from '../../labels/label-set.ts';
import { FaceparseError } from '../../text/errors.ts';
import { classCounts } from '../decoded/class-counts.ts';
import type { DecodedDataset } from '../decoded/decoded-dataset.ts';

/**
 * Weights for a loader that give out pairs with rare classes more often: each pair has the largest factor of the classes in
 * its labels, or 1. Undefined where no factors are given.
 *
 * @param factors class name → factor from 1 on
 * @throws FaceparseError for a class that the label set does not have, and a factor below 1
 *
 * @example oversamplingWeights(decoded, celebamask19, { hat: 3, ear_r: 1.5 })
 */
export function oversamplingWeights(
  decoded: DecodedDataset,
  labelSet: LabelSet,
  factors: Readonly<Record<string, number>>,
): Float64Array | undefined {
  const given = Object.entries(factors).map(([name, factor]) => {
    if (!(factor >= 1 && Number.isFinite(factor))) {
      throw new FaceparseError(`The oversampling factor of ${name} is ${factor}, but must be a number from 1 on.`);
    }
    return { id: findClass(labelSet, name).id, factor };
  });
  if (given.length === 0) return undefined;
  const counts = classCounts(decoded);
  return Float64Array.from({ length: decoded.stems.length }, (_, pair) =>
    Math.max(1, ...given.map(({ id, factor }) => (counts[pair * 256 + id] > 0 ? factor : 1))),
  );
}
