import type { LabelSet } from '../../labels/label-set.ts';
import type { ClassScore } from '../../metrics/face-score.ts';
import type { Measurements } from '../facts/measurements.ts';
import { list, markup } from '../typst/typst-text.ts';

/** The classes in the ground truth by mean F. */
export interface ClassRanking {
  /** Classes whose F rounds to 0.00, most frequent first, because F cannot rank them. */
  readonly notFound: readonly ClassScore[];
  /** The other classes, lowest F first. */
  readonly found: readonly ClassScore[];
}

/** A lower F is displayed as 0.00. */
const zeroF = 0.005;

/** Ranks the classes that occur in the ground truth. */
export function rankClasses({ summary }: Pick<Measurements, 'summary'>): ClassRanking {
  const scored = summary.perClass.filter(({ images }) => images > 0);
  const byFrequency = (a: ClassScore, b: ClassScore) => b.images - a.images || b.truthPixels - a.truthPixels;
  return {
    notFound: scored.filter(({ meanImageF1 }) => meanImageF1 < zeroF).sort(byFrequency),
    found: scored
      .filter(({ meanImageF1 }) => meanImageF1 >= zeroF)
      .sort((a, b) => a.meanImageF1 - b.meanImageF1 || byFrequency(a, b)),
  };
}

/** `hair (0.81), skin (0.92)` */
export function listScores(classes: readonly ClassScore[], { classes: names }: LabelSet): string {
  return list(classes.map(({ id, meanImageF1 }) => `${markup(names[id].name)} (${meanImageF1.toFixed(2)})`));
}

/** `3 of the 18 classes have an F of 0.00`; undefined if all are found. */
export function countNotFound({ notFound, found }: ClassRanking): string | undefined {
  const count = notFound.length;
  if (count === 0) return undefined;
  return `${count} of the ${count + found.length} classes ${count === 1 ? 'has' : 'have'} an F of 0.00`;
}
