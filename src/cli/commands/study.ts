import { basename, extname, join } from 'node:path';
import type { Command } from 'commander';
import type { RunsTraining } from '../../comparison/runs/train-runs.ts';
import { requirePackages } from '../../packages/optional-packages.ts';
import type { StudyResult, StudyRun } from '../../study/load-study.ts';
import type { StudyGroup } from '../../study/parse-study.ts';
import type { GroupSummary } from '../../study/summary.ts';
import { formatCount } from '../../text/counts.ts';
import { docLink } from '../../text/doc-link.ts';
import { FaceparseError } from '../../text/errors.ts';
import { type JsonOption, jsonHelp, printJson, printNotice, printText } from '../command.ts';
import { compareShown } from '../compare-runs.ts';
import { addEngineOptions, type EngineOptions, engineChoice } from '../engine-options.ts';
import { formatTable } from '../format.ts';
import { formatNarrowTable } from '../narrow-table.ts';
import { formatScore } from '../score-table.ts';
import { trainingFailure, trainPending } from '../train-runs.ts';

interface StudyCommandOptions extends JsonOption, EngineOptions {
  data?: string;
  out: string;
  report?: string;
  page?: string;
  only?: string[];
  list?: boolean;
  train: boolean;
}

/** A run in a list; a folder with another configuration has the state `another run`. */
async function listRun(run: StudyRun, out: string): Promise<ListedRun> {
  const { readRunResult } = await import('../../comparison/runs/run-result.ts');
  try {
    return runForJson(await readRunResult(run, out));
  } catch (error) {
    if (!(error instanceof FaceparseError)) throw error;
    return { run: run.name, seed: run.seed, folder: join(out, run.name), state: 'another run' };
  }
}

function formatRuns(listed: readonly ListedRun[]): string {
  const right = 'right' as const;
  return formatTable(
    [{ title: 'run' }, { title: 'state' }, { title: 'F', align: right }, { title: 'steps', align: right }],
    listed.map(({ run, state, f, steps }) => [
      run,
      state,
      state === 'finished' ? formatScore(f!) : '',
      steps ? formatCount(steps) : '',
    ]),
  );
}

interface ListedRun {
  readonly run: string;
  readonly seed: number;
  readonly folder: string;
  readonly state: StudyResult['state'] | 'another run';
  readonly f?: number;
  readonly steps?: number;
}

function runForJson({ run, folder, state, f, bestF, steps, epochs, seconds }: StudyResult) {
  return { run: run.name, seed: run.seed, folder, state, f, bestF, steps, epochs, seconds };
}

function groupForJson({ group, variants }: GroupSummary) {
  return {
    name: group.name,
    title: group.title,
    question: group.question,
    variants: variants.map(({ variant, results, mean, spread, difference, verdict }) => ({
      name: variant.name,
      title: variant.title,
      overrides: variant.overrides,
      runs: results.map(runForJson),
      mean,
      spread,
      difference,
      verdict,
    })),
  };
}

async function summarize(groups: readonly StudyGroup[], results: readonly StudyResult[]): Promise<GroupSummary[]> {
  const { summarizeGroup } = await import('../../study/summary.ts');
  return groups.map((group) => summarizeGroup(group, results));
}

async function formatGroups(summaries: readonly GroupSummary[]): Promise<string> {
  const { studyTable } = await import('../../study/study-table.ts');
  const tables = await Promise.all(
    // These columns are too wide for a terminal; the report contains them.
    summaries.map((summary) => formatNarrowTable(studyTable(summary), ['change', 'overrides'])),
  );
  return summaries
    .map(({ group }, index) => `${[group.title, group.question ?? []].flat().join(': ')}\n\n${tables[index]}`)
    .join('\n\n');
}

/** Writes a page of each group, as `faceparse compare` does. @returns the files that were written */
async function writePages(
  groups: readonly StudyGroup[],
  results: readonly StudyResult[],
  file: string,
  options: StudyCommandOptions & { readonly page: string; readonly data: string },
): Promise<string[]> {
  const [{ comparisonTables }, { writeComparison }] = await Promise.all([
    import('../../comparison/tables/comparison-tables.ts'),
    import('../../comparison/write-comparison.ts'),
  ]);
  const written: string[] = [];
  for (const group of groups) {
    const runs = results
      .filter(({ run }) => run.group === group)
      // On the page of its group, the group need not be named.
      .map(({ run, ...result }) => ({ ...result, run: { ...run, name: `${run.variant.name}-s${run.seed}` } }));
    if (runs.every(({ state }) => state === 'missing')) {
      printNotice(`${group.name} has no runs yet, so it has no page`);
      continue;
    }
    const comparison = await compareShown(runs, {
      ...options,
      out: join(options.page, group.name),
      title: group.title,
      ...(group.question !== undefined && { question: group.question }),
      command: `faceparse study ${basename(file)} --only ${group.name} --data DATA --page PAGES`,
      measure: true,
    });
    const tables = comparisonTables(comparison);
    written.push(...(await writeComparison(join(options.page, group.name), comparison, tables)).slice(0, 1));
  }
  return written;
}

