import type { z } from 'zod';
import { getLabelSet } from '../labels/registry.ts';
import { getArchitecture } from '../models/registry.ts';
import { faultOf } from '../text/fault-of.ts';

/** The keys that name an entry of a registry, and the look-up. */
const lookUps: readonly [group: string, key: string, lookUp: (name: string) => unknown][] = [
  ['model', 'name', getArchitecture],
  ['data', 'labels', getLabelSet],
];

/**
 * The names that no registry has. The schema accepts them, because the stored configuration of a run may name a network that only
 * the user's own program registers.
 *
 * @param config the values that were given, without defaults
 */
export function unknownNames(config: Readonly<Record<string, unknown>>): z.core.$ZodIssue[] {
  return lookUps.flatMap(([group, key, lookUp]) => {
    const input = (config[group] as Record<string, unknown> | undefined)?.[key];
    const message = typeof input === 'string' ? faultOf(() => lookUp(input)) : undefined;
    return message === undefined ? [] : [{ code: 'custom', path: [group, key], input, message }];
  });
}
