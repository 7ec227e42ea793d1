import { runSteps, type Steps } from '../../scheduling/steps.ts';
import { type ClassScores, GridClasses } from './grid-classes.ts';
import { gridTaps, pixelGrid } from './grid-taps.ts';

/** The labels of an image, and how many pixels each class has. */
export interface CountedLabels {
  readonly width: number;
  readonly height: number;
  readonly data: Uint8Array;
  /** Pixels by class id. */
  readonly pixels: Float64Array;
}

/**
 * The most likely class of every pixel at the size of the photo: logits C×h×w are upsampled bilinearly (half-pixel
 * centres) and then compared. Upsampling labels instead would cost 0.02 to 0.06 of F. Ties go to the lower id.
 *
 * @example const { data } = upsampledArgmax({ data: logits, shape: [19, 384, 384] }, photo.height, photo.width);
 */
export function upsampledArgmax(scores: ClassScores, outputHeight: number, outputWidth: number): CountedLabels {
  return runSteps(upsampledArgmaxSteps(scores, outputHeight, outputWidth));
}

/** Consecutive output columns that lie between the same two columns of the grid. */
interface Span {
  readonly column: number;
  readonly from: number;
  readonly to: number;
}

/**
 * `upsampledArgmax` in steps of one row.
 *
 * Between four neighbouring grid points, all classes are interpolated with the same weights. A class that is best at all
 * four is therefore best everywhere in between, and a class that is worse than another at all four is never chosen. Only
 * cells on the border between regions are computed pixel by pixel, for the few remaining classes, in the same arithmetic
 * as `RowUpsampler`. The labels equal those of the plain method, in a fortieth of the time for 12 megapixels.
 */
export function* upsampledArgmaxSteps(
  scores: ClassScores,
  outputHeight: number,
  outputWidth: number,
): Steps<CountedLabels> {
  const { data, shape } = scores;
  const [, height, width] = shape;
  const plane = height * width;
  const { rows, columns } = gridTaps(scores, pixelGrid(outputHeight, outputWidth));
  const fractions = Float32Array.from(columns, ({ fraction }) => fraction);
  const spans = columnSpans(columns.map(({ low }) => low));
  const classes = yield* GridClasses.steps(scores);
  yield;
  const labels = new Uint8Array(outputHeight * outputWidth);
  yield;
  const pixels = new Float64Array(256);
  const best = new Float32Array(outputWidth);

  function fill(id: number, from: number, to: number, y: number): void {
    labels.fill(id, y * outputWidth + from, y * outputWidth + to);
    pixels[id] += to - from;
  }

  /** Writes the labels of one row between two columns of the grid, where `candidates` compete. */
  function compare(candidates: Uint8Array, { column, from, to }: Span, y: number): void {
    const { low, high, fraction } = rows[y];
    const right = Math.min(column + 1, width - 1);
    const start = y * outputWidth;
    for (let k = 0; k < candidates.length; k++) {
      const id = candidates[k];
      const upper = id * plane + low * width;
      const lower = id * plane + high * width;
      const leftScore = Math.fround(data[upper + column] + (data[lower + column] - data[upper + column]) * fraction);
      const rightScore = Math.fround(data[upper + right] + (data[lower + right] - data[upper + right]) * fraction);
      const slope = rightScore - leftScore;
      for (let x = from; x < to; x++) {
        const score = Math.fround(leftScore + slope * fractions[x]);
        if (k > 0 && !(score > best[x])) continue;
        best[x] = score;
        labels[start + x] = id;
      }
    }
    for (let x = from; x < to; x++) pixels[labels[start + x]]++;
  }

  for (let y = 0; y < outputHeight; y++) {
    const { low } = rows[y];
    // Neighbouring cells of one class are filled together.
    let filledTo = 0;
    let fillFrom = 0;
    let fillId = -1;
    for (const span of spans) {
      const id = classes.onlyClass(low, span.column);
      if (id !== fillId) {
        if (fillId >= 0) fill(fillId, fillFrom, filledTo, y);
        fillFrom = span.from;
        fillId = id;
      }
      if (id < 0) compare(classes.candidates(low, span.column), span, y);
      filledTo = span.to;
    }
    if (fillId >= 0) fill(fillId, fillFrom, outputWidth, y);
    yield;
  }
  return { width: outputWidth, height: outputHeight, data: labels, pixels };
}

function columnSpans(lows: readonly number[]): Span[] {
  const spans: Span[] = [];
  for (let from = 0; from < lows.length; ) {
    let to = from + 1;
    while (to < lows.length && lows[to] === lows[from]) to++;
    spans.push({ column: lows[from], from, to });
    from = to;
  }
  return spans;
}
