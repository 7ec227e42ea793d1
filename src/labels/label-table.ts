/** A class of a label table. */
export interface LabelTableClass {
  readonly name: string;
  /** Names of the classes of celebamask-19 that merge into it. The first one represents it in masks of celebamask-19. */
  readonly from: readonly string[];
  /** Red, green and blue, 0 to 255. */
  readonly color: readonly [number, number, number];
}

/**
 * A label set that a configuration defines by merging and dropping classes of celebamask-19, with every default filled in.
 * It contains only plain values, so configurations and weights files store it as it is.
 */
export interface LabelTable {
  readonly name: string;
  /** In the order of their ids. The first contains `background`. */
  readonly classes: readonly LabelTableClass[];
  /** Names of the classes of celebamask-19 whose pixels are ignored (255) in the loss and in scores. */
  readonly drop: readonly string[];
  /** Classes that a horizontal flip swaps; the first of a pair is the person's left. */
  readonly pairs: readonly (readonly [string, string])[];
}

/** A label set as configurations and weights name it: its name, or the table that defines it. */
export type LabelSetChoice = string | LabelTable;

/**
 * The name of a label set given by name or table.
 *
 * @example labelSetName(config.data.labels) // 'celebamask-19'
 */
export function labelSetName(labels: LabelSetChoice): string {
  return typeof labels === 'string' ? labels : labels.name;
}

/** Whether two choices are the same label set. Tables are the same if their names, classes, colours and sources are. */
export function isSameLabelSet(a: LabelSetChoice, b: LabelSetChoice): boolean {
  return JSON.stringify(inOrder(a)) === JSON.stringify(inOrder(b));
}

/** The values that matter, in a fixed order. */
function inOrder(labels: LabelSetChoice): unknown {
  if (typeof labels === 'string') return labels;
  const { name, classes, drop, pairs } = labels;
  return [name, classes.map((entry) => [entry.name, entry.from, entry.color]), drop, pairs];
}
