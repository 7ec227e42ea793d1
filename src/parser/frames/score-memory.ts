import type { Steps } from '../../scheduling/steps.ts';
import type { ClassScores } from '../grid/grid-classes.ts';
import { mixPictures, stillness, type ViewPicture } from './view-picture.ts';

/**
 * Averages the scores of one face, or of a whole picture, over time.
 *
 * Each cell of the grid takes a part of its average so far and the rest of the new scores. The part falls to 0 where the picture
 * has changed, so that what moves leaves no trail. The picture that a frame is compared with is averaged with the same weights:
 * it shows what the averaged scores describe, so slow movements add up until they count.
 */
export class ScoreMemory {
  #past: { readonly scores: ClassScores; readonly picture: ViewPicture } | undefined;

  /** Forgets the past. */
  clear(): void {
    this.#past = undefined;
  }

  /**
   * Adds the scores of a frame, in steps of one class.
   *
   * @param weight of the past where nothing moves, 0 to 1
   * @returns the average; later calls leave it alone
   */
  *addSteps(scores: ClassScores, picture: ViewPicture, weight: number): Steps<ClassScores> {
    const past = this.#past;
    if (!past || weight <= 0 || !alike(past, { scores, picture })) {
      this.#past = { scores, picture };
      return scores;
    }
    const weights = stillness(picture, past.picture).map((still) => weight * still);
    yield;
    const [classes, height, width] = scores.shape;
    const plane = height * width;
    const cells = weightsOfCells(scores, picture, weights);
    yield;
    const data = new Float32Array(scores.data.length);
    for (let c = 0; c < classes; c++) {
      const fresh = scores.data.subarray(c * plane, (c + 1) * plane);
      const old = past.scores.data.subarray(c * plane, (c + 1) * plane);
      const target = data.subarray(c * plane, (c + 1) * plane);
      for (let i = 0; i < plane; i++) target[i] = fresh[i] + cells[i] * (old[i] - fresh[i]);
      yield;
    }
    const mixed = { ...scores, data };
    this.#past = { scores: mixed, picture: mixPictures(picture, past.picture, weights) };
    return mixed;
  }
}

type Memory = { readonly scores: ClassScores; readonly picture: ViewPicture };

/** Whether two grids cover the same part of their pictures in the same number of cells. */
function alike(a: Memory, b: Memory): boolean {
  const describe = ({ scores: { shape, region }, picture: { rows, columns } }: Memory) =>
    [...shape, rows, columns, region?.x, region?.y, region?.width, region?.height].join();
  return describe(a) === describe(b);
}

/** The weight of every cell of a grid: that of the block in which its middle lies. */
function weightsOfCells(
  { shape: [, height, width], region }: ClassScores,
  { rows, columns }: ViewPicture,
  weights: Float32Array,
): Float32Array {
  const { x, y, width: across, height: along } = region ?? { x: 0, y: 0, width, height };
  const place = (cell: number, start: number, length: number, blocks: number) =>
    Math.min(blocks - 1, Math.max(0, Math.floor(((cell + 0.5 - start) / length) * blocks)));
  const column = Uint16Array.from({ length: width }, (_, cell) => place(cell, x, across, columns));
  const cells = new Float32Array(height * width);
  for (let row = 0; row < height; row++) {
    const start = place(row, y, along, rows) * columns;
    for (let cell = 0; cell < width; cell++) cells[row * width + cell] = weights[start + column[cell]];
  }
  return cells;
}
