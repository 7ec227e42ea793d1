import { groupBy } from './group-by.ts';

/** Something in a submission that would lose it points, or the submission. */
export interface Fault {
  /** What was looked at, a name that stays the same from version to version: `mask-size`. */
  readonly check: string;
  /** The file or files in the zip; many are cut short: `masks/0.png and 99 more`. */
  readonly where: string;
  /** What was found, what is wanted, and what to do. */
  readonly message: string;
}

/** The first of the names, and how many more there are. */
export function nameFirst(names: readonly string[]): string {
  return names.length > 1 ? `${names[0]} and ${names.length - 1} more` : names[0];
}

/** Makes one fault of all that have the same check and message, in the order of the first of each. */
export function groupFaults(faults: readonly Fault[]): Fault[] {
  const groups = groupBy(faults, ({ check, message }) => JSON.stringify([check, message]));
  return [...groups.values()].map((group) => ({ ...group[0], where: nameFirst(group.map(({ where }) => where)) }));
}
