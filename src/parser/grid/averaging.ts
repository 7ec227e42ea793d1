import { largestNetworkSide } from '../../image/preprocessing.ts';
import { checkOptions } from '../../text/check-options.ts';
import { describeValue } from '../../text/describe-value.ts';
import { FaceparseError } from '../../text/errors.ts';
import type { ClassScores } from './grid-classes.ts';
import type { Grid } from './grid-taps.ts';
import type { PixelKernels } from './kernels.ts';

/** The views of a photo for test-time augmentation. */
export interface Averaging {
  /** Whether to add the mirror image of every view. */
  readonly flip: boolean;
  /**
   * Input sizes relative to the training size, at most eight, rounded to sizes that the network accepts. The training size
   * itself is always included.
   */
  readonly scales: readonly number[];
}

/**
 * The views of `--tta`. Chosen with the flagship on the validation pairs (`faceparse evaluate --data DATA/val --scales LIST`).
 * F (per image): plain 0.8779; with the mirror image 0.8810; also at 5/6 of the size 0.8816; at 5/6 and 7/6 0.8820. A network
 * of 256² lost half a point with a scale of 0.75, so choose scales on your own images.
 */
export const defaultAveraging: Averaging = { flip: true, scales: [5 / 6, 1, 7 / 6] };

/**
 * Checks views for callers without a type checker.
 *
 * @throws FaceparseError (exit code 2) for a value that is not an object, an unknown key or a wrong type
 */
export function checkAveraging(averaging: Averaging): void {
  checkOptions(averaging, ['flip', 'scales'], 'averaging');
  const { flip, scales }: Partial<Averaging> = averaging;
  if (flip !== undefined && typeof flip !== 'boolean') {
    throw new FaceparseError(`averaging.flip is ${describeValue(flip)}, but must be true or false`, { exitCode: 2 });
  }
  if (scales === undefined || (Array.isArray(scales) && scales.every((scale) => typeof scale === 'number'))) return;
  throw new FaceparseError(`averaging.scales is ${describeValue(scales)}, but must be an array of numbers`, {
    exitCode: 2,
  });
}

const mostScales = 8;

/**
 * Sides in pixels of the network inputs, ascending and unique.
 *
 * @param size training size
 * @param multiple required divisor of input sides
 * @throws FaceparseError (exit code 2) for scales that are not positive numbers, too many, or exceed 4096 pixels
 *
 * @example networkSides(256, 32, [0.75, 1.25]) // [192, 256, 320]
 */
export function networkSides(size: number, multiple: number, scales: readonly number[]): number[] {
  if (scales.length > mostScales) {
    throw new FaceparseError(`${scales.length} scales given; at most ${mostScales} are supported`, {
      exitCode: 2,
    });
  }
  const sides = scales.map((scale) => {
    const side = Math.max(multiple, Math.round((size * scale) / multiple) * multiple);
    if (!(scale > 0 && side <= largestNetworkSide)) {
      throw new FaceparseError(
        `scale ${scale} is not supported: it must be above 0, and ${size} pixels × scale must be at most ${largestNetworkSide}`,
        { exitCode: 2 },
      );
    }
    return side;
  });
  return [...new Set([size, ...sides])].sort((a, b) => a - b);
}

/** Flips a planar image (channels×H×W, rows of `width`) horizontally, in place. */
export function mirrorInPlace(image: Float32Array, width: number): void {
  for (let start = 0; start < image.length; start += width) image.subarray(start, start + width).reverse();
}

/**
 * Mean class probabilities over several views of one photo.
 *
 * The logits of each view are resized to a common grid, as in `upsampledArgmax`, and converted to probabilities there.
 * Probabilities are averaged, not logits: logits of different views have no common zero, and one very confident view
 * would outvote the others.
 */
export class ProbabilityAverage {
  private readonly sums: Float32Array;
  private views = 0;

  /**
   * @param grid the common grid, classes×height×width
   * @param mirror the id of every class in the mirrored image
   */
  constructor(
    readonly grid: Grid,
    private readonly mirror: Uint8Array,
    private readonly kernels: PixelKernels,
  ) {
    const [classes, height, width] = grid.shape;
    this.sums = new Float32Array(classes * height * width);
  }

  /**
   * Adds the logits of one view, after earlier calls have ended. A mirrored view is flipped back, and left and right classes
   * are swapped.
   */
  async add(scores: ClassScores, mirrored: boolean): Promise<void> {
    await this.kernels.addProbabilities(this.sums, this.grid, scores, mirrored ? this.mirror : undefined);
    this.views++;
  }

  /** Logarithms of the mean probabilities. They are upsampled like logits; for a single view, they give the same labels. */
  async logProbabilities(): Promise<ClassScores> {
    const { shape, region } = this.grid;
    const data = await this.kernels.meanLogarithms(this.sums, this.views);
    return { shape, data, ...(region && { region }) };
  }
}
