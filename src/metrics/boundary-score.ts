import type { LabelMap } from '../image/image.ts';
import { ignoreLabel } from '../labels/label-set.ts';

/** Boundary precision, recall and F of one class in one image, each 0–1. */
export interface BoundaryClassScore {
  readonly id: number;
  readonly precision: number;
  readonly recall: number;
  readonly f: number;
}

/** Boundary F of one image: the mean over the classes whose boundary the truth shows; absent if it shows none. */
export interface BoundaryImageScore {
  readonly f?: number;
  readonly perClass: readonly BoundaryClassScore[];
}

/** Offsets of a disc, the nearest first. */
function discOffsets(radius: number): readonly (readonly [dx: number, dy: number])[] {
  const reach = Math.floor(radius);
  const offsets: [number, number][] = [];
  for (let dy = -reach; dy <= reach; dy++) {
    for (let dx = -reach; dx <= reach; dx++) if (dx * dx + dy * dy <= radius * radius) offsets.push([dx, dy]);
  }
  return offsets.sort(([ax, ay], [bx, by]) => ax * ax + ay * ay - (bx * bx + by * by));
}

/**
 * The pixels of each class with a neighbour (left, right, above, below) of another class, by class. Edges of the image and of
 * ignored regions are no boundaries.
 */
function boundaries({ width, height, data }: LabelMap, truth: Uint8Array, classes: number): number[][] {
  const found: number[][] = Array.from({ length: classes }, () => []);
  const differs = (id: number, other: number): boolean => data[other] !== id && truth[other] !== ignoreLabel;
  for (let y = 0, at = 0; y < height; y++) {
    for (let x = 0; x < width; x++, at++) {
      if (truth[at] === ignoreLabel) continue;
      const id = data[at];
      const edge =
        (x > 0 && differs(id, at - 1)) ||
        (x < width - 1 && differs(id, at + 1)) ||
        (y > 0 && differs(id, at - width)) ||
        (y < height - 1 && differs(id, at + width));
      if (edge) found[id]?.push(at);
    }
  }
  return found;
}

/**
 * Scores how well predicted boundaries follow the true ones: of a class, precision is the share of its predicted boundary
 * pixels within `tolerance` pixels of a true one, recall the reverse, F = 2PR/(P+R) (Csurka et al., "What is a good evaluation
 * measure for semantic segmentation?", BMVC 2013). A class that is predicted nowhere has F 0.
 *
 * @example
 * const score = new BoundaryScore(19, 3);
 * score.score(truth, prediction).f;
 */
export class BoundaryScore {
  readonly #classes: number;
  readonly #disc: ReturnType<typeof discOffsets>;

  /**
   * @param classes number of classes, 1 to 255
   * @param tolerance in pixels, 0 to 64
   */
  constructor(classes: number, tolerance: number) {
    if (!Number.isInteger(classes) || classes < 1 || classes > ignoreLabel) {
      throw new RangeError(`the number of classes must be an integer from 1 to ${ignoreLabel}, not ${classes}`);
    }
    if (!(tolerance >= 0 && tolerance <= 64)) {
      throw new RangeError(`the tolerance must be 0 to 64 pixels, not ${tolerance}`);
    }
    this.#classes = classes;
    this.#disc = discOffsets(tolerance);
  }

  /**
   * Scores one image. Truth 255 is ignored.
   *
   * @throws RangeError if the sizes differ
   */
  score(truth: LabelMap, prediction: LabelMap): BoundaryImageScore {
    if (truth.width !== prediction.width || truth.height !== prediction.height) {
      throw new RangeError(
        `the truth has ${truth.width}×${truth.height} pixels, but the prediction has ${prediction.width}×${prediction.height}`,
      );
    }
    const wanted = boundaries(truth, truth.data, this.#classes);
    const given = boundaries(prediction, truth.data, this.#classes);
    const mark = new Uint8Array(truth.data.length);
    const perClass: BoundaryClassScore[] = [];
    for (let id = 0; id < this.#classes; id++) {
      if (wanted[id].length === 0) continue;
      const recall = this.#shareNear(wanted[id], given[id], mark, truth);
      const precision = this.#shareNear(given[id], wanted[id], mark, truth);
      const f = precision + recall === 0 ? 0 : (2 * precision * recall) / (precision + recall);
      perClass.push({ id, precision, recall, f });
    }
    if (perClass.length === 0) return { perClass };
    return { f: perClass.reduce((sum, { f }) => sum + f, 0) / perClass.length, perClass };
  }

  /** The share of pixels that have one of `targets` within the tolerance; 0 without pixels. */
  #shareNear(
    pixels: readonly number[],
    targets: readonly number[],
    mark: Uint8Array,
    { width, height }: LabelMap,
  ): number {
    if (pixels.length === 0 || targets.length === 0) return 0;
    for (const at of targets) mark[at] = 1;
    let near = 0;
    for (const at of pixels) {
      const [x, y] = [at % width, Math.floor(at / width)];
      for (const [dx, dy] of this.#disc) {
        const [column, row] = [x + dx, y + dy];
        if (column < 0 || column >= width || row < 0 || row >= height || mark[row * width + column] === 0) continue;
        near += 1;
        break;
      }
    }
    for (const at of targets) mark[at] = 0;
    return near / pixels.length;
  }
}
