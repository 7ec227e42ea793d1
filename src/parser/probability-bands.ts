import type { Steps } from '../scheduling/steps.ts';
import type { ClassScores } from './grid-classes.ts';
import { pixelGrid } from './grid-taps.ts';
import { softmaxAcross } from './probabilities.ts';
import { RowUpsampler } from './row-upsampler.ts';

/** The probabilities of all classes in consecutive rows of an image. */
export interface ProbabilityBand {
  /** The first row. */
  readonly y: number;
  /** Number of rows. */
  readonly rows: number;
  /** Probabilities C×rows×W. They sum to 1 over the classes. */
  readonly data: Float32Array;
}

/**
 * Computes probabilities at the size of the image, band by band. The scores are upsampled before the softmax, in the
 * arithmetic of `upsampledArgmax`, so no class is more likely than the label.
 */
export class ProbabilityBands {
  private readonly upsampler: RowUpsampler;

  constructor(
    private readonly scores: ClassScores,
    private readonly width: number,
    height: number,
  ) {
    this.upsampler = new RowUpsampler(scores, pixelGrid(height, width));
  }

  /** The band of `rows` rows from row `y`, in steps of one row. */
  *steps(y: number, rows: number): Steps<ProbabilityBand> {
    const { scores, width, upsampler } = this;
    const [classes, gridHeight, gridWidth] = scores.shape;
    const data = new Float32Array(classes * rows * width);
    for (let row = 0; row < rows; row++) {
      const all: Float32Array[] = [];
      for (let id = 0; id < classes; id++) {
        const start = (id * rows + row) * width;
        all.push(data.subarray(start, start + width));
        upsampler.write(scores.data, id * gridHeight * gridWidth, y + row, all[id]);
      }
      softmaxAcross(all);
      yield;
    }
    return { y, rows, data };
  }
}
