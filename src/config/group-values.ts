import { nearestName } from '../text/similar-names.ts';
import { type ConfigKey, configKeys, parentOf } from './config-keys.ts';
import { keyOfUsualName, meantValue } from './usual-names.ts';

/** The key of a group that a single value in place of the group means. */
const mainKeys: Readonly<Record<string, string>> = {
  model: 'model.name',
  engine: 'engine.name',
  parameters: 'parameters.limit',
  validation: 'validation.every',
  'train.optimizer': 'train.optimizer.kind',
  'train.earlyStopping': 'train.earlyStopping.patience',
  'train.freeze': 'train.freeze.encoder',
  'data.augmentation.copyPaste': 'data.augmentation.copyPaste.probability',
};

/** A key and its value. */
interface Setting {
  readonly path: string;
  readonly value: unknown;
}

/** The main key of a group; for another path, the path. */
export function mainKeyOf(path: string): string {
  return mainKeys[path] ?? path;
}

/** What was meant by a value in place of a group: `sgd` for `train.optimizer` means the key `kind`. */
function meantSetting(group: string, value: unknown): Setting | undefined {
  if (group === 'loss' && typeof value === 'string') {
    const losses = [...configKeys().keys()].filter((path) => parentOf(path) === 'loss');
    const named = keyOfUsualName(value) ?? nearestName(`loss.${value}`, losses);
    return named === undefined ? undefined : { path: named, value: 1 };
  }
  const key = configKeys().get(mainKeyOf(group));
  if (!key || key.path === group || typeof value !== typeOf(key)) return undefined;
  const { path, values } = key;
  return { path, value: values && typeof value === 'string' ? (meantValue(path, value, values) ?? value) : value };
}

function typeOf({ text, values, wanted }: ConfigKey): string {
  if (text || values) return 'string';
  return wanted === 'true or false' ? 'boolean' : 'number';
}

/** A key of the group with its default, as an example. */
function exampleOf(group: string): Setting | undefined {
  const keys = [...configKeys().values()].filter((key) => key.path.startsWith(`${group}.`) && !key.group);
  const first = keys.find((key) => key.default !== undefined) ?? keys[0];
  return first && { path: first.path, value: first.default ?? '…' };
}

/**
 * The end of an error about a value in place of a group in a file: how the group is written.
 *
 * @example groupInFile('train.optimizer', 'sgd') // 'a group of keys; write optimizer: {kind: sgd}'
 */
export function groupInFile(group: string, value: unknown): string {
  const write = ({ path, value: shown }: Setting) =>
    `${group.slice(parentOf(group).length).replace('.', '')}: {${path.slice(group.length + 1)}: ${String(shown)}}`;
  const meant = meantSetting(group, value);
  if (meant) return `a group of keys; write ${write(meant)}`;
  const example = exampleOf(group);
  return example ? `a group of keys, such as ${write(example)}` : 'a group of keys';
}

/**
 * The end of an error about an override of a group: the key to override.
 *
 * @example groupInOverride('train.optimizer', 'sgd') // 'train.optimizer is a group of keys; write train.optimizer.kind=sgd'
 */
export function groupInOverride(group: string, value: unknown): string {
  const write = ({ path, value: shown }: Setting) => `${path}=${String(shown)}`;
  const meant = meantSetting(group, value);
  if (meant) return `${group} is a group of keys; write ${write(meant)}`;
  const example = exampleOf(group);
  return `${group} is a group of keys; override one of them${example ? `, e.g. ${write(example)}` : ''}`;
}