async function runStudy(word: string, options: StudyCommandOptions): Promise<void> {
  if (options.report !== undefined && extname(options.report) !== '.md') {
    throw new FaceparseError(`the report is a Markdown file; use --report ${options.report}.md`, { exitCode: 2 });
  }
  if (options.report !== undefined) requirePackages('a report of a study', ['echarts']);
  if (options.page !== undefined) requirePackages('the pages of a study', ['echarts']);
  const [{ findConfigFile }, { loadStudy, selectRuns }, { readRunResult }] = await Promise.all([
    import('../../config/bundled-configs.ts'),
    import('../../study/load-study.ts'),
    import('../../comparison/runs/run-result.ts'),
  ]);
  const { page, data } = options;
  if (page !== undefined && data === undefined) {
    throw new FaceparseError('--page scores the runs; pass --data FOLDER, a folder with train/ and val/', {
      exitCode: 2,
    });
  }
  const study = await loadStudy(await findConfigFile(word, 'study'), printNotice);
  const chosen = options.only ? selectRuns(study, options.only) : study;
  const runs = study.runs.filter(({ group }) => chosen.groups.includes(group));
  if (options.list) {
    const listed = await Promise.all(chosen.runs.map((run) => listRun(run, options.out)));
    return options.json ? printJson({ runs: listed }) : printText(formatRuns(listed));
  }
  const readResults = () => Promise.all(runs.map((run) => readRunResult(run, options.out)));
  const before = (await readResults()).filter(({ run }) => chosen.runs.includes(run));
  const pending = options.train ? before.filter(({ state }) => state !== 'finished').length : 0;
  if (options.train && (pending === 0 || options.data !== undefined)) {
    const { saveStudyTitles } = await import('../../study/study-titles.ts');
    await saveStudyTitles(options.out, runs);
  }
  const training: RunsTraining = options.train
    ? await trainPending(before, {
        out: options.out,
        data: options.data,
        engine: engineChoice(options),
        json: options.json === true,
      })
    : { interrupted: false, failures: [] };
  const results = await readResults();
  const summaries = await summarize(chosen.groups, results);
  let written: string[] = [];
  if (options.report && !training.interrupted) {
    const { writeStudyReport } = await import('../../study/study-report.ts');
    written = await writeStudyReport(options.report, summaries);
  }
  if (page !== undefined && data !== undefined && !training.interrupted) {
    written.push(...(await writePages(chosen.groups, results, word, { ...options, page, data })));
  }
  if (options.json) printJson({ groups: summaries.map(groupForJson), ...training, written });
  else if (training.interrupted) printText('Stopped; everything is saved. Repeat the command to resume the study.');
  else {
    printText(await formatGroups(summaries));
    if (written.length > 0) printText(`\n${written.map((path) => `wrote ${path}`).join('\n')}`);
  }
  if (training.failures.length > 0) throw trainingFailure(training, pending);
}

/** `faceparse study FILE --data DATA` */
export function registerStudy(program: Command): void {
  const command = program
    .command('study')
    .description('train the missing runs of a study and compare all runs')
    .argument('<file>', `a study file (YAML, see ${docLink('study-files.md')}) or the name of a bundled study`)
    .option('--data <folder>', 'folder with train/ and val/, each with images/ and masks/')
    .option('--out <folder>', 'folder of the runs, as GROUP/VARIANT-sSEED', 'runs/study')
    .option(
      '--report <file>',
      'write tables to this Markdown file, and CSV files and charts to a folder of the same name',
    )
    .option(
      '--page <folder>',
      'write a page of each group, as faceparse compare does, to FOLDER/GROUP; requires --data',
    )
    .option('--only <name...>', 'only these groups (recipe), variants (recipe/sgd) or runs (recipe/sgd-s0)')
    .option('--list', 'list the runs and their progress')
    .option('--no-train', 'only compare the trained runs')
    .option('--json', jsonHelp);
  addEngineOptions(command).action(runStudy);
}
