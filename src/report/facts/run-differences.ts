import { configDifferences } from '../../config/config-differences.ts';
import { valueAt } from '../../config/parse-yaml.ts';
import { showSetting } from '../../training/earlier-run/setting-changes.ts';
import { type RunFacts, trainingDataOf } from './run-facts.ts';

/** A key with different values in two runs, and its value in the second run. */
export interface RunDifference {
  readonly path: string;
  readonly value: unknown;
}

/** Keys that, like those of the engine, do not affect what is learnt. */
const technicalKeys = [
  'name',
  'train.seed',
  'data.workers',
  'data.diskCache',
  'validation.every',
  'validation.trainImages',
  'parameters.limit',
];

/** Paths of differences in the training pairs; no configuration key has these names. */
export const dataPaths: readonly string[] = ['pairs', 'images'];

/** The keys that resumes of a run changed. */
function changedKeys({ environment: { resumes = [] } }: RunFacts): string[] {
  return resumes
    .flatMap(({ changes = [] }) => changes.map(({ key }) => key))
    .filter((key) => !technicalKeys.includes(key));
}

/** All differences between two runs except the seed: training pairs (by number, else by name) and configuration. */
export function runDifferences(base: RunFacts, other: RunFacts): RunDifference[] {
  const path = dataPaths.find((candidate) => valueIn(base, candidate) !== valueIn(other, candidate));
  const data = path === undefined ? [] : [{ path, value: valueIn(other, path) }];
  const keys = configDifferences(base.config, other.config, technicalKeys).map((difference) => difference.path);
  const all = [...new Set([...keys, ...changedKeys(base), ...changedKeys(other)])];
  const differing = all.filter((key) => JSON.stringify(valueIn(base, key)) !== JSON.stringify(valueIn(other, key)));
  return [...data, ...differing.map((key) => ({ path: key, value: valueIn(other, key) }))];
}

/** The value of a run at a path of `runDifferences`; a value that a resume changed is text with all values. */
export function valueIn({ config, environment }: RunFacts, path: string): unknown {
  const { resumes = [] } = environment;
  // The environment of an older run may not record this.
  if (path === 'pairs') return alone(trainingDataOf(environment).map(({ pairs }) => pairs)) ?? 'unknown';
  if (path === 'images') {
    return alone(trainingDataOf(environment).map(({ stemsSha256 }) => stemsSha256?.slice(0, 8))) ?? 'unknown';
  }
  const history = resumes.flatMap(({ step, changes = [] }) =>
    changes.filter(({ key }) => key === path).map((change) => ({ step, ...change })),
  );
  if (history.length === 0) return valueAt(config, path.split('.'));
  return [showSetting(history[0].from), ...history.map(({ step, to }) => `${showSetting(to)} from step ${step}`)].join(
    ', ',
  );
}

/** One value, or several as text. */
function alone(values: readonly unknown[]): unknown {
  const distinct = values.filter((value, index) => index === 0 || value !== values[index - 1]);
  return distinct.length > 1 ? distinct.join(', then ') : distinct[0];
}

const longestDifference = 60;

/** `train.lr=0.001`, of bounded length. */
export function formatDifference({ path, value }: RunDifference): string {
  const text = typeof value === 'string' ? value : (JSON.stringify(value) ?? 'null');
  const whole = `${path}=${text.replaceAll('"', '')}`;
  return whole.length > longestDifference ? `${whole.slice(0, longestDifference - 1)}…` : whole;
}

/** Differences from the base that runs share, and the other differences of each run. */
export interface SplitDifferences {
  readonly shared: readonly RunDifference[];
  /** One list per run: its differences from the base and `shared`. Keys that few runs change come first. */
  readonly own: readonly (readonly RunDifference[])[];
}

function isSame(a: RunDifference, b: RunDifference): boolean {
  return a.path === b.path && JSON.stringify(a.value) === JSON.stringify(b.value);
}

/**
 * Separates the differences that an ablation shares from those that it varies. A key is shared if more than half of all
 * configurations, including the base, have the same value and the base has another. A run with the base's value then deviates.
 *
 * @param all the differences of each other configuration from the base
 * @param baseValue the value of the base at a path
 */
export function splitDifferences(
  all: readonly (readonly RunDifference[])[],
  baseValue: (path: string) => unknown,
): SplitDifferences {
  const distinct = all.flat().filter((one, index, list) => list.findIndex((other) => isSame(one, other)) === index);
  const holders = (one: RunDifference) => all.filter((list) => list.some((other) => isSame(one, other))).length;
  const shared = distinct.filter((one) => holders(one) > (all.length + 1) / 2);
  const own = all.map((list) => [
    ...list.filter((one) => !shared.some((common) => isSame(one, common))),
    ...shared
      .filter(({ path }) => list.every((one) => one.path !== path))
      .map(({ path }) => ({ path, value: baseValue(path) })),
  ]);
  const rarity = new Map<string, number>();
  for (const { path } of own.flat()) rarity.set(path, (rarity.get(path) ?? 0) + 1);
  return { shared, own: own.map((list) => list.toSorted((a, b) => rarity.get(a.path)! - rarity.get(b.path)!)) };
}
