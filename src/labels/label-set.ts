/** The id of ignored pixels in every label set: excluded from loss and score. */
export const ignoreLabel = 255;

/** One class of a label set. */
export interface LabelClass {
  readonly id: number;
  /** Short name, as spelled in the data set (`l_eye`). */
  readonly name: string;
  /** Colour of the standard palette, 0–255. */
  readonly color: readonly [number, number, number];
}

/** A fixed list of classes, with their pairs under a horizontal flip and their derivation from another set. */
export interface LabelSet {
  readonly name: string;
  readonly classes: readonly LabelClass[];
  /** Pairs of ids swapped by a horizontal flip; the first is the person's left (the larger x). */
  readonly mirrorPairs: readonly (readonly [number, number])[];
  /**
   * `mergeFrom[id19]` is this set's id of class `id19` of celebamask-19, or 255 if its pixels are ignored; absent for
   * celebamask-19 itself.
   */
  readonly mergeFrom?: readonly number[];
  /** `representatives[id]` is the class of celebamask-19 that stands for class `id` in masks of celebamask-19. */
  readonly representatives?: readonly number[];
}
