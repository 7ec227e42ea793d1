import { occurringClasses } from '../charts/confusion-matrix.ts';
import { type ComparedRun, type Comparison, type SplitName, type SplitScores, splitNames } from './comparison.ts';

/** What the images of a split are called: `validation images`. */
export const splitTitles: Readonly<Record<SplitName, string>> = {
  train: 'training',
  val: 'validation',
  test: 'test',
};

/** The splits on which a run is scored, the last one first. */
export function shownSplits({ runs }: Comparison): SplitName[] {
  const isShown = (split: SplitName) => runs.some(({ scores }) => scores.some((entry) => entry.split === split));
  return splitNames.filter(isShown).reverse();
}

/** The scores of a run on a split; undefined if it was not scored on it. */
export function scoresOn({ scores }: ComparedRun, split: SplitName): SplitScores | undefined {
  return scores.find((entry) => entry.split === split);
}

/** The classes that occur in truth or prediction of any of these scores, by id. */
export function occurringIn(scores: readonly SplitScores[]): number[] {
  return [...new Set(scores.flatMap(({ summary }) => occurringClasses(summary)))].sort((a, b) => a - b);
}
