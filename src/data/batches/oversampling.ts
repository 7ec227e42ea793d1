import { findClass } from '../../labels/find-class.ts';
import type { LabelSet } from '../../labels/label-set.ts';
import { FaceparseError } from '../../text/errors.ts';
import { classCounts } from '../decoded/class-counts.ts';
import type { DecodedDataset } from '../decoded/decoded-dataset.ts';

/**
 * Returns sampling weights that favour pairs with rare classes: each pair has the largest factor among the classes in its
 * labels, or 1. Undefined without factors.
 *
 * @param factors class name → factor, at least 1
 * @throws FaceparseError for an unknown class or a factor below 1
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
      throw new FaceparseError(`The oversampling factor of ${name} is ${factor}; it must be at least 1.`);
    }
    return { id: findClass(labelSet, name).id, factor };
  });
  if (given.length === 0) return undefined;
  const counts = classCounts(decoded);
  return Float64Array.from({ length: decoded.stems.length }, (_, pair) =>
    Math.max(1, ...given.map(({ id, factor }) => (counts[pair * 256 + id] > 0 ? factor : 1))),
  );
}
