import type { Steps } from '../../scheduling/steps.ts';
import { takeLogarithms } from './exponential.ts';
import type { ClassScores } from './grid-classes.ts';
import type { Grid } from './grid-taps.ts';
import { softmaxAcross } from './probabilities.ts';
import { RowUpsampler } from './row-upsampler.ts';

/** Minimum probability, to keep logarithms finite: scores are interpolated. */
export const leastProbability = 1e-30;

/** Values per step. */
const stepLength = 16_384;

/**
 * Adds the class probabilities of one view to sums on a common grid, in steps of one row.
 *
 * @param mirror for a mirrored view, the id of every class in the mirrored image; the view is flipped back
 */
export function* addProbabilitiesSteps(
  sums: Float32Array,
  grid: Grid,
  scores: ClassScores,
  mirror: Uint8Array | undefined,
): Steps<void> {
  const { data: logits, shape } = scores;
  const [classes, height, width] = shape;
  const [, gridHeight, gridWidth] = grid.shape;
  const upsampler = new RowUpsampler(scores, grid);
  const rows = Array.from({ length: classes }, () => new Float32Array(gridWidth));
  for (let y = 0; y < gridHeight; y++) {
    rows.forEach((row, c) => {
      upsampler.write(logits, c * height * width, y, row);
    });
    softmaxAcross(rows);
    rows.forEach((row, c) => {
      if (mirror) row.reverse();
      const start = ((mirror ? mirror[c] : c) * gridHeight + y) * gridWidth;
      for (let x = 0; x < gridWidth; x++) sums[start + x] += row[x];
    });
    yield;
  }
}

/** The logarithms of the means, at least that of `leastProbability`, in steps of some thousand values. */
export function* meanLogarithmsSteps(sums: Float32Array, views: number): Steps<Float32Array> {
  const data = new Float32Array(sums.length);
  for (let start = 0; start < data.length; start += stepLength) {
    const end = Math.min(data.length, start + stepLength);
    for (let i = start; i < end; i++) data[i] = Math.max(sums[i] / views, leastProbability);
    takeLogarithms(data.subarray(start, end));
    yield;
  }
  return data;
}
