import type { LabelMap } from '../image/image.ts';
import { ignoreLabel } from '../labels/label-set.ts';

/** A mask and a prediction of the same size. */
export interface Compared {
  /** Ids of the label set; 255 is ignored. */
  readonly truth: LabelMap;
  /** The most probable class of each pixel. */
  readonly prediction: LabelMap;
  /** Probability of the labelled class of each pixel, 0 to 1. */
  readonly labelled: Float32Array;
  /** Probability of the predicted class of each pixel, 0 to 1. */
  readonly predicted: Float32Array;
}

/**
 * Compares a mask with class probabilities.
 *
 * @param probabilities C×H×W, at the size of the mask
 */
export function compareProbabilities(truth: LabelMap, probabilities: Float32Array, classes: number): Compared {
  const { width, height, data } = truth;
  const pixels = width * height;
  const prediction = new Uint8Array(pixels);
  const labelled = new Float32Array(pixels);
  const predicted = probabilities.slice(0, pixels);
  for (let id = 1; id < classes; id++) {
    for (let at = 0, from = id * pixels; at < pixels; at++, from++) {
      if (probabilities[from] <= predicted[at]) continue;
      predicted[at] = probabilities[from];
      prediction[at] = id;
    }
  }
  for (let at = 0; at < pixels; at++) if (data[at] < classes) labelled[at] = probabilities[data[at] * pixels + at];
  return { truth, prediction: { width, height, data: prediction }, labelled, predicted };
}

/** Share of the shorter side within which a boundary may lie elsewhere: 8 pixels of 512. */
const boundaryShare = 0.015;

/** The pixels within `reach` of a class, in a square: 1 where it is. */
function nearClass({ width, height, data }: LabelMap, id: number, reach: number): Uint8Array {
  const near = new Uint8Array(width * height);
  for (let at = 0; at < near.length; at++) if (data[at] === id) near[at] = 1;
  for (let start = 0; start < near.length; start += width) spread(near, { start, step: 1, count: width, reach });
  for (let x = 0; x < width; x++) spread(near, { start: x, step: width, count: height, reach });
  return near;
}

/** Marks the places of a line that are within `reach` of a marked one. */
function spread(
  marks: Uint8Array,
  { start, step, count, reach }: { start: number; step: number; count: number; reach: number },
): void {
  const end = start + count * step;
  // Going forward, a mark is followed by `reach` more; 2 tells them from those of the class, which the way back spreads.
  let left = 0;
  for (let at = start; at < end; at += step) {
    if (marks[at] === 1) left = reach;
    else if (left-- > 0) marks[at] = 2;
  }
  left = 0;
  for (let at = end - step; at >= start; at -= step) {
    if (marks[at] === 1) left = reach;
    else if (left-- > 0 || marks[at] === 2) marks[at] = 1;
  }
}

/**
 * Marks the pixels whose label and prediction differ by more than the course of a boundary: 1 where they do, H×W.
 *
 * A difference is one of boundaries if the mask contains the predicted class and the prediction contains the labelled class
 * within 1.5 % of the shorter side (at least 1 pixel). So a blurred or shifted edge does not count, and a part that only one of
 * them contains counts in full, however thin it is. Ignored pixels are 0.
 */
export function markDisagreement({ truth, prediction }: Compared): Uint8Array {
  const { width, height, data } = truth;
  const reach = Math.max(1, Math.round(boundaryShare * Math.min(width, height)));
  // Most classes are never asked for.
  const inTruth: Uint8Array[] = [];
  const inPrediction: Uint8Array[] = [];
  const marks = new Uint8Array(width * height);
  for (let at = 0; at < marks.length; at++) {
    const [label, guess] = [data[at], prediction.data[at]];
    if (label === guess || label === ignoreLabel) continue;
    inTruth[guess] ??= nearClass(truth, guess, reach);
    inPrediction[label] ??= nearClass(prediction, label, reach);
    if (inTruth[guess][at] === 0 || inPrediction[label][at] === 0) marks[at] = 1;
  }
  return marks;
}

/** Steps of a probability in the counts. */
const levels = 64;

/** The pixels with one label and one prediction, by the probabilities of both in steps of 1/64. */
export interface ConfusedPixels {
  readonly labelled: number;
  readonly predicted: number;
  readonly cells: readonly { readonly labelledP: number; readonly predictedP: number; readonly pixels: number }[];
}

/** What the score of a mask is computed from, once the usual confidence in each class is known. */
export interface Disagreement {
  /** Number of pixels that are not ignored. */
  readonly pixels: number;
  /** Pixels of each class in the mask and in the prediction. */
  readonly labelled: Float64Array;
  readonly predicted: Float64Array;
  /** Sum of the probabilities of the label over the pixels of each class in the mask. */
  readonly confidence: Float64Array;
  /** Pixels whose label and prediction differ by more than the course of a boundary. */
  readonly confused: readonly ConfusedPixels[];
}

/** Counts where a mask and a prediction disagree. */
export function measureDisagreement(compared: Compared, classes: number): Disagreement {
  const { truth, prediction } = compared;
  const marks = markDisagreement(compared);
  const [labelled, predicted, confidence] = [0, 1, 2].map(() => new Float64Array(classes)) as [
    Float64Array,
    Float64Array,
    Float64Array,
  ];
  const counts = new Map<number, number>();
  let pixels = 0;
  const level = (probability: number) => Math.min(levels - 1, Math.floor(probability * levels));
  for (let at = 0; at < marks.length; at++) {
    const label = truth.data[at];
    if (label === ignoreLabel) continue;
    const guess = prediction.data[at];
    pixels++;
    labelled[label]++;
    predicted[guess]++;
    confidence[label] += compared.labelled[at];
    if (marks[at] === 0) continue;
    const key =
      ((label * classes + guess) * levels + level(compared.labelled[at])) * levels + level(compared.predicted[at]);
    counts.set(key, (counts.get(key) ?? 0) + 1);
  }
  return { pixels, labelled, predicted, confidence, confused: confusedPixels(counts, classes) };
}

function confusedPixels(counts: ReadonlyMap<number, number>, classes: number): ConfusedPixels[] {
  const found = new Map<number, { labelledP: number; predictedP: number; pixels: number }[]>();
  const stepOf = (value: number) => value % levels;
  for (const [key, pixels] of counts) {
    const pair = Math.floor(key / levels ** 2);
    const cells = found.get(pair) ?? [];
    // The middle of a step stands for it; a confident prediction must not fall below its threshold by rounding.
    const labelledP = (stepOf(Math.floor(key / levels)) + 0.5) / levels;
    cells.push({ labelledP, predictedP: (stepOf(key) + 1) / levels, pixels });
    found.set(pair, cells);
  }
  return [...found].map(([pair, cells]) => ({
    labelled: Math.floor(pair / classes),
    predicted: pair % classes,
    cells,
  }));
}
