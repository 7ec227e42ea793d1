import { type Document, isMap, isScalar, LineCounter, type ParsedNode, parseDocument, visit } from 'yaml';
import type { z } from 'zod';
import { describeValue } from '../text/describe-value.ts';
import { FaceparseError } from '../text/errors.ts';
import { type ConfigKey, configKeys } from './config-keys.ts';
import { currentPath, describeRenaming } from './renamed-keys.ts';
import { type Config, currentConfigSchema } from './schema.ts';
import { suggestKey } from './suggest-key.ts';

type Group = Record<string, unknown>;
/** Gives the position of a key in the source, e.g. `configs/demo.yaml:3`. */
export type Locate = (path: readonly string[]) => string;

const yamlOptions = {
  schema: 'core',
  // The library compares each key with all others; see `duplicateKey`.
  uniqueKeys: false,
  stringKeys: true,
  prettyErrors: false,
  logLevel: 'error',
} as const;

function fail(message: string, cause?: unknown): never {
  throw new FaceparseError(message, { exitCode: 2, cause });
}

/** A value in a few words, for errors. */
export function show(value: unknown): string {
  if (value === null || value === undefined) return 'empty';
  if (Array.isArray(value)) return value.length === 0 ? 'an empty list' : `a list (${value.length} entries)`;
  if (typeof value === 'object') return 'a group of keys';
  const text = typeof value === 'string' ? JSON.stringify(value) : String(value);
  return text.length > 60 ? `${text.slice(0, 57)}…` : text;
}

