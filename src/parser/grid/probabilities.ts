import type { Steps } from '../../scheduling/steps.ts';
import { exponential } from './exponential.ts';
import type { ClassScores } from './grid-classes.ts';

/** Softmax over the arrays at each position, in place. */
export function softmaxAcross(rows: readonly Float32Array[]): void {
  const width = rows[0].length;
  const largest = rows[0].slice();
  const total = new Float32Array(width);
  for (const row of rows) for (let x = 0; x < width; x++) if (row[x] > largest[x]) largest[x] = row[x];
  for (const row of rows) {
    for (let x = 0; x < width; x++) {
      const power = exponential(row[x] - largest[x]);
      row[x] = power;
      total[x] += power;
    }
  }
  for (const row of rows) for (let x = 0; x < width; x++) row[x] /= total[x];
}

/** Softmax of class scores, C×h×w, in steps of one row. */
export function* probabilitySteps({ data, shape }: ClassScores): Steps<Float32Array> {
  const [classes, height, width] = shape;
  const result = data.slice();
  for (let y = 0; y < height; y++) {
    softmaxAcross(
      Array.from({ length: classes }, (_, c) => {
        const start = (c * height + y) * width;
        return result.subarray(start, start + width);
      }),
    );
    yield;
  }
  return result;
}

/**
 * The mean probability of every class over the points of all grids where it is the most likely one, or, if there are none, its
 * highest probability. In steps of one row. Empty if there is no grid.
 *
 * @param probabilities of each grid, C×h×w
 */
export function* classConfidenceSteps(
  probabilities: readonly Float32Array[],
  grids: readonly Pick<ClassScores, 'shape'>[],
): Steps<Float64Array> {
  const classes = grids.at(0)?.shape[0] ?? 0;
  const sums = new Float64Array(classes);
  const counts = new Float64Array(classes);
  const highest = new Float64Array(classes);
  for (const [index, { shape }] of grids.entries()) {
    const [, height, width] = shape;
    const values = probabilities[index];
    const plane = height * width;
    for (let y = 0; y < height; y++) {
      for (let i = y * width; i < (y + 1) * width; i++) {
        let best = 0;
        for (let c = 0; c < classes; c++) {
          const probability = values[c * plane + i];
          if (probability > highest[c]) highest[c] = probability;
          if (probability > values[best * plane + i]) best = c;
        }
        sums[best] += values[best * plane + i];
        counts[best]++;
      }
      yield;
    }
  }
  return sums.map((sum, c) => (counts[c] > 0 ? sum / counts[c] : highest[c]));
}
