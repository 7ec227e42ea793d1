/** The id of pixels that are neither learnt nor scored, in every label set. */
export const ignoreLabel = 255;

/** One class of a label set. */
export interface LabelClass {
  readonly id: number;
  /** Short name as the data set spells it (`l_eye`). */
  readonly name: string;
  /** Colour of the standard palette, 0–255. */
  readonly color: readonly [number, number, number];
}

/** A fixed list of classes, with what a horizontal flip does to them and how they derive from another set. */
export interface LabelSet {
  readonly name: string;
  readonly classes: readonly LabelClass[];
  /** Pairs of ids that trade places in a mirrored image; the first is the person's left (the larger x). */
  readonly mirrorPairs: readonly (readonly [number, number])[];
  /** `mergeFrom[id19]` is this set's id of class `id19` of celebamask-19; absent for celebamask-19 itself. */
  readonly mergeFrom?: readonly number[];
}
