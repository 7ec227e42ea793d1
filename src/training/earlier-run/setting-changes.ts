import { configDifferences } from '../../config/config-differences.ts';
import { configKeys } from '../../config/config-keys.ts';
import { valueAt } from '../../config/parse-yaml.ts';
import type { Config } from '../../config/schema.ts';
import type { LabelTable } from '../../labels/label-table.ts';
import { FaceparseError } from '../../text/errors.ts';
import type { SettingChange } from '../record/environment.ts';

/** The keys in which two configurations differ; the engine, a condition of its own, is skipped. */
export function settingChanges(before: Config, after: Config): SettingChange[] {
  return configDifferences(before, after, []).map(({ path, a, b }) => ({
    key: path,
    ...(a !== undefined && { from: a }),
    ...(b !== undefined && { to: b }),
  }));
}

/** The settings that resumes of a run changed, as its environment records them. */
interface ChangedSettings {
  readonly resumes?:
    | readonly { readonly step: number; readonly changes?: readonly SettingChange[] | undefined }[]
    | undefined;
}

/**
 * The configuration that was in force before a step: the current one without the changes of resumes at this step or later.
 *
 * A run that stops between a resume and its next checkpoint resumes at the same step again.
 */
export function configBefore(current: Config, { resumes = [] }: ChangedSettings, step: number): Config {
  const config = structuredClone(current);
  for (const part of resumes.filter((one) => one.step >= step).toReversed()) {
    for (const { key, from } of part.changes ?? []) {
      // A run folder may come from anyone: only keys of a configuration are set.
      if (!configKeys().has(key)) continue;
      const path = key.split('.');
      const group = valueAt(config, path.slice(0, -1)) as Record<string, unknown>;
      if (from === undefined) delete group[path.at(-1)!];
      else group[path.at(-1)!] = from;
    }
  }
  return config;
}

/** `train.lr from 0.002 to 0.0005` */
export function describeChange({ key, from, to }: SettingChange): string {
  return `${key} from ${showSetting(from)} to ${showSetting(to)}`;
}

/** A value as it is given on the command line; a label table by its name. */
export function showSetting(value: unknown): string {
  if (value === undefined) return 'unset';
  if (isLabelTable(value)) return `the table ${value.name}`;
  return typeof value === 'string' ? value : JSON.stringify(value);
}

function isLabelTable(value: unknown): value is LabelTable {
  return typeof value === 'object' && value !== null && 'classes' in value && 'drop' in value;
}

type Reason = (from: unknown, to: unknown, config: Config) => string | undefined;

/** Turning something on or off, rather than changing its strength. */
const toggles = (from: unknown, to: unknown) => Number(from) > 0 !== Number(to) > 0;

/** Adam and AdamW differ in the weight decay only. */
const isAdam = (kind: unknown) => kind === 'adam' || kind === 'adamw';

const otherParameters = 'the state of its optimiser belongs to the parameters that it has trained so far';

const heldOutPairs = 'a run keeps the pairs that it holds out, so that they stay unseen';

/** Why keys cannot change in a resumed run; keys that are absent can. */
const otherRun: ReadonlyMap<string, Reason> = new Map<string, Reason>([
  ['model.name', (from) => `the weights of the run belong to the network ${from}`],
  ['data.labels', (from) => `the classes of its network are those of ${showSetting(from)}`],
  ['data.folds', () => heldOutPairs],
  ['data.fold', () => heldOutPairs],
]);
const otherStart: ReadonlyMap<string, Reason> = new Map<string, Reason>([
  ['train.seed', () => 'its initial weights and the order of its images come from the seed'],
  ['train.init', () => 'it has already started from its initial weights'],
  ['train.initPart', () => 'it has already started from its initial weights'],
  [
    'train.optimizer.kind',
    (from, to) => (isAdam(from) && isAdam(to) ? undefined : `the state of its optimiser belongs to ${from}`),
  ],
  ['train.freeze.encoder', () => otherParameters],
  ['train.freeze.batchNorm', () => otherParameters],
  [
    'train.optimizer.momentum',
    (from, to, { train }) =>
      train.optimizer.kind === 'sgd' && toggles(from, to) ? 'SGD keeps a state only if it has momentum' : undefined,
  ],
  [
    'loss.auxiliary',
    (from, to) => (toggles(from, to) ? 'auxiliary heads are part of the network in training' : undefined),
  ],
]);

/**
 * Checks that a run can go on with changed settings.
 *
 * @param run the folder of the run
 * @throws FaceparseError (exit code 2) with the reason and the way out for the first that it cannot change
 */
export function requirePossible(before: Config, after: Config, run: string): void {
  for (const { key, from, to } of settingChanges(before, after)) {
    const cannot = `${key} cannot change from ${showSetting(from)} to ${showSetting(to)} when a run is resumed`;
    const fail = (reason: string, remedy: string): never => {
      throw new FaceparseError(`${cannot}: ${reason}; ${remedy}`, { exitCode: 2 });
    };
    const command = (settings: string) =>
      `faceparse train ${run}/config.yaml ${settings ? `${settings} ` : ''}--name NEW --data DATA`;
    if (key === 'name') fail('a resumed run stays in its folder', `rename the folder ${run} instead`);
    const given = isLabelTable(to) ? `'${JSON.stringify(to)}'` : showSetting(to);
    const setting = to === undefined ? `${key}=null` : `${key}=${given}`;
    const whole = otherRun.get(key)?.(from, to, after);
    if (whole) fail(whole, `train a new run: ${command(setting)}`);
    const start = otherStart.get(key)?.(from, to, after);
    if (!start) continue;
    const all = after.train.initPart === 'all' || key === 'train.initPart' ? '' : 'train.initPart=all ';
    const settings = key === 'train.init' ? setting : `train.init=${run} ${all}${setting}`;
    fail(start, `begin a new run ${key === 'train.init' ? 'from them' : 'from its weights'}: ${command(settings)}`);
  }
}
