import type { LabelSet } from '../../labels/label-set.ts';

/** How much of an image one class covers. */
export interface ClassArea {
  readonly id: number;
  readonly name: string;
  readonly pixels: number;
  /** Fraction of the whole image, 0 to 1. */
  readonly share: number;
}

/**
 * The classes that occur, largest first.
 *
 * @param pixels by class id
 * @param total number of pixels of the image
 */
export function classAreas(pixels: Float64Array, total: number, { classes }: LabelSet): ClassArea[] {
  return classes
    .map(({ id, name }) => ({ id, name, pixels: pixels[id], share: pixels[id] / total }))
    .filter((area) => area.pixels > 0)
    .sort((a, b) => b.pixels - a.pixels);
}
