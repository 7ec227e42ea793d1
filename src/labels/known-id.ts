import { ignoreLabel, type LabelSet } from './label-set.ts';

/** Whether an id is valid in a label map of the set: one of its classes, or 255 for ignored pixels. */
export function isKnownId(id: number, { classes }: LabelSet): boolean {
  return id < classes.length || id === ignoreLabel;
}

/** Returns the index of the first invalid id in a label map of the set, or -1. */
export function findUnknownId(ids: Uint8Array, set: LabelSet): number {
  // Nearly all ids are valid classes, so the common path has one comparison.
  const { length } = set.classes;
  for (let i = 0; i < ids.length; i++) if (ids[i] >= length && !isKnownId(ids[i], set)) return i;
  return -1;
}
