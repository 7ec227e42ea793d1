import { nameSome } from '../../text/name-some.ts';
import { groupBy } from './group-by.ts';

/** A fault that would cost a submission marks or get it refused. */
export interface Fault {
  /** Name of the check, stable between versions: `mask-size`. */
  readonly check: string;
  /** The file or files in the zip, abbreviated: `masks/0.png and 99 more`. */
  readonly where: string;
  /** What was found, what is required, and how to fix it. */
  readonly message: string;
}

/** The first name and the number of further names. */
export function nameFirst(names: readonly string[]): string {
  return nameSome(names, 1);
}

/** Merges faults with the same check and message, in the order of their first occurrence. */
export function groupFaults(faults: readonly Fault[]): Fault[] {
  const groups = groupBy(faults, ({ check, message }) => JSON.stringify([check, message]));
  return [...groups.values()].map((group) => ({ ...group[0], where: nameFirst(group.map(({ where }) => where)) }));
}
