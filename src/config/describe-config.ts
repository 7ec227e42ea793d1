import { markdownTable } from '../text/markdown-table.ts';
import { type ConfigKey, configKeys, parentOf } from './config-keys.ts';

function showDefault(key: ConfigKey): string {
  if (key.default === undefined) return '–';
  const { default: value } = key;
  // As written in YAML: 1e-8, not 1e-08 or 0.00000001.
  return `\`${typeof value === 'object' ? JSON.stringify(value) : String(value)}\``;
}

function table(keys: readonly ConfigKey[]): string {
  return markdownTable(
    ['key', 'type', 'default', 'description'].map((title) => ({ title })),
    keys.map((key) => [`\`${key.path}\``, key.wanted, showDefault(key), key.description]),
  );
}

/**
 * All keys of a configuration with their types, defaults and descriptions as Markdown, one table per group.
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
    '<!-- Generated from src/config/schema.ts by `faceparse config --reference`; do not edit. -->',
    '',
    'A configuration is a YAML file. All keys are optional; unknown keys are errors. Override any key on the command line by',
    'its dotted path; `null` restores the default:',
    '',
    '```sh',
    'faceparse config my.yaml train.lr=3e-4 data.augmentation.flip=0 train.minutes=null',
    '```',
    '',
    'This command prints the configuration with all defaults filled in.',
    '',
    ...sections,
  ]
    .join('\n')
    .trimEnd()
    .concat('\n');
}
