import type { Steps } from '../../scheduling/steps.ts';
import { softmaxAcross } from '../grid/probabilities.ts';
import type { ScoreField } from './score-field.ts';

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
  constructor(
    private readonly field: ScoreField,
    private readonly classes: number,
    private readonly width: number,
  ) {}

  /** The band of `rows` rows from row `y`, in steps of one row. */
  *steps(y: number, rows: number): Steps<ProbabilityBand> {
    const { field, classes, width } = this;
    const data = new Float32Array(classes * rows * width);
    for (let row = 0; row < rows; row++) {
      const all: Float32Array[] = [];
      for (let id = 0; id < classes; id++) {
        const start = (id * rows + row) * width;
        all.push(data.subarray(start, start + width));
        const planes = field.grids.map(({ data, shape }) => ({ data, start: id * shape[1] * shape[2] }));
        field.writeRow(planes, id === 0 ? 0 : Number.NEGATIVE_INFINITY, y + row, all[id]);
      }
      softmaxAcross(all);
      yield;
    }
    return { y, rows, data };
  }
}
