import { basename, join, resolve } from 'node:path';
import { type Command, Option } from 'commander';
import type { Comparison, MeasuredCost, SplitName } from '../../comparison/comparison.ts';
import type { RunResult } from '../../comparison/runs/run-result.ts';
import type { RunsTraining } from '../../comparison/runs/train-runs.ts';
import type { Table } from '../../comparison/tables/table.ts';
import { requirePackages } from '../../packages/optional-packages.ts';
import { docLink } from '../../text/doc-link.ts';
import { FaceparseError } from '../../text/errors.ts';
import { type JsonOption, jsonHelp, printJson, printNotice, printText, withInterrupt } from '../command.ts';
import { splitWords } from '../config-arguments.ts';
import { addEngineOptions, type EngineOptions, engineChoice } from '../engine-options.ts';
import { labelSetOfOption } from '../label-set-option.ts';
import { formatNarrowTable } from '../narrow-table.ts';
import { Progress } from '../progress.ts';
import { trainingFailure, trainPending } from '../train-runs.ts';

interface CompareCommandOptions extends JsonOption, EngineOptions {
  data: string;
  out: string;
  title?: string;
  labels?: string;
  splits?: SplitName[];
  images?: string[];
  train: boolean;
  measure: boolean;
}

/** The command without folders of this machine, for a page that may be published. */
function publicCommand(words: readonly string[], options: CompareCommandOptions): string {
  const { labels, splits, images } = options;
  const name = (word: string) => (/[/\\]/.test(word) && !word.includes('=') ? basename(resolve(word)) : word);
  return [
    'faceparse compare',
    ...words.map(name),
    '--data DATA --out OUT',
    ...(labels === undefined ? [] : [`--labels ${name(labels)}`]),
    ...(splits ? [`--splits ${splits.join(' ')}`] : []),
    ...(images ? [`--images ${images.join(' ')}`] : []),
  ].join(' ');
}

function defaultTitle(results: readonly RunResult[]): string {
  const names = results.map(({ run }) => run.name);
  if (names.length > 4) return `Comparison of ${names.length} runs`;
  return names.length === 1 ? names[0] : `${names.slice(0, -1).join(', ')} and ${names.at(-1)}`;
}

/** The options of `bench` that choose the engine. */
function engineWords({ engine, device, threads }: EngineOptions): string[] {
  return [
    ...(engine === undefined ? [] : ['--engine', engine]),
    ...(device === undefined ? [] : ['--device', device]),
    ...(threads === undefined ? [] : ['--threads', String(threads)]),
  ];
}

/** Runs that can be scored: those with weights. The others are named. */
async function scorable(results: readonly RunResult[]): Promise<RunResult[]> {
  const [{ exists }, { runFolder }] = await Promise.all([
    import('../../files/path-kind.ts'),
    import('../../training/record/run-folder.ts'),
  ]);
  const found: RunResult[] = [];
  for (const result of results) {
    const hasWeights = result.state !== 'missing' && (await exists(runFolder(result.folder).bestWeights));
    if (hasWeights) found.push(result);
    else printNotice(`${result.run.name} has no weights yet and is left out`);
  }
  if (found.length > 0) return found;
  throw new FaceparseError('no run has weights, so there is nothing to compare; train the runs first', { exitCode: 2 });
}

async function compareAll(
  results: readonly RunResult[],
  words: readonly string[],
  options: CompareCommandOptions,
): Promise<Comparison> {
  const [{ compareRuns }, { measureCost }] = await Promise.all([
    import('../../comparison/compare.ts'),
    import('../../comparison/facts/measured-cost.ts'),
  ]);
  const { data, out, labels, splits, images } = options;
  const labelSet = labels === undefined ? undefined : await labelSetOfOption(labels);
  let progress: Progress | undefined;
  let label = '';
  const show = (next: string): Progress => {
    if (next === label && progress) return progress;
    progress?.finish();
    label = next;
    progress = new Progress(next, { plain: options.json === true });
    return progress;
  };
  try {
    return await withInterrupt((signal) => {
      const measure = async (result: RunResult): Promise<MeasuredCost | undefined> => {
        show(`measuring ${result.run.name}`);
        return measureCost(result, {
          program: process.argv[1],
          file: join(out, 'evaluations', result.run.name, 'cost.json'),
          engine: engineWords(options),
          signal,
        }).catch((error: unknown) => {
          if (signal.aborted || !(error instanceof FaceparseError)) throw error;
          printNotice(error.message);
          return undefined;
        });
      };
      return compareRuns({
        results,
        data,
        out,
        title: options.title ?? defaultTitle(results),
        command: publicCommand(words, options),
        ...(labelSet && { labelSet }),
        ...(splits && { splits }),
        ...(images && { images }),
        engine: engineChoice(options),
        ...(options.measure && { measure }),
        signal,
        onScore: (run, split, done, total) => show(`scoring ${run} on ${split}`).update(done, total),
        onNotice: printNotice,
      });
    });
  } finally {
    progress?.finish();
  }
}

