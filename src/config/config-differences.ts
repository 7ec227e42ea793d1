import { configKeys } from './config-keys.ts';
import { valueAt } from './parse-yaml.ts';
import type { Config } from './schema.ts';

/** A key in which two configurations differ, with both values. */
export interface ConfigDifference {
  readonly path: string;
  readonly a: unknown;
  readonly b: unknown;
}

/** Does not affect the result. */
const savingKey = 'train.checkpointMinutes';

/**
 * All keys in which two configurations differ, in the order of the schema. The engine, the checkpoint interval and the
 * keys in `ignored` are skipped.
 *
 * @example configDifferences(stored, wanted, ['name']) // [{ path: 'train.lr', a: 0.001, b: 0.002 }]
 */
export function configDifferences(a: Config, b: Config, ignored: readonly string[]): ConfigDifference[] {
  return [...configKeys().values()]
    .filter(({ path, group }) => !group && !path.startsWith('engine.') && path !== savingKey && !ignored.includes(path))
    .map(({ path }) => ({ path, a: valueAt(a, path.split('.')), b: valueAt(b, path.split('.')) }))
    .filter((one) => JSON.stringify(one.a) !== JSON.stringify(one.b));
}
