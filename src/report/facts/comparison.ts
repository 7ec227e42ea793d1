import { basename, dirname } from 'node:path';
import { readRunResult } from '../../comparison/runs/run-result.ts';
import { isSameLabelSet, labelSetName } from '../../labels/label-table.ts';
import type { StudyRun } from '../../study/load-study.ts';
import { baseName, type StudyGroup, type StudyVariant } from '../../study/parse-study.ts';
import { pairedDifferences, summarizeGroup, type VariantSummary } from '../../study/summary.ts';
import { FaceparseError } from '../../text/errors.ts';
import { type RunDifference, runDifferences, splitDifferences, valueIn } from './run-differences.ts';
import type { RunFacts } from './run-facts.ts';

/** Runs with the same configuration and data, compared with the base. */
export interface ComparedVariant {
  readonly name: string;
  /** Differences from the base, without the shared ones. */
  readonly differences: readonly RunDifference[];
  /** Title of the variant in its study; absent outside a study and for the base. */
  readonly title?: string;
  /** Number of keys that differ from the base, the shared ones included. */
  readonly changedKeys: number;
  /** Name of its label set if that is not the one of the base, whose scores are then of other classes. */
  readonly otherLabels?: string;
  /** Number of trainable parameters, if the environment of a run records it. */
  readonly parameters?: number;
  /** Length of the finished runs, or of the longest unfinished one. */
  readonly epochs: number;
  readonly summary: VariantSummary;
  /** Differences in F from the base run with the same seed, one per seed that both have finished; empty for the base. */
  readonly paired: readonly number[];
}

/** The name of the base in the table and the figure: `flagship (base)`. */
export function baseLabel(name: string): string {
  return name === baseName ? name : `${name} (base)`;
}

/** Runs of several configurations: the base, the others by descending F, and last those with other label sets. */
export interface Comparison {
  readonly base: RunFacts;
  readonly variants: readonly ComparedVariant[];
  /** Differences from the base that most variants share; they are not repeated in `differences`. */
  readonly shared: readonly RunDifference[];
}

/**
 * Groups runs that differ only in their seed, in the given order.
 *
 * @throws FaceparseError (exit code 2) if two runs of a group have the same seed, so that they are not independent
 */
export function groupRuns(runs: readonly RunFacts[]): RunFacts[][] {
  const groups: RunFacts[][] = [];
  for (const run of runs) {
    const group = groups.find(([first]) => runDifferences(first, run).length === 0);
    if (group) requireNewSeed(group, run);
    if (group) group.push(run);
    else groups.push([run]);
  }
  return groups;
}

function requireNewSeed(group: readonly RunFacts[], { folder, config }: RunFacts): void {
  const { seed } = config.train;
  const same = group.find((run) => run.config.train.seed === seed);
  if (!same) return;
  throw new FaceparseError(
    `${same.folder} and ${folder} have the same configuration, training pairs and seed ${seed}; remove one of them`,
    { exitCode: 2 },
  );
}

function nameWithoutSeed({ name }: RunFacts): string {
  return name.replace(/-s\d+$/, '') || 'run';
}

/** Unique names without seeds. Only the base itself may be called a base. */
function nameGroups(groups: readonly RunFacts[][], base: RunFacts[]): Map<RunFacts[], string> {
  const names = new Map<RunFacts[], string>([[base, nameWithoutSeed(base[0])]]);
  for (const group of groups) {
    if (group === base) continue;
    const plain = nameWithoutSeed(group[0]);
    const candidates = [plain, `${basename(dirname(group[0].folder))}/${plain}`];
    const taken = new Set([...names.values(), baseName]);
    let name = candidates.find((candidate) => !taken.has(candidate));
    for (let number = 2; name === undefined; number++) {
      if (!taken.has(`${plain} ${number}`)) name = `${plain} ${number}`;
    }
    names.set(group, name);
  }
  return names;
}

/** The title of a variant in its study; the base of a study group changes nothing and is called a base. */
function titleOf([run]: RunFacts[]): string | undefined {
  const { folder, studyTitle } = run;
  if (studyTitle === undefined) return undefined;
  const isStudyBase = nameWithoutSeed(run) === baseName;
  return isStudyBase ? `base of the study group ${basename(dirname(folder))}` : studyTitle;
}

/**
 * Compares runs with a base by the F of their last validation, as `faceparse study` does. Runs that differ only in their seed
 * are one variant. Runs with another label set than the base have no difference in F: their scores are of other classes.
 *
 * @throws FaceparseError (exit code 2) if no run differs from the base, or a run is given twice
 */
export async function compareRuns(runs: readonly RunFacts[], base: RunFacts): Promise<Comparison> {
  const groups = groupRuns(runs);
  const baseGroup = groups.find((group) => group.includes(base))!;
  if (groups.length < 2) {
    throw new FaceparseError('all runs have the same configuration, so there is nothing to compare', { exitCode: 2 });
  }
  const names = nameGroups(groups, baseGroup);
  const variants = new Map(
    groups.map((group): [RunFacts[], StudyVariant] => {
      const seeds = group.map(({ config }) => config.train.seed);
      const name = group === baseGroup ? baseName : names.get(group)!;
      return [group, { name, title: '', overrides: [], seeds }];
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
  const baseResults = summaries[groups.indexOf(baseGroup)].results;
  const fromBase = new Map(
    groups.filter((group) => group !== baseGroup).map((group) => [group, runDifferences(base, group[0])]),
  );
  const { shared, own } = splitDifferences([...fromBase.values()], (path) => valueIn(base, path));
  const deviations = new Map([...fromBase.keys()].map((group, index) => [group, own[index]]));
  const compared = groups.map((group, index): ComparedVariant => {
    const parameters = group.find(({ environment }) => environment.parameters)?.environment.parameters;
    const finished = summaries[index].results.filter(({ state }) => state === 'finished');
    const counted = finished.length > 0 ? finished : summaries[index].results;
    const title = titleOf(group);
    const { labels } = group[0].config.data;
    const isComparable = isSameLabelSet(labels, base.config.data.labels);
    const { difference: _, ...alone } = summaries[index];
    return {
      name: names.get(group)!,
      differences: deviations.get(group) ?? [],
      ...(group !== baseGroup && title !== undefined && { title }),
      changedKeys: fromBase.get(group)?.length ?? 0,
      ...(parameters && { parameters }),
      epochs: Math.max(...counted.map(({ epochs }) => epochs)),
      ...(!isComparable && { otherLabels: labelSetName(labels) }),
      summary: isComparable ? summaries[index] : { ...alone, verdict: 'incomplete' },
      paired: group === baseGroup || !isComparable ? [] : pairedDifferences(summaries[index].results, baseResults),
    };
  });
  const first = compared[groups.indexOf(baseGroup)];
  const others = compared.filter((variant) => variant !== first);
  others.sort(
    (a, b) =>
      (a.otherLabels ?? '').localeCompare(b.otherLabels ?? '') || (b.summary.mean ?? -1) - (a.summary.mean ?? -1),
  );
  return { base, variants: [first, ...others], shared };
}