function isGroup(value: unknown): value is Group {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** Offset of the first key that a map has twice. */
function duplicateKey(document: Document.Parsed): number | undefined {
  let offset: number | undefined;
  visit(document, {
    Map(_, { items }) {
      const seen = new Set<string>();
      for (const { key } of items) {
        if (!isScalar(key)) continue;
        const name = String(key.value);
        if (seen.has(name)) {
          offset = key.range?.[0] ?? 0;
          return visit.BREAK;
        }
        seen.add(name);
      }
      return undefined;
    },
  });
  return offset;
}

/** Parses YAML without custom tags. Errors and warnings both fail, with their line. */
export function parseYaml(
  text: string,
  place: (line: number) => string,
): { document: Document.Parsed; lines: LineCounter } {
  const lines = new LineCounter();
  let document: Document.Parsed;
  try {
    document = parseDocument<ParsedNode, true>(text, { ...yamlOptions, lineCounter: lines });
  } catch (error) {
    // The parser is recursive: thousands of brackets exhaust the stack.
    if (error instanceof RangeError) return fail(`${place(1)}: the YAML is nested too deeply`, error);
    throw error;
  }
  const problem = document.errors[0] ?? document.warnings[0];
  const duplicate = problem ? undefined : duplicateKey(document);
  if (duplicate !== undefined) fail(`${place(lines.linePos(duplicate).line)}: duplicate key; remove one`);
  if (problem) {
    const line = lines.linePos(problem.pos[0]).line || 1;
    const known: Record<string, string> = {
      TAG_RESOLVE_FAILED: 'YAML tags (!…) are not allowed',
      MULTIPLE_DOCS: 'a configuration is one YAML document; remove the line ---',
    };
    fail(`${place(line)}: ${known[problem.code] ?? `not valid YAML: ${problem.message.replace(/\s*\n[\s\S]*/, '')}`}`);
  }
  return { document, lines };
}

/** The plain value of a document; the number of aliases is limited. */
export function toValue(document: Document.Parsed, place: string): unknown {
  try {
    return document.toJS({ maxAliasCount: 100 });
  } catch (error) {
    return fail(`${place}: not valid YAML: ${(error as Error).message}`, error);
  }
}

/** Finds keys by walking the document; a key behind an alias has no line. */
export function locator(document: Document.Parsed, lines: LineCounter, source: string): Locate {
  return (path) => {
    let node: unknown = document.contents;
    let offset: number | undefined;
    for (const name of path) {
      if (!isMap(node)) break;
      const pair = node.items.find(({ key }) => isScalar(key) && String(key.value) === name);
      if (!pair) break;
      offset = isScalar(pair.key) ? pair.key.range?.[0] : undefined;
      node = pair.value;
    }
    return offset === undefined ? source : `${source}:${lines.linePos(offset).line}`;
  };
}

/** Receives notices for the user, such as that a key was renamed. */
export type Notify = (line: string) => void;

/**
 * Rejects unknown keys and values in place of groups. An empty group (`train:`) becomes a group without keys; a key under a
 * former name gets its current name.
 */
function checkKeys(group: Group, path: readonly string[], locate: Locate, notify: Notify): Group {
  const checked: Group = {};
  for (const [given, value] of Object.entries(group)) {
    const full = [...path, given];
    const dotted = currentPath(full.join('.'));
    const name = dotted.slice(dotted.lastIndexOf('.') + 1);
    if (name !== given && !given.includes('.')) {
      if (name in group) fail(`${locate(full)}: ${full.join('.')} is the former name of ${dotted}; remove one of them`);
      notify(describeRenaming(locate(full), full.join('.')));
    }
    const key = given.includes('.') ? undefined : configKeys().get(dotted);
    if (!key) {
      const hint = configKeys().has(dotted) ? 'in a file, write groups by indentation' : suggestKey(dotted);
      return fail(`${locate(full)}: unknown key '${dotted.length > 80 ? `${dotted.slice(0, 79)}…` : dotted}'; ${hint}`);
    }
    if (key.group) {
      if (value !== null && !isGroup(value)) {
        fail(`${locate(full)}: ${dotted} is ${show(value)}, but must be ${key.wanted}`);
      }
      checked[name] = checkKeys(value ?? {}, full, locate, notify);
    } else {
      checked[name] = value;
    }
  }
  return checked;
}

function overrideValue(text: string, key: ConfigKey, place: string): unknown {
  if (text === '') fail(`${place}: no value after =; ${key.path} must be ${key.wanted}`);
  const { document } = parseYaml(text, () => place);
  const value = toValue(document, place);
  // 2024 and a: b are valid names, although YAML reads a number and a map.
  return key.text && value !== null && typeof value !== 'string' ? text : value;
}

/** Applies `train.lr=3e-4`; the value `null` restores the default. Returns the dotted path. */
function applyOverride(config: Group, override: string, notify: Notify): string {
  const place = `override '${override.length > 80 ? `${override.slice(0, 79)}…` : override}'`;
  const equals = override.indexOf('=');
  if (equals < 1) fail(`${place}: overrides have the form key=value, e.g. train.lr=3e-4`);
  const given = override.slice(0, equals).trim();
  const path = currentPath(given);
  if (path !== given) notify(describeRenaming(place, given));
  const key = configKeys().get(path);
  if (!key) return fail(`${place}: unknown key '${path.slice(0, 80)}'; ${suggestKey(path)}`);
  if (key.group) {
    const first = [...configKeys().values()].find((other) => other.path.startsWith(`${path}.`) && !other.group);
    fail(`${place}: ${path} is a group of keys; override one of them, e.g. ${first?.path}=${first?.default ?? '…'}`);
  }
  const value = overrideValue(override.slice(equals + 1).trim(), key, place);
  const names = path.split('.');
  const last = names.pop()!;
  let group = config;
  for (const name of names) {
    group[name] ??= {};
    group = group[name] as Group;
  }
  if (value === null) delete group[last];
  else group[last] = value;
  return path;
}

function indexIn(path: readonly PropertyKey[]): number | undefined {
  return path.find((part) => typeof part === 'number');
}

/** The configuration key of an issue: the path up to the first list entry. */
function keyPathOf({ path }: z.core.$ZodIssue): string[] {
  const end = path.findIndex((part) => typeof part === 'number');
  return path.slice(0, end < 0 ? undefined : end).map(String);
}

/** An issue inside a list entry that is itself a group. */
function explainEntry(issue: z.core.$ZodIssue, value: unknown, place: string): string {
  const keys = keyPathOf(issue);
  const entry = `entry ${indexIn(issue.path)! + 1} of ${keys.join('.')}`;
  const key = configKeys().get(keys.join('.'))!;
  if (issue.code === 'unrecognized_keys') {
    return `${place}: ${entry} has the unknown key '${issue.keys[0].slice(0, 80)}'; it must be ${wantedOfEntry(key)}`;
  }
  const inner = issue.path.slice(keys.length + 1).join('.');
  const wanted = key.ofEntry?.get(inner) ?? wantedOfEntry(key);
  if (value === undefined) return `${place}: ${entry} has no ${inner}, which must be ${wanted}`;
  return `${place}: ${entry}: ${inner} is ${show(value)}, but must be ${wanted}`;
}

/** What each entry of a list must be. */
function wantedOfEntry({ wanted }: ConfigKey): string {
  return wanted.replace(/^a list[^,]*, each entry /, '');
}

function explainIssue(issue: z.core.$ZodIssue, value: unknown, place: string): string {
  const keyPath = keyPathOf(issue).join('.');
  if (
    indexIn(issue.path) !== undefined &&
    (issue.code === 'unrecognized_keys' || typeof issue.path.at(-1) === 'string')
  ) {
    return explainEntry(issue, value, place);
  }
  const key = configKeys().get(keyPath);
  if (!key || key.group || issue.code === 'custom') return `${place}: ${keyPath && `${keyPath}: `}${issue.message}`;
  const index = indexIn(issue.path);
  const name = index === undefined ? keyPath : `entry ${index + 1} of ${keyPath}`;
  const ofKey = index === undefined ? key.wanted : wantedOfEntry(key);
  const wanted = issue.code === 'invalid_format' ? issue.message : ofKey;
  const quotes = key.text && typeof value !== 'string' && value !== null ? ' in quotes' : '';
  return `${place}: ${name} is ${show(value)}, but must be ${wanted}${quotes}`;
}

/** The value at a path; undefined if the path does not exist. */
export function valueAt(config: unknown, path: readonly PropertyKey[]): unknown {
  return path.reduce<unknown>((value, part) => (value as Record<PropertyKey, unknown> | undefined)?.[part], config);
}

/** The name of a run from its file name: `configs/Demo 2.yaml` gives `Demo-2`. */
function nameOfSource(source: string): string | undefined {
  const base = source.replace(/^.*[\\/]/, '').replace(/\.[^.]+$/, '');
  const name = base.replace(/[^A-Za-z0-9._-]+/g, '-').slice(0, 100);
  return /[A-Za-z0-9]/.test(name) ? name : undefined;
}

/** An object as JSON, which is YAML. */
function toJson(values: unknown, source: string): string {
  const refuse = (problem: string, cause?: unknown) =>
    fail(`${source}: the configuration must be YAML text or a plain object, but ${problem}`, cause);
  if (typeof values !== 'object' || values === null) return refuse(`is ${describeValue(values)}`);
  const wrong = (key: string, value: unknown) => {
    // JSON would turn these into null or nothing.
    if (typeof value === 'number' && !Number.isFinite(value)) return refuse(`${key} is ${value}`);
    if (typeof value === 'function' || value instanceof Map)
      return refuse(`${key} is ${describeValue(value)}`.trimStart());
    return value;
  };
  try {
    return JSON.stringify(values, wrong);
  } catch (error) {
    if (error instanceof FaceparseError) throw error;
    return refuse(`cannot be written as JSON (${(error as Error).message.split('\n', 1)[0]})`, error);
  }
}

/**
 * Parses a configuration from YAML text or an object and dotted overrides, and fills in all defaults.
 *
 * Overrides such as `train.lr=3e-4` are parsed as YAML; the last one wins, and the value `null` restores the default.
 *
 * @param values YAML text, or an object of the same form
 * @param source name of the text in errors (`configs/demo.yaml`); its base name is the default of the key `name`
 * @param notify receives a line for every key under a former name
 * @throws FaceparseError (exit code 2) of one line that locates an unknown key or wrong value and says what is accepted
 *
 * @example parseConfig({ train: { size: 128 } }).train.size // 128
 * @example parseConfig('train: {size: 128}', 'small.yaml', ['train.lr=1e-3']).train.lr // 0.001
 */
export function parseConfig(
  values: string | object,
  source = 'config',
  overrides: readonly string[] = [],
  notify: Notify = () => undefined,
): Config {
  const text = typeof values === 'string' ? values : toJson(values, source);
  const { document, lines } = parseYaml(text, (line) => `${source}:${line}`);
  const locate = locator(document, lines, source);
  const given = toValue(document, source) ?? {};
  if (!isGroup(given))
    fail(`${source}: the file is ${show(given)}, but must contain keys and values, e.g. train: {lr: 3e-4}`);
  const config = checkKeys(given, [], locate, notify);
  const overridden = new Map(overrides.map((override) => [applyOverride(config, override, notify), override]));
  config.name ??= nameOfSource(source);
  const result = currentConfigSchema().safeParse(config);
  if (result.success) return result.data;
  const issue = result.error.issues[0];
  const path = keyPathOf(issue);
  // An issue can be inside the value of an override, such as a name of a record.
  const override = path.map((_, index) => overridden.get(path.slice(0, index + 1).join('.'))).find(Boolean);
  const place = override === undefined ? locate(path) : `override '${override}'`;
  const more = result.error.issues.length - 1;
  const rest = more === 0 ? '' : ` (and ${more} more ${more === 1 ? 'error' : 'errors'})`;
  fail(explainIssue(issue, valueAt(config, issue.path), place) + rest);
}
