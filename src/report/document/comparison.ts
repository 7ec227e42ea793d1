import { basename, dirname } from 'node:path';
import { configKeys } from '../../config/config-keys.ts';
import { valueAt } from '../../config/parse-config.ts';
import type { Config } from '../../config/schema.ts';
import { FaceparseError } from '../../errors.ts';
import type { StudyRun } from '../../study/load-study.ts';
import { baseName, type StudyGroup, type StudyVariant } from '../../study/parse-study.ts';
import { readRunResult } from '../../study/run-result.ts';
import { summarizeGroup, type VariantSummary } from '../../study/summary.ts';
import type { RunFacts } from './run-facts.ts';

/** A key in which two configurations differ, with its value in the second. */
export interface ConfigDifference {
  readonly path: string;
  readonly value: unknown;
}

/** Runs of one configuration, compared with the base. */
export interface ComparedVariant {
  readonly name: string;
  readonly differences: readonly ConfigDifference[];
  /** Trainable ones, where the environment of a run says it. */
  readonly parameters?: number;
  /** Length of the finished runs, or of the longest unfinished one. */
  readonly epochs: number;
  readonly summary: VariantSummary;
}

/** Runs of several configurations, the base first, the others from the highest F to the lowest. */
export interface Comparison {
  readonly base: RunFacts;
  readonly variants: readonly ComparedVariant[];
  /** What all variants have in common against the base; it is not repeated in their differences. */
  readonly shared: readonly ConfigDifference[];
}

/** What does not change what is learnt. */
const technicalKeys = ['name', 'train.seed', 'data.workers', 'data.diskCache', 'validation.every', 'parameters.limit'];

/**
 * All keys in which two configurations differ, in the order of the schema; names, seeds, engines and what else does not
 * decide what is learnt do not count.
 *
 * @example configDifferences(base, other) // [{ path: 'train.lr', value: 0.001 }]
 */
export function configDifferences(base: Config, other: Config): ConfigDifference[] {
  const differences: ConfigDifference[] = [];
  for (const { path, group } of configKeys().values()) {
    if (group || technicalKeys.includes(path) || path.startsWith('engine.')) continue;
    const value = valueAt(other, path.split('.'));
    if (JSON.stringify(valueAt(base, path.split('.'))) !== JSON.stringify(value)) differences.push({ path, value });
  }
  return differences;
}

const longestDifference = 60;

/** `train.lr=0.001`, of bounded length. */
export function formatDifference({ path, value }: ConfigDifference): string {
  const text = typeof value === 'string' ? value : (JSON.stringify(value) ?? 'none');
  const whole = `${path}=${text.replaceAll('"', '')}`;
  return whole.length > longestDifference ? `${whole.slice(0, longestDifference - 1)}…` : whole;
}

/** Runs of equal configurations (but for the seed) together, in the order in which they were given. */
export function groupRuns(runs: readonly RunFacts[]): RunFacts[][] {
  const groups: RunFacts[][] = [];
  for (const run of runs) {
    const group = groups.find(([first]) => configDifferences(first!.config, run.config).length === 0);
    if (group) group.push(run);
    else groups.push([run]);
  }
  return groups;
}

/** Names without seeds, each once; the base has the name that studies give it. */
function nameGroups(groups: readonly RunFacts[][], base: RunFacts[]): Map<RunFacts[], string> {
  const names = new Map<RunFacts[], string>([[base, baseName]]);
  for (const group of groups) {
    if (group === base) continue;
    const [{ folder, name: own }] = group as [RunFacts];
    const plain = own.replace(/-s\d+$/, '') || 'run';
    const candidates = [plain, `${basename(dirname(folder))}/${plain}`];
    const taken = new Set(names.values());
    let name = candidates.find((candidate) => !taken.has(candidate));
    for (let number = 2; name === undefined; number++) {
      if (!taken.has(`${plain} ${number}`)) name = `${plain} ${number}`;
    }
    names.set(group, name);
  }
  return names;
}

/** Differences that all of several configurations have; none where there is only one. */
function sharedDifferences(all: readonly (readonly ConfigDifference[])[]): ConfigDifference[] {
  const [first = [], ...others] = all;
  if (others.length === 0) return [];
  const has = (list: readonly ConfigDifference[], one: ConfigDifference) =>
    list.some(({ path, value }) => path === one.path && JSON.stringify(value) === JSON.stringify(one.value));
  return first.filter((difference) => others.every((list) => has(list, difference)));
}

/**
 * Compares runs with a base by the F of their last validation, as `faceparse study` does; runs of one configuration with
 * other seeds are one variant.
 *
 * @throws FaceparseError (exit code 2) where there is nothing to compare the base with
 */
export async function compareRuns(runs: readonly RunFacts[], base: RunFacts): Promise<Comparison> {
  const groups = groupRuns(runs);
  const baseGroup = groups.find((group) => group.includes(base))!;
  if (groups.length < 2) {
    throw new FaceparseError('all runs have one configuration, so there is nothing to compare', { exitCode: 2 });
  }
  const names = nameGroups(groups, baseGroup);
  const variants = new Map(
    groups.map((group): [RunFacts[], StudyVariant] => {
      const seeds = group.map(({ config }) => config.train.seed);
      return [group, { name: names.get(group)!, title: '', overrides: [], seeds }];
    }),
  );
  const studyGroup: StudyGroup = {
    name: 'runs',
    title: '',
    question: '',
    config: '',
    overrides: [],
    variants: [...variants.values()],
  };
  const results = await Promise.all(
    groups.flatMap((group) =>
      group.map(({ folder, config }) => {
        const variant = variants.get(group)!;
        const name = basename(folder);
        const run: StudyRun = { group: studyGroup, variant, seed: config.train.seed, name, config };
        return readRunResult(run, dirname(folder));
      }),
    ),
  );
  const { variants: summaries } = summarizeGroup(studyGroup, results);
  const differences = groups.map((group) => configDifferences(base.config, group[0]!.config));
  const shared = sharedDifferences(differences.filter((_, index) => groups[index] !== baseGroup));
  const compared = groups.map((group, index): ComparedVariant => {
    const parameters = group.find(({ environment }) => environment.parameters)?.environment.parameters;
    const finished = summaries[index]!.results.filter(({ state }) => state === 'finished');
    const counted = finished.length > 0 ? finished : summaries[index]!.results;
    return {
      name: names.get(group)!,
      differences: differences[index]!.filter(({ path }) => !shared.some((one) => one.path === path)),
      ...(parameters && { parameters }),
      epochs: Math.max(...counted.map(({ epochs }) => epochs)),
      summary: summaries[index]!,
    };
  });
  const others = compared.filter(({ name }) => name !== baseName);
  others.sort((a, b) => (b.summary.mean ?? -1) - (a.summary.mean ?? -1));
  return { base, variants: [compared[groups.indexOf(baseGroup)]!, ...others], shared };
}
