import { detectionHeads, valuesPerAnchor } from './blaze-face.ts';

/** One prediction of the network, in pixels of its input. */
export interface Prediction {
  /** From 0 to 1. */
  readonly score: number;
  /** Centre x and y, width and height of the box, then x and y of the landmarks, in the order of `FaceLandmarks`. */
  readonly values: Float32Array;
}

/**
 * Decodes the outputs of the network for one image of a batch.
 *
 * @param index number of the image in the batch
 * @param threshold minimum score
 */
export function decodePredictions(
  outputs: Readonly<Record<string, Float32Array>>,
  { width, height, index = 0 }: { readonly width: number; readonly height: number; readonly index?: number },
  threshold: number,
): Prediction[] {
  const logit = Math.log(threshold / (1 - threshold));
  const found: Prediction[] = [];
  for (const { name, stride, anchors } of detectionHeads) {
    const columns = width / stride;
    const cells = columns * (height / stride);
    const scores = outputs[`scores.${name}`];
    const values = outputs[`values.${name}`];
    for (let anchor = 0; anchor < anchors; anchor++) {
      const plane = index * anchors + anchor;
      for (let cell = 0; cell < cells; cell++) {
        const score = scores[plane * cells + cell];
        if (!(score >= logit)) continue;
        const middle = [((cell % columns) + 0.5) * stride, (Math.floor(cell / columns) + 0.5) * stride];
        const decoded = Float32Array.from({ length: valuesPerAnchor }, (_, k) => {
          const value = values[(plane * valuesPerAnchor + k) * cells + cell];
          // Width and height are not relative to the cell.
          return k === 2 || k === 3 ? value : value + middle[k % 2];
        });
        found.push({ score: 1 / (1 + Math.exp(-score)), values: decoded });
      }
    }
  }
  return found;
}

/**
 * Joins predictions of the same face (weighted non-maximum suppression, Bazarevsky et al. 2019): those that overlap the best
 * one are averaged, weighted by their scores. The result has the best score and is sorted by it, descending.
 *
 * @param overlap minimum intersection over union with the best prediction
 */
export function joinPredictions(predictions: readonly Prediction[], overlap: number): Prediction[] {
  let left = [...predictions].sort((a, b) => b.score - a.score);
  const joined: Prediction[] = [];
  while (left.length > 0) {
    const [best] = left;
    const values = new Float32Array(valuesPerAnchor);
    let total = 0;
    left = left.filter((other) => {
      if (other !== best && intersectionOverUnion(best.values, other.values) < overlap) return true;
      for (let k = 0; k < values.length; k++) values[k] += other.score * other.values[k];
      total += other.score;
      return false;
    });
    joined.push({ score: best.score, values: values.map((value) => value / total) });
  }
  return joined;
}

/** Intersection over union of two boxes, given as centre x, centre y, width, height. */
export function intersectionOverUnion(a: ArrayLike<number>, b: ArrayLike<number>): number {
  const along = (axis: 0 | 1) =>
    Math.min(a[axis] + a[axis + 2] / 2, b[axis] + b[axis + 2] / 2) -
    Math.max(a[axis] - a[axis + 2] / 2, b[axis] - b[axis + 2] / 2);
  const [width, height] = [along(0), along(1)];
  if (width <= 0 || height <= 0) return 0;
  const shared = width * height;
  return shared / (a[2] * a[3] + b[2] * b[3] - shared);
}
