import { ignoreLabel, type LabelSet } from './label-set.ts';

/** Whether a label map of the set may hold an id: one of its classes, or 255 for a pixel that is neither learnt nor scored. */
export function isKnownId(id: number, { classes }: LabelSet): boolean {
  return id < classes.length || id === ignoreLabel;
}

/** The index of the first id that a label map of the set may not hold, -1 where there is none. */
export function findUnknownId(ids: Uint8Array, set: LabelSet): number {
  // Nearly all ids are those of classes, so that the loop has one comparison.
  const { length } = set.classes;
  for (let i = 0; i < ids.length; i++) if (ids[i] >= length && !isKnownId(ids[i], set)) return i;
  return -1;
}
