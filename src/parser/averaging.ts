import { largestNetworkSide } from '../image/preprocessing.ts';
import type { Steps } from '../scheduling/steps.ts';
import { FaceparseError } from '../text/errors.ts';
import type { ClassScores } from './grid-classes.ts';
import { softmaxAcross } from './probabilities.ts';
import { RowUpsampler } from './row-upsampler.ts';

/** Which views of a photo a prediction is averaged over. */
export interface Averaging {
  /** Whether every view is also seen mirrored. */
  readonly flip: boolean;
  /**
   * Sizes of the network's square relative to that of its training, at most eight, rounded to what the network takes.
   * The training's own size is always among them.
   */
  readonly scales: readonly number[];
}

/**
 * What `--tta` means. Chosen with the flagship on the validation pairs (`faceparse evaluate --data DATA/val --scales LIST`),
 * F (per image) plain 0.8779: with its mirror image 0.8810, at 5/6 of the size too 0.8816, at 5/6 and 7/6 0.8820. A network of
 * 256² lost half a point by a scale of 0.75: choose with images of your own.
 */
export const defaultAveraging: Averaging = { flip: true, scales: [5 / 6, 1, 7 / 6] };

const mostScales = 8;
/** Smallest probability: the log of one that vanishes must stay a number, since scores are interpolated. */
export const leastProbability = 1e-30;

/**
 * Sides in pixels of the squares that a network is run at, ascending, each once.
 *
 * @param size side that the network was trained at
 * @param multiple what the network's sides must be multiples of
 * @throws FaceparseError (exit code 2) for scales that are no positive numbers, too many, or lead over 4096 pixels
 *
 * @example networkSides(256, 32, [0.75, 1.25]) // [192, 256, 320]
 */
export function networkSides(size: number, multiple: number, scales: readonly number[]): number[] {
  if (scales.length > mostScales) {
    throw new FaceparseError(`${scales.length} scales are given to average over; at most ${mostScales} can be used`, {
      exitCode: 2,
    });
  }
  const sides = scales.map((scale) => {
    const side = Math.max(multiple, Math.round((size * scale) / multiple) * multiple);
    if (!(scale > 0 && side <= largestNetworkSide)) {
      throw new FaceparseError(
        `the scale ${scale} cannot be averaged over: it must be above 0, and ${size} pixels times it at most ${largestNetworkSide}`,
        { exitCode: 2 },
      );
    }
    return side;
  });
  return [...new Set([size, ...sides])].sort((a, b) => a - b);
}

/** Mirrors a planar image (channels×H×W, rows of `width`) left to right, in place. */
export function mirrorInPlace(image: Float32Array, width: number): void {
  for (let start = 0; start < image.length; start += width) image.subarray(start, start + width).reverse();
}

/**
 * Mean of the class probabilities that several views of one photo give.
 *
 * Logits of every view are brought to a common grid first, as `upsampledArgmax` would upsample them, and made into
 * probabilities there. Probabilities are averaged, not logits: logits of different views have no common zero, and one
 * view that is beyond doubt would outvote the others.
 */
export class ProbabilityAverage {
  private readonly sums: Float32Array;
  private views = 0;

  /**
   * @param shape classes×height×width of the common grid
   * @param mirror for every class id the id that it has in the mirrored image
   */
  constructor(
    readonly shape: readonly [number, number, number],
    private readonly mirror: Uint8Array,
  ) {
    this.sums = new Float32Array(shape[0] * shape[1] * shape[2]);
  }

  /**
   * Adds the logits of one view, in steps of one row. A mirrored view is mirrored back, with left and right classes
   * swapped.
   */
  *add({ data: logits, shape: [classes, height, width] }: ClassScores, mirrored: boolean): Steps<void> {
    const [, gridHeight, gridWidth] = this.shape;
    const upsampler = new RowUpsampler(height, width, gridHeight, gridWidth);
    const rows = Array.from({ length: classes }, () => new Float32Array(gridWidth));
    for (let y = 0; y < gridHeight; y++) {
      rows.forEach((row, c) => {
        upsampler.write(logits, c * height * width, y, row);
      });
      softmaxAcross(rows);
      rows.forEach((row, c) => {
        if (mirrored) row.reverse();
        const start = ((mirrored ? this.mirror[c] : c) * gridHeight + y) * gridWidth;
        for (let x = 0; x < gridWidth; x++) this.sums[start + x] += row[x];
      });
      yield;
    }
    this.views++;
  }

  /**
   * Logarithms of the mean probabilities, in steps of one class. They are upsampled like logits: those of a single view give
   * exactly the labels that its logits give.
   */
  *logProbabilities(): Steps<ClassScores> {
    const data = new Float32Array(this.sums.length);
    const plane = this.shape[1] * this.shape[2];
    for (let start = 0; start < data.length; start += plane) {
      for (let i = start; i < start + plane; i++) {
        data[i] = Math.log(Math.max(this.sums[i] / this.views, leastProbability));
      }
      yield;
    }
    return { shape: this.shape, data };
  }
}
