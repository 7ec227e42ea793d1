import type { ConfusedPixels, Disagreement } from './disagreement.ts';

/** A class of a mask that networks confidently take for another one. */
export interface SuspectRegion {
  /** Class ids in the mask and in the prediction. */
  readonly labelled: number;
  readonly predicted: number;
  /** Pixels where the prediction is confident. */
  readonly pixels: number;
  /** 0 (no doubt) to 1 (all of the class is certainly wrong). */
  readonly score: number;
}

/** The score of a mask. */
export interface MaskScore {
  /** The highest score of its regions, 0 to 1; 0 without any. */
  readonly score: number;
  /** By falling score. */
  readonly regions: readonly SuspectRegion[];
}

/**
 * The usual confidence in each class: the mean probability of the label over all pixels with that label; NaN for a class that
 * no mask contains.
 */
export function usualConfidence(measured: readonly Disagreement[], classes: number): Float64Array {
  return Float64Array.from({ length: classes }, (_, id) => {
    const sum = (values: 'confidence' | 'labelled') => measured.reduce((total, one) => total + one[values][id], 0);
    return sum('confidence') / sum('labelled');
  });
}

/** Share of an image that is added to the size of a class, so that a few pixels do not count as much as a whole part. */
const smoothing = 0.001;

/**
 * Scores a mask against the predictions of networks that never saw it, following confident learning (Northcutt, Jiang, Chuang:
 * Confident Learning: Estimating Uncertainty in Dataset Labels, JAIR 2021).
 *
 * A pixel labelled g and predicted j counts if the probability of j is at least the usual one of j, and if the boundary between
 * the two does not just run elsewhere (see `markDisagreement`). It counts from 0 to 1 by how much less probable g is than usual, or
 * than j if that is less. So classes that the networks have not learnt raise no suspicion. The sum over these pixels, divided by the number of pixels
 * labelled g or predicted j in the image, whichever is less, plus 0.1 % of the image, is the score of the region: near 1 if a
 * whole part is labelled wrongly, is missing or was invented, near 0 at uncertain edges. The score of a mask is that of its
 * worst region, so an image that is hard in many places does not rank above a wrong one.
 *
 * @param usual from `usualConfidence`
 */
export function scoreMask(measured: Disagreement, usual: Float64Array): MaskScore {
  const regions = measured.confused
    .map((confused) => scoreRegion(confused, measured, usual))
    .filter(({ score }) => score > 0)
    .sort((a, b) => b.score - a.score);
  return { score: regions[0]?.score ?? 0, regions };
}

function scoreRegion(
  { labelled, predicted, cells }: ConfusedPixels,
  measured: Disagreement,
  usual: Float64Array,
): SuspectRegion {
  // A class that no mask contains has no usual confidence; any prediction of it is confident if it is the most probable.
  const confident = cells.filter(({ predictedP }) => !(predictedP < usual[predicted]));
  const doubt = confident.reduce(
    (sum, { labelledP, predictedP, pixels }) =>
      sum + pixels * Math.max(0, Math.min(usual[labelled], predictedP) - labelledP),
    0,
  );
  const size = Math.min(measured.labelled[labelled], measured.predicted[predicted]);
  return {
    labelled,
    predicted,
    pixels: confident.reduce((sum, { pixels }) => sum + pixels, 0),
    score: doubt / (size + smoothing * measured.pixels),
  };
}
