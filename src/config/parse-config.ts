import type { z } from 'zod';
import { describeValue } from '../text/describe-value.ts';
import { FaceparseError } from '../text/errors.ts';
import { type ConfigKey, configKeys } from './config-keys.ts';
import { explainIssue, keyPathOf, show } from './explain-issue.ts';
import { groupInFile, groupInOverride } from './group-values.ts';
import { unknownNames } from './known-names.ts';
import { type Locate, locator, parseYaml, toValue, valueAt } from './parse-yaml.ts';
import { currentPath, describeRenaming } from './renamed-keys.ts';
import { type Config, currentConfigSchema, withModelSettings } from './schema.ts';
import { suggestKey } from './suggest-key.ts';
import { unreadSettings } from './unread-settings.ts';

type Group = Record<string, unknown>;

function fail(message: string, cause?: unknown): never {
  throw new FaceparseError(message, { exitCode: 2, cause });
}

function isGroup(value: unknown): value is Group {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** Receives notices for the user, such as that a key was renamed. */
export type Notify = (line: string) => void;

/** A fault of a configuration. */
export interface ConfigFault {
  /** `configs/demo.yaml:3`, or `override 'train.lr=x'`. */
  readonly place: string;
  /** The fault in one line, with its place. */
  readonly message: string;
  /** Index of the override that has the fault; absent if the file has it. */
  readonly override?: number;
}

/** Further faults are not reported. */
const mostFaults = 100;

/** What checking a configuration needs. */
interface Checking {
  readonly locate: Locate;
  readonly notify: Notify;
  readonly faults: ConfigFault[];
}

function addFault({ faults }: Checking, place: string, problem: string): void {
  if (faults.length < mostFaults) faults.push({ place, message: `${place}: ${problem}` });
}

/**
 * The known keys of a group; unknown keys and values in place of groups are faults. An empty group (`train:`) becomes a group
 * without keys; a key under a former name gets its current name.
 */
function checkKeys(group: Group, path: readonly string[], checking: Checking): Group {
  const { locate, notify } = checking;
  const checked: Group = {};
  for (const [given, value] of Object.entries(group)) {
    if (checking.faults.length >= mostFaults) break;
    const full = [...path, given];
    const dotted = currentPath(full.join('.'));
    const name = dotted.slice(dotted.lastIndexOf('.') + 1);
    if (name !== given && !given.includes('.')) {
      if (name in group) {
        addFault(checking, locate(full), `${full.join('.')} is the former name of ${dotted}; remove one of them`);
        continue;
      }
      notify(describeRenaming(locate(full), full.join('.')));
    }
    const key = given.includes('.') ? undefined : configKeys().get(dotted);
    if (!key) {
      const hint = configKeys().has(dotted)
        ? 'in a file, write groups by indentation'
        : suggestKey(dotted, { value: !isGroup(value) });
      addFault(
        checking,
        locate(full),
        `unknown key '${dotted.length > 80 ? `${dotted.slice(0, 79)}…` : dotted}'; ${hint}`,
      );
    } else if (!key.group) {
      checked[name] = value;
    } else if (value === null || isGroup(value)) {
      checked[name] = checkKeys(value ?? {}, full, checking);
    } else {
      addFault(checking, locate(full), `${dotted} is ${show(value)}, but must be ${groupInFile(dotted, value)}`);
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

function overridePlace(override: string): string {
  return `override '${override.length > 80 ? `${override.slice(0, 79)}…` : override}'`;
}

/** Applies `train.lr=3e-4`; the value `null` restores the default. Returns the dotted path. */
function applyOverride(config: Group, override: string, notify: Notify): string {
  const place = overridePlace(override);
  const equals = override.indexOf('=');
  if (equals < 1) fail(`${place}: overrides have the form key=value, e.g. train.lr=3e-4`);
  const given = override.slice(0, equals).trim();
  const path = currentPath(given);
  if (path !== given) notify(describeRenaming(place, given));
  const key = configKeys().get(path);
  if (!key) return fail(`${place}: unknown key '${path.slice(0, 80)}'; ${suggestKey(path, { value: true })}`);
  const value = overrideValue(override.slice(equals + 1).trim(), key, place);
  if (key.group) fail(`${place}: ${groupInOverride(path, value)}`);
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

/** Line of a place such as `configs/demo.yaml:3`; 0 if it has none. */
function lineOf(place: string): number {
  return Number(/:(\d+)$/.exec(place)?.[1] ?? 0);
}

/** The faults that the schema finds; those of overrides have their index. */
function schemaFaults(
  issues: readonly z.core.$ZodIssue[],
  config: Group,
  overridden: ReadonlyMap<string, number>,
  overrides: readonly string[],
  locate: Locate,
): ConfigFault[] {
  return issues.slice(0, mostFaults).map((issue) => {
    const path = keyPathOf(issue);
    // An issue can be inside the value of an override, such as a name of a record.
    const override = path.map((_, index) => overridden.get(path.slice(0, index + 1).join('.'))).find(isDefined);
    // Checks beyond the schema name entries of lists themselves, and their lines are the most useful ones.
    const place =
      override === undefined
        ? locate(issue.code === 'custom' ? issue.path : path)
        : overridePlace(overrides[override] ?? '');
    const message = explainIssue(issue, valueAt(config, issue.path), place);
    return { place, message, ...(override !== undefined && { override }) };
  });
}

function isDefined(value: number | undefined): value is number {
  return value !== undefined;
}

/** Applies the overrides. @returns the index of the override that set each key */
function applyOverrides(config: Group, overrides: readonly string[], checking: Checking): Map<string, number> {
  const overridden = new Map<string, number>();
  for (const [index, override] of overrides.entries()) {
    try {
      overridden.set(applyOverride(config, override, checking.notify), index);
    } catch (error) {
      if (!(error instanceof FaceparseError)) throw error;
      checking.faults.push({ place: overridePlace(override), message: error.message, override: index });
    }
  }
  return overridden;
}

/**
 * Parses a configuration as `parseConfig` does, and returns its faults instead of an error: those of the file in order, then
 * those of the overrides.
 *
 * @throws FaceparseError (exit code 2) if the text is not YAML
 *
 * @example inspectConfig('train: {sise: 64}', 'a.yaml').faults.map(({ message }) => message)
 */
export function inspectConfig(
  values: string | object,
  source: string,
  overrides: readonly string[] = [],
  { notify = () => undefined, stored = false }: InspectOptions = {},
): { readonly config?: Config; readonly faults: readonly ConfigFault[] } {
  const text = typeof values === 'string' ? values : toJson(values, source);
  const { document, lines } = parseYaml(text, (line) => `${source}:${line}`);
  const given = toValue(document, source) ?? {};
  if (!isGroup(given))
    fail(`${source}: the file is ${show(given)}, but must contain keys and values, e.g. train: {lr: 3e-4}`);
  const checking = { locate: locator(document, lines, source), notify, faults: [] as ConfigFault[] };
  const config = checkKeys(given, [], checking);
  const file = stored ? {} : structuredClone(config);
  const overridden = applyOverrides(config, overrides, checking);
  config.name ??= nameOfSource(source);
  const result = currentConfigSchema().safeParse(config);
  const issues = [...(stored ? [] : unknownNames(config)), ...(result.error?.issues ?? [])];
  const later = schemaFaults(issues, config, overridden, overrides, checking.locate);
  const faults = [...checking.faults, ...later].sort(
    (a, b) => (a.override ?? -1) - (b.override ?? -1) || lineOf(a.place) - lineOf(b.place),
  );
  if (faults.length > 0 || !result.success) return { faults };
  for (const { path, reason } of unreadSettings(result.data, config, file, [...overridden.keys()])) {
    const override = overridden.get(path);
    const place = override === undefined ? checking.locate(path.split('.')) : overridePlace(overrides[override] ?? '');
    notify(`${place}: ${path} ${reason}`);
  }
  return { config: withModelSettings(result.data), faults };
}

/** Options of `inspectConfig`. */
export interface InspectOptions {
  /** Receives a line for every key under a former name, and for every setting without effect. */
  readonly notify?: Notify;
  /** The values are those that a run stored: complete, and perhaps with a network that only the user's program registers. */
  readonly stored?: boolean;
}

/**
 * Throws an error that lists all faults; a single fault is the whole message.
 *
 * @param source what has the faults: a file
 */
export function throwFaults(source: string, faults: readonly string[]): never {
  if (faults.length === 1) return fail(faults.join(''));
  const count = faults.length < mostFaults ? String(faults.length) : `${mostFaults} or more`;
  throw new FaceparseError(`${source} has ${count} errors:`, { exitCode: 2, faults: faults.slice(0, mostFaults) });
}

/**
 * Parses a configuration from YAML text or an object and dotted overrides, and fills in all defaults.
 *
 * Overrides such as `train.lr=3e-4` are parsed as YAML; the last one wins, and the value `null` restores the default.
 *
 * @param values YAML text, or an object of the same form
 * @param source name of the text in errors (`configs/demo.yaml`); its base name is the default of the key `name`
 * @param notify receives a line for every key under a former name, and for every setting that the chosen schedule or optimiser
 *   does not read
 * @throws FaceparseError (exit code 2) that lists all unknown keys and wrong values, each with its line and what is accepted
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
  return requireConfig(source, inspectConfig(values, source, overrides, { notify }));
}

function requireConfig(source: string, { config, faults }: ReturnType<typeof inspectConfig>): Config {
  if (config) return config;
  return throwFaults(
    source || 'the configuration',
    faults.map(({ message }) => message),
  );
}

/**
 * Parses the configuration that a run stored, as `parseConfig` does. The networks of older runs get their present names.
 *
 * @param values the text of the run's config.yaml
 */
export function parseRunConfig(
  values: string,
  source: string,
  overrides: readonly string[] = [],
  notify: Notify = () => undefined,
): Config {
  const { document } = parseYaml(values, (line) => `${source}:${line}`);
  // Runs store every setting of their network. One without an encoder was made before `unet` took encoders.
  const isFormer = document.getIn(['model', 'name']) === 'unet' && document.getIn(['model', 'encoder']) === undefined;
  const all = [...(isFormer ? ['model.name=mobile-unet'] : []), ...overrides];
  return requireConfig(source, inspectConfig(values, source, all, { notify, stored: true }));
}
