import type { Steps } from '../../scheduling/steps.ts';

/** Scores of every class on the network's grid, C×h×w: logits, or logarithms of averaged probabilities. */
export interface ClassScores {
  readonly shape: readonly [number, number, number];
  readonly data: Float32Array;
  /**
   * The part of the grid that shows the photo, in cells from the upper left corner of the first; absent if all of it does.
   * Scores of padding are left out, but borders of the photo may lie within a cell.
   */
  readonly region?: Readonly<Record<'x' | 'y' | 'width' | 'height', number>>;
}

/**
 * Minimum difference of two scores, relative to the largest score, at which the order of their interpolated values is
 * certain in 32-bit arithmetic: four times the rounding errors of the two interpolations.
 */
const certainty = 2 ** -20;

/** Label of ignored pixels; not used by any label set. */
const uncertain = 255;

/** Finds the classes that can be best somewhere in a cell, the square between four neighbouring grid points. */
export class GridClasses {
  /** Candidates of the cells queried so far, by the index of their first point. */
  private readonly contested = new Map<number, Uint8Array>();

  private constructor(
    private readonly scores: ClassScores,
    /** The best class of each point if its lead over all others is certain, else 255. */
    private readonly leaders: Uint8Array,
    private readonly margin: number,
  ) {}

  /** Compares the scores of every point, in steps of one class. */
  static *steps(scores: ClassScores): Steps<GridClasses> {
    const { data, shape } = scores;
    const [classes, height, width] = shape;
    const points = height * width;
    const leaders = new Uint8Array(points);
    const best = new Float32Array(points).fill(Number.NEGATIVE_INFINITY);
    const second = best.slice();
    let largest = 0;
    for (let c = 0; c < classes; c++) {
      largest = Math.max(largest, rank(data.subarray(c * points, (c + 1) * points), c, { leaders, best, second }));
      yield;
    }
    const margin = largest * certainty;
    for (let i = 0; i < points; i++) if (!(best[i] - second[i] > margin)) leaders[i] = uncertain;
    return new GridClasses(scores, leaders, margin);
  }

  /** The class that is best in the whole cell, or -1 if several may be. */
  onlyClass(row: number, column: number): number {
    const [, height, width] = this.scores.shape;
    const first = row * width + column;
    const right = column + 1 < width ? 1 : 0;
    const below = row + 1 < height ? width : 0;
    const { leaders } = this;
    const id = leaders[first];
    return id !== uncertain &&
      leaders[first + right] === id &&
      leaders[first + below] === id &&
      leaders[first + below + right] === id
      ? id
      : -1;
  }

  /** The classes that may be best somewhere in the cell, ascending. */
  candidates(row: number, column: number): Uint8Array {
    const [, height, width] = this.scores.shape;
    const first = row * width + column;
    let found = this.contested.get(first);
    if (!found) {
      const right = column + 1 < width ? 1 : 0;
      const below = row + 1 < height ? width : 0;
      found = this.undominated([first, first + right, first + below, first + below + right]);
      this.contested.set(first, found);
    }
    return found;
  }

  /** The classes that no other class surpasses at all four corners. */
  private undominated(corners: readonly number[]): Uint8Array {
    const { data, shape } = this.scores;
    const [classes, height, width] = shape;
    const plane = height * width;
    const rivals = new Set<number>();
    for (const corner of corners) {
      let best = 0;
      for (let c = 1; c < classes; c++) if (data[c * plane + corner] > data[best * plane + corner]) best = c;
      rivals.add(best);
    }
    const found: number[] = [];
    for (let c = 0; c < classes; c++) {
      let beaten = false;
      for (const rival of rivals) {
        beaten ||= corners.every((corner) => data[rival * plane + corner] - data[c * plane + corner] > this.margin);
      }
      if (!beaten) found.push(c);
    }
    return Uint8Array.from(found);
  }
}

/** Adds the scores of one class. @returns their largest absolute value */
function rank(
  scores: Float32Array,
  id: number,
  { leaders, best, second }: { leaders: Uint8Array; best: Float32Array; second: Float32Array },
): number {
  let largest = 0;
  for (let i = 0; i < scores.length; i++) {
    const score = scores[i];
    const size = Math.abs(score);
    if (size > largest) largest = size;
    if (score > best[i]) {
      second[i] = best[i];
      best[i] = score;
      leaders[i] = id;
    } else if (score > second[i]) second[i] = score;
  }
  return largest;
}
