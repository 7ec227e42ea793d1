import { ignoreLabel } from '../labels/label-set.ts';

const epsilon = 1e-7;

/** Precision, recall and F1 of one class in one image, each 0–1. */
export interface ImageClassScore {
  readonly id: number;
  readonly precision: number;
  readonly recall: number;
  readonly f1: number;
}

/** The score of one image: F is the mean F1 of the classes present in its truth, background included. */
export interface ImageScore {
  readonly f: number;
  /** The classes present in the truth, by id. */
  readonly perClass: ImageClassScore[];
}

/** Ratios over pixels pooled from all images, 0–1; 0 for 0/0. F1 is the Dice coefficient. */
export interface PooledRatios {
  readonly precision: number;
  readonly recall: number;
  readonly f1: number;
  readonly iou: number;
}

/** The scores of one class over all images. */
export interface ClassScore extends PooledRatios {
  readonly id: number;
  readonly truthPixels: number;
  readonly predictedPixels: number;
  readonly truePositives: number;
  /** Number of images whose truth contains the class. */
  readonly images: number;
  /** Mean per-image F1 over these images; 0 if there are none. */
  readonly meanImageF1: number;
}

/** Scores over all images added. */
export interface ScoreSummary {
  readonly images: number;
  /** The headline score, "F (per image)": the mean of F over images; 0 without images. */
  readonly fPerImage: number;
  readonly perClass: ClassScore[];
  /** Means of the pooled ratios over the classes that occur in truth or prediction. */
  readonly macro: { readonly withBackground: PooledRatios; readonly withoutBackground: PooledRatios };
  readonly pixelAccuracy: number;
  /** classes×classes pixel counts, row = truth, column = prediction. */
  readonly confusion: Float64Array;
}

/**
 * Accumulates the scores of label maps, image by image.
 *
 * For each class present in an image's truth, P = tp/(tp+fp+1e-7), R = tp/(tp+fn+1e-7), F1 = 2PR/(P+R+1e-7); the image's
 * F is their mean and the headline is the mean over images (the metric of the CelebAMask-HQ parsing challenge).
 * The pooled figures use no epsilon: Dice = 2tp/(2tp+fp+fn), IoU = tp/(tp+fp+fn), 0/0 = 0.
 *
 * @example
 * const score = new FaceScore(19);
 * for (const { truth, prediction } of pairs) score.add(truth, prediction);
 * score.summary().fPerImage;
 */
export class FaceScore {
  readonly #classes: number;
  readonly #confusion: Float64Array;
  readonly #imagesWith: Float64Array;
  readonly #sumOfImageF1: Float64Array;
  #images = 0;
  #sumOfF = 0;

  /** @param classes number of classes, 1 to 255 (255 is the id of ignored pixels) */
  constructor(classes: number) {
    if (!Number.isInteger(classes) || classes < 1 || classes > ignoreLabel) {
      throw new RangeError(`the number of classes must be an integer from 1 to ${ignoreLabel}, not ${classes}`);
    }
    this.#classes = classes;
    this.#confusion = new Float64Array(classes * classes);
    this.#imagesWith = new Float64Array(classes);
    this.#sumOfImageF1 = new Float64Array(classes);
  }

