import { FaceparseError } from '../../text/errors.ts';
import { suggestName } from '../../text/similar-names.ts';
import type { PanelReason } from '../comparison.ts';

/** An image of a split with the scores of all runs. */
export interface RatedImage {
  readonly stem: string;
  /** F of each run. */
  readonly scores: readonly number[];
  /** Mean share of the pixels on which two runs differ, over all pairs of runs; 0 for one run. */
  readonly disagreement: number;
}

/** An image that is shown, and why. */
export interface ChosenImage {
  readonly stem: string;
  readonly reason: PanelReason;
}

/** Images that a rule chooses. */
const imagesPerRule = 2;

function mean(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}

/**
 * Chooses the images to show: those with the best, the median and the worst mean F over the runs, and those on which the runs
 * disagree most, two of each. No image is chosen twice; equal ones are taken in the order of the dataset. If names are given,
 * those are chosen instead.
 *
 * @throws FaceparseError (exit code 2) for a name that the split lacks
 */
export function chooseImages(images: readonly RatedImage[], names: readonly string[] = []): ChosenImage[] {
  if (names.length > 0) return chooseByName(images, names);
  const byScore = [...images].sort((a, b) => mean(b.scores) - mean(a.scores));
  // Ends first: the median of four images is none of them.
  const middle = Math.max(0, Math.floor((byScore.length - imagesPerRule) / 2));
  const byDisagreement = images
    .filter(({ disagreement }) => disagreement > 0)
    .sort((a, b) => b.disagreement - a.disagreement);
  const rules: readonly (readonly [PanelReason, readonly RatedImage[]])[] = [
    ['best', byScore.slice(0, imagesPerRule)],
    ['worst', byScore.slice(-imagesPerRule).reverse()],
    ['median', byScore.slice(middle, middle + imagesPerRule)],
    ['most disagreed', byDisagreement],
  ];
  const chosen = new Map<string, PanelReason>();
  for (const [reason, candidates] of rules) {
    const free = candidates.filter(({ stem }) => !chosen.has(stem)).slice(0, imagesPerRule);
    for (const { stem } of free) chosen.set(stem, reason);
  }
  const order: readonly PanelReason[] = ['best', 'median', 'worst', 'most disagreed'];
  return order.flatMap((reason) => [...chosen].filter(([, why]) => why === reason).map(([stem]) => ({ stem, reason })));
}

function chooseByName(images: readonly RatedImage[], names: readonly string[]): ChosenImage[] {
  const stems = images.map(({ stem }) => stem);
  return [...new Set(names)].map((stem) => {
    if (stems.includes(stem)) return { stem, reason: 'chosen by name' };
    throw new FaceparseError(`there is no image '${stem}'; ${suggestName(stem, stems, `such as ${stems[0]}`)}`, {
      exitCode: 2,
    });
  });
}

/** Share of the pixels in which two label maps of the same size differ. */
export function differingShare(a: Uint8Array, b: Uint8Array): number {
  let differing = 0;
  for (let i = 0; i < a.length; i++) if (a[i] !== b[i]) differing++;
  return differing / a.length;
}