/** The tables that a terminal has room for. */
async function formatTables(tables: readonly Table[]): Promise<string> {
  const shown = tables.filter(({ id }) => /^(scores|macro|differences)-|^cost$/.test(id));
  const texts = await Promise.all(shown.map((table) => formatNarrowTable(table, ['machine'])));
  return shown.map(({ title }, index) => `${title}\n\n${texts[index]}`).join('\n\n');
}

async function runCompare(given: string[], options: CompareCommandOptions): Promise<void> {
  requirePackages('the page of a comparison', ['echarts']);
  const [{ loadRuns }, { readRunResult }, { comparisonTables }, { writeComparison }] = await Promise.all([
    import('../../comparison/load-runs.ts'),
    import('../../comparison/runs/run-result.ts'),
    import('../../comparison/tables/comparison-tables.ts'),
    import('../../comparison/write-comparison.ts'),
  ]);
  const { words, overrides } = splitWords(given);
  const runs = await loadRuns(words, overrides, printNotice);
  const folder = join(options.out, 'runs');
  const readResults = () => Promise.all(runs.map((run) => readRunResult(run, folder)));
  const before = await readResults();
  const training: RunsTraining = options.train
    ? await trainPending(before, {
        out: folder,
        data: options.data,
        engine: engineChoice(options),
        json: options.json === true,
      })
    : { interrupted: false, failures: [] };
  if (training.interrupted) {
    if (options.json) return printJson({ ...training, written: [] });
    return printText('Stopped; everything is saved. Repeat the command to go on.');
  }
  const comparison = await compareAll(await scorable(await readResults()), given, options);
  const tables = comparisonTables(comparison);
  const written = await writeComparison(options.out, comparison, tables);
  if (options.json) {
    const { comparisonToJson } = await import('../../comparison/write-comparison.ts');
    printJson({ ...comparisonToJson(comparison, tables), ...training, written });
  } else {
    printText(await formatTables(tables));
    printText(`\n${written.map((path) => `wrote ${path}`).join('\n')}`);
  }
  if (training.failures.length > 0) {
    throw trainingFailure(training, before.filter(({ state }) => state !== 'finished').length);
  }
}

/** `faceparse compare CONFIG… --data DATA --out FOLDER` */
export function registerCompare(program: Command): void {
  const command = program
    .command('compare')
    .description('train configurations, score their runs side by side, and write a page')
    .argument(
      '<config...>',
      'YAML files, names of bundled configurations or run folders, and overrides key=value for all configurations',
    )
    .requiredOption('--data <folder>', 'folder with train/ and val/, and test/ if it has masks')
    .requiredOption('--out <folder>', 'folder of the runs, the page and the tables')
    .option('--title <text>', 'title of the page (default: the names of the runs)')
    .option(
      '--labels <set>',
      'score all runs in the classes of this label set: a name, or a configuration or run with its own',
    )
    .addOption(
      new Option('--splits <name...>', 'splits to score (default: all with masks)').choices(['train', 'val', 'test']),
    )
    .option('--images <name...>', 'images to show, by name (default: best, median, worst, most disagreed)')
    .option('--no-train', 'only compare the trained runs')
    .option('--no-measure', 'do not measure time and memory')
    .option('--json', jsonHelp);
  addEngineOptions(command).action(runCompare);
  command.addHelpText('after', `\nGuide: ${docLink('comparing.md')}`);
}
