import { markdownTable } from '../text/markdown-table.ts';
import { type ConfigKey, configKeys, parentOf } from './config-keys.ts';

function showDefault(key: ConfigKey): string {
  if (key.default === undefined) return '–';
  const { default: value } = key;
  // As people write it in YAML: 1e-8, not 1e-08 or 0.00000001.
  return `\`${typeof value === 'object' ? JSON.stringify(value) : String(value)}\``;
}

function table(keys: readonly ConfigKey[]): string {
  return markdownTable(
    ['key', 'takes', 'default', 'meaning'].map((title) => ({ title })),
    keys.map((key) => [`\`${key.path}\``, key.wanted, showDefault(key), key.description]),
  );
}

/**
 * All keys of a configuration with what they take, their defaults and their meaning, as Markdown: one table a group.
 *
 * `docs/config.md` is exactly this text.
 */
export function formatConfigReference(): string {
  const keys = [...configKeys().values()];
  const groups = ['', ...keys.filter((key) => key.group).map((key) => key.path)];
  const sections = groups.flatMap((group) => {
    const own = keys.filter((key) => !key.group && parentOf(key.path) === group);
    if (own.length === 0) return [];
    const description = keys.find((key) => key.path === group)?.description;
    return [...(group === '' ? [] : [`## ${group}`, '', ...(description ? [description, ''] : [])]), table(own), ''];
  });
  return [
    '# Configuration',
    '',
    '<!-- Written by `faceparse config --reference` out of src/config/schema.ts; do not edit by hand. -->',
    '',
    'A configuration is a YAML file. Every key may be left out; an unknown one is an error. Any key can be overridden on',
    'the command line by its dotted path, and `null` takes it back to its default:',
    '',
    '```sh',
    'faceparse config my.yaml train.lr=3e-4 data.augmentation.flip=0 train.minutes=null',
    '```',
    '',
    'That command prints the configuration with every default filled in.',
    '',
    ...sections,
  ]
    .join('\n')
    .trimEnd()
    .concat('\n');
}
