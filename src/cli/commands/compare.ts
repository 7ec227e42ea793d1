import { basename, join, resolve } from 'node:path';
import { type Command, Option } from 'commander';
import type { SplitName } from '../../comparison/comparison.ts';
import type { RunResult } from '../../comparison/runs/run-result.ts';
import type { RunsTraining } from '../../comparison/runs/train-runs.ts';
import type { Table } from '../../comparison/tables/table.ts';
import { requirePackages } from '../../packages/optional-packages.ts';
import { docLink } from '../../text/doc-link.ts';
import { joinWords } from '../../text/join-words.ts';
import { type JsonOption, jsonHelp, printJson, printNotice, printText } from '../command.ts';
import { compareShown } from '../compare-runs.ts';
import { splitWords } from '../config-arguments.ts';
import { addEngineOptions, type EngineOptions, engineChoice } from '../engine-options.ts';
import { labelSetOfOption } from '../label-set-option.ts';
import { formatNarrowTable } from '../narrow-table.ts';
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
  const name = (word: string): string => {
    const [, key = '', value = ''] = /^([^/\\=]*=)?(.*)$/s.exec(word) ?? [];
    return /[/\\]/.test(value) ? `${key}${basename(resolve(value))}` : word;
  };
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
  return joinWords(names, 'and');
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
  const { data, out, labels, splits, images } = options;
  const results = await readResults();
  const comparison = await compareShown(results, {
    ...options,
    data,
    out,
    title: options.title ?? defaultTitle(results),
    command: publicCommand(given, options),
    ...(labels !== undefined && { labelSet: await labelSetOfOption(labels) }),
    ...(splits && { splits }),
    ...(images && { images }),
  });
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
