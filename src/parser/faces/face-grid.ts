import { axesOf, type Framing } from '../../faces/framing.ts';
import type { Extents } from '../../image/letterbox.ts';
import type { ClassScores } from '../grid/grid-classes.ts';

/** Consecutive pixels of a row, `to` excluded. */
export interface PixelSpan {
  readonly from: number;
  readonly to: number;
}

/**
 * The scores of one face, and where its square lies in an image: gives values between the points of the grid, bilinearly, at
 * the centres of pixels. Half a cell from the border of the square, the nearest points count.
 */
export class FaceGrid {
  readonly #height: number;
  readonly #width: number;
  /** Column and row of the grid, from `columnX · x + columnY · y + column0` with x and y counted in pixels. */
  readonly #columnX: number;
  readonly #columnY: number;
  readonly #column0: number;
  readonly #rowX: number;
  readonly #rowY: number;
  readonly #row0: number;
  /** The place within a cell that `moveTo` has set. */
  #across = 0;
  #along = 0;

  constructor(
    readonly scores: ClassScores,
    readonly framing: Framing,
  ) {
    const [, height, width] = scores.shape;
    const { right, down } = axesOf(framing);
    const { x, y, side } = framing;
    this.#height = height;
    this.#width = width;
    this.#columnX = (right.x * width) / side;
    this.#columnY = (right.y * width) / side;
    this.#column0 = width / 2 - 0.5 - this.#columnX * (x - 0.5) - this.#columnY * (y - 0.5);
    this.#rowX = (down.x * height) / side;
    this.#rowY = (down.y * height) / side;
    this.#row0 = height / 2 - 0.5 - this.#rowX * (x - 0.5) - this.#rowY * (y - 0.5);
  }

  /** The rows of an image that the square reaches. */
  rows({ height }: Pick<Extents, 'height'>): PixelSpan {
    const { right, down } = axesOf(this.framing);
    const reach = (Math.abs(right.y) + Math.abs(down.y)) * (this.framing.side / 2);
    return clip(this.framing.y - reach - 0.5, this.framing.y + reach - 0.5, height);
  }

  /** The pixels of row `y` whose centres are inside the square. */
  span(y: number, { width }: Pick<Extents, 'width'>): PixelSpan {
    let [from, to] = [-0.5, width - 0.5];
    for (const [slope, at, cells] of [
      [this.#columnX, this.#columnY * y + this.#column0, this.#width],
      [this.#rowX, this.#rowY * y + this.#row0, this.#height],
    ]) {
      // -0.5 <= slope · x + at < cells - 0.5
      if (Math.abs(slope) < 1e-9) {
        if (at < -0.5 || at >= cells - 0.5) return { from: 0, to: 0 };
        continue;
      }
      const ends = [(-0.5 - at) / slope, (cells - 0.5 - at) / slope];
      from = Math.max(from, Math.min(...ends));
      to = Math.min(to, Math.max(...ends));
    }
    return clip(from, to, width);
  }

  /** Goes to pixel x of row y. @returns the index of the upper left point of its cell */
  moveTo(x: number, y: number): number {
    const column = Math.min(this.#width - 1, Math.max(0, this.#columnX * x + this.#columnY * y + this.#column0));
    const row = Math.min(this.#height - 1, Math.max(0, this.#rowX * x + this.#rowY * y + this.#row0));
    const [left, top] = [column | 0, row | 0];
    this.#across = column - left;
    this.#along = row - top;
    return top * this.#width + left;
  }

  /** The value of a plane at the place of `moveTo`, which returned `cell`. */
  valueAt(plane: Float32Array, start: number, cell: number): number {
    const at = start + cell;
    // Where a fraction is 0, the further point may be outside of the grid.
    const upper = this.#across === 0 ? plane[at] : plane[at] + (plane[at + 1] - plane[at]) * this.#across;
    if (this.#along === 0) return Math.fround(upper);
    const below = at + this.#width;
    const lower = this.#across === 0 ? plane[below] : plane[below] + (plane[below + 1] - plane[below]) * this.#across;
    return Math.fround(upper + (lower - upper) * this.#along);
  }
}

/** Rounds an interval of pixel centres to whole pixels within an image. */
function clip(from: number, to: number, size: number): PixelSpan {
  const first = Math.max(0, Math.ceil(from));
  return { from: first, to: Math.max(first, Math.min(size, Math.ceil(to))) };
}