  /**
   * Adds one image, as class ids of the same pixels, and returns its score. Truth 255 is ignored.
   *
   * @throws RangeError if the lengths differ, an id is not a class, or all pixels of the truth are ignored; nothing is added
   */
  add(truth: Uint8Array, prediction: Uint8Array): ImageScore {
    const confusion = countPairs(truth, prediction, this.#classes);
    const perClass = scoreImage(confusion, this.#classes);
    if (perClass.length === 0)
      throw new RangeError(`nothing to score: all ${truth.length} pixels of the truth are ignored`);
    const f = perClass.reduce((sum, one) => sum + one.f1, 0) / perClass.length;
    for (let i = 0; i < confusion.length; i++) this.#confusion[i] += confusion[i];
    for (const { id, f1 } of perClass) {
      this.#imagesWith[id] += 1;
      this.#sumOfImageF1[id] += f1;
    }
    this.#images += 1;
    this.#sumOfF += f;
    return { f, perClass };
  }

  /** Returns the scores over all images added so far. */
  summary(): ScoreSummary {
    const perClass = Array.from({ length: this.#classes }, (_, id) => this.#classScore(id));
    const occurring = perClass.filter((one) => one.truthPixels + one.predictedPixels > 0);
    const right = perClass.reduce((sum, one) => sum + one.truePositives, 0);
    const pixels = perClass.reduce((sum, one) => sum + one.truthPixels, 0);
    return {
      images: this.#images,
      fPerImage: ratio(this.#sumOfF, this.#images),
      perClass,
      macro: {
        withBackground: meanRatios(occurring),
        withoutBackground: meanRatios(occurring.filter((one) => one.id !== 0)),
      },
      pixelAccuracy: ratio(right, pixels),
      confusion: this.#confusion.slice(),
    };
  }

  #classScore(id: number): ClassScore {
    const { truePositives, truthPixels, predictedPixels } = classCounts(this.#confusion, this.#classes, id);
    const images = this.#imagesWith[id];
    return {
      id,
      truthPixels,
      predictedPixels,
      truePositives,
      images,
      precision: ratio(truePositives, predictedPixels),
      recall: ratio(truePositives, truthPixels),
      f1: ratio(2 * truePositives, truthPixels + predictedPixels),
      iou: ratio(truePositives, truthPixels + predictedPixels - truePositives),
      meanImageF1: ratio(this.#sumOfImageF1[id], images),
    };
  }
}

function countPairs(truth: Uint8Array, prediction: Uint8Array, classes: number): Float64Array {
  if (truth.length !== prediction.length) {
    throw new RangeError(`the truth has ${truth.length} pixels, but the prediction has ${prediction.length}`);
  }
  const confusion = new Float64Array(classes * classes);
  for (let i = 0; i < truth.length; i++) {
    const [actual, predicted] = [truth[i], prediction[i]];
    if (predicted >= classes) throw invalidId('prediction', predicted, i, classes);
    if (actual < classes) confusion[actual * classes + predicted] += 1;
    else if (actual !== ignoreLabel) throw invalidId('truth', actual, i, classes);
  }
  return confusion;
}

function invalidId(where: string, id: number, pixel: number, classes: number): RangeError {
  const ignored = where === 'truth' ? `, or ${ignoreLabel} for ignored pixels` : '';
  return new RangeError(`the ${where} has class id ${id} at pixel ${pixel}, but ids are 0–${classes - 1}${ignored}`);
}

function scoreImage(confusion: Float64Array, classes: number): ImageClassScore[] {
  const scores: ImageClassScore[] = [];
  for (let id = 0; id < classes; id++) {
    const { truePositives, truthPixels, predictedPixels } = classCounts(confusion, classes, id);
    if (truthPixels === 0) continue;
    const precision = truePositives / (predictedPixels + epsilon);
    const recall = truePositives / (truthPixels + epsilon);
    const f1 = (2 * precision * recall) / (precision + recall + epsilon);
    scores.push({ id, precision, recall, f1 });
  }
  return scores;
}

/** tp, tp+fn and tp+fp of a class. */
function classCounts(
  confusion: Float64Array,
  classes: number,
  id: number,
): { truePositives: number; truthPixels: number; predictedPixels: number } {
  let [truthPixels, predictedPixels] = [0, 0];
  for (let other = 0; other < classes; other++) {
    truthPixels += confusion[id * classes + other];
    predictedPixels += confusion[other * classes + id];
  }
  return { truePositives: confusion[id * classes + id], truthPixels, predictedPixels };
}

function meanRatios(scores: readonly PooledRatios[]): PooledRatios {
  const mean = (name: keyof PooledRatios) =>
    ratio(
      scores.reduce((sum, one) => sum + one[name], 0),
      scores.length,
    );
  return { precision: mean('precision'), recall: mean('recall'), f1: mean('f1'), iou: mean('iou') };
}

function ratio(part: number, whole: number): number {
  return whole === 0 ? 0 : part / whole;
}
