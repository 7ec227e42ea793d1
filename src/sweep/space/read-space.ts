import { type ConfigKey, configKeys } from '../../config/config-keys.ts';
import { show } from '../../config/explain-issue.ts';
import { mainKeyOf } from '../../config/group-values.ts';
import { type Locate, locator, parseYaml, toValue } from '../../config/parse-yaml.ts';
import { currentPath } from '../../config/renamed-keys.ts';
import { suggestKey } from '../../config/suggest-key.ts';
import { suggestName } from '../../text/similar-names.ts';
import type { Distribution } from './distribution.ts';
import { readDistribution } from './read-distribution.ts';
import type { Space } from './space.ts';

/** Keys that cannot be searched, with the reason. Groups cover their keys. */
const fixedKeys: Readonly<Record<string, string>> = {
  name: 'a sweep names its trials itself',
  engine: 'it is where a trial is trained, not what; pass --engine, --device or --threads',
  validation: 'all trials must be validated alike, or their scores could not be compared',
  'data.labels': 'F over other classes is another score',
  'train.epochs': 'successive halving decides how long a trial is trained; the config sets the whole length',
  'train.minutes': 'successive halving measures trials in epochs; the config sets the whole length (train.epochs)',
  'train.checkpointMinutes': 'it changes no score',
  'parameters.limit': 'it changes no score',
};

/** A search space as a file has it, with its faults. */
export interface SpaceDocument {
  /** The dimensions without faults. */
  readonly space: Space;
  /** One line each, with its place. Values are checked against a configuration later, by `spaceFaults`. */
  readonly faults: readonly string[];
  /** Where the file has a key of the space. */
  readonly locate: (key: string) => string;
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function fixedReason(path: string): string | undefined {
  const fixed = Object.keys(fixedKeys).find((key) => path === key || path.startsWith(`${key}.`));
  return fixed === undefined ? undefined : fixedKeys[fixed];
}

/** What is wrong with a key. */
function keyFault(given: string, path: string): string | undefined {
  const key = configKeys().get(path);
  const shown = given.slice(0, 80);
  if (!key) return `unknown key '${shown}'; ${suggestKey(path, { value: true })}`;
  const reason = fixedReason(path);
  if (reason !== undefined) return `${shown} cannot be searched: ${reason}`;
  if (!key.group) return undefined;
  const main = mainKeyOf(path);
  const example = main === path ? [...configKeys().keys()].find((name) => name.startsWith(`${path}.`)) : main;
  return `${shown} is a group of keys; write the whole path of one of them, such as ${example}`;
}

/** A range of fractions for a key that takes whole numbers. */
function wholeNumberFault({ path, wanted }: ConfigKey, distribution: Distribution): string | undefined {
  if (!wanted.startsWith('a whole number')) return undefined;
  const { kind } = distribution;
  if (kind === 'logUniform') return `${path} takes whole numbers; use logInt`;
  if (kind !== 'uniform' || (Number.isInteger(distribution.low) && Number.isInteger(distribution.step)))
    return undefined;
  return `${path} takes whole numbers; use int`;
}

/**
 * Reads a space file with all its faults, apart from values that a configuration does not allow.
 *
 * @param source name of the text in errors
 * @throws FaceparseError (exit code 2) if the text is not YAML
 *
 * @example readSpace('space: {train.lr: {logUniform: [1e-4, 1e-2]}}', 'space.yaml').space[0].key // 'train.lr'
 */
export function readSpace(text: string, source: string): SpaceDocument {
  const { document, lines } = parseYaml(text, (line) => `${source}:${line}`);
  const value = toValue(document, source);
  const locate = locator(document, lines, source);
  const document_ = (faults: string[], space: Space, paths: ReadonlyMap<string, string>): SpaceDocument => ({
    space,
    faults,
    locate: (key) => locate(['space', paths.get(key) ?? key]),
  });
  const none = new Map<string, string>();
  if (!isRecord(value) || Object.keys(value).length === 0) {
    return document_([`${source}: ${wrongFile(value)}`], [], none);
  }
  // One error instead of one for each group of keys.
  if (Object.keys(value).every((name) => !name.includes('.') && configKeys().has(currentPath(name)))) {
    return document_([`${source}: ${wrongFile(value, 'looks like a configuration')}`], [], none);
  }
  const faults = Object.keys(value)
    .filter((name) => name !== 'space')
    .map((name) => `${locate([name])}: ${unknownName(name)}`);
  if (!Object.hasOwn(value, 'space')) {
    // The misspelt one is reported already.
    return document_(faults.length > 0 ? faults : [`${source}: ${wrongFile(value)}`], [], none);
  }
  if (!isRecord(value.space) || Object.keys(value.space).length === 0) {
    const problem = `space is ${show(value.space)}, but must be a map from keys to distributions, such as ${example}`;
    return document_([...faults, `${locate(['space'])}: ${problem}`], [], none);
  }
  return readDimensions(value.space, locate, faults, document_);
}

const example = 'train.lr: {logUniform: [1e-4, 1e-2]}';

function wrongFile(value: unknown, problem = `is ${show(value)}`): string {
  return `a space file has the key space with the searched keys below it, such as ${example}; this file ${problem}`;
}

function unknownName(name: string): string {
  const path = currentPath(name);
  if (configKeys().has(path)) return `'${name.slice(0, 80)}' is outside of space; indent it below the key space`;
  return `unknown key '${name.slice(0, 80)}'; ${suggestName(name, ['space'], 'a space file has only the key space')}`;
}

function readDimensions(
  given: Record<string, unknown>,
  locate: Locate,
  faults: string[],
  finish: (faults: string[], space: Space, paths: ReadonlyMap<string, string>) => SpaceDocument,
): SpaceDocument {
  const paths = new Map<string, string>();
  const space: { key: string; distribution: Distribution }[] = [];
  for (const [name, value] of Object.entries(given)) {
    const place = locate(['space', name]);
    const path = currentPath(name);
    const problem =
      keyFault(name, path) ??
      (paths.has(path) ? `${name} is the former name of ${path}, which is there too; remove one of them` : undefined);
    if (problem !== undefined) {
      faults.push(`${place}: ${problem}`);
      continue;
    }
    paths.set(path, name);
    const read = readDistribution(name, value);
    if ('faults' in read) {
      faults.push(...read.faults.map(({ path, message }) => `${locate(['space', name, ...path])}: ${message}`));
      continue;
    }
    const fraction = wholeNumberFault(configKeys().get(path)!, read.distribution);
    if (fraction === undefined) space.push({ key: path, distribution: read.distribution });
    else faults.push(`${place}: ${fraction}`);
  }
  return finish(faults, space, paths);
}
