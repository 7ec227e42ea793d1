import { join } from 'node:path';
import { type Command, InvalidArgumentError, Option } from 'commander';
import type { BuiltReport } from '../../report/build-report.ts';
import { FaceparseError } from '../../text/errors.ts';
import { requireMatriculationNumber } from '../../text/matriculation-number.ts';
import { withoutControls } from '../../text/quoted-text.ts';
import { type AveragingOptions, addAveragingOptions, averagingOf } from '../averaging-options.ts';
import { type JsonOption, jsonHelp, printJson, printText, withInterrupt } from '../command.ts';
import { addEngineOptions, type EngineOptions, engineChoice } from '../engine-options.ts';
import { Progress } from '../progress.ts';
import { formatScore } from '../score-table.ts';

interface ReportOptions extends JsonOption, EngineOptions, AveragingOptions {
  data?: string;
  out?: string;
  build?: string;
  title?: string;
  author?: string;
  id?: string;
  base?: string;
  font?: string;
  force?: boolean;
}

/** Printable text of a bounded length. */
function line(text: string): string {
  if (text.trim() !== '' && text.length <= 200) return text;
  throw new InvalidArgumentError('It must have 1 to 200 characters.');
}

async function build(folder: string, options: ReportOptions): Promise<void> {
  const { buildReport } = await import('../../report/build-report.ts');
  const built = await buildReport(folder);
  warn(built);
  if (options.json) return printJson(built);
  printText(describe(built));
}

function warn({ warnings }: BuiltReport): void {
  for (const warning of warnings) process.stderr.write(`faceparse: warning: ${withoutControls(warning)}\n`);
}

function describe({ pdf, pages }: BuiltReport): string {
  return `wrote ${pdf} (${pages} ${pages === 1 ? 'page' : 'pages'})`;
}

async function write(run: string, others: readonly string[], out: string, options: ReportOptions): Promise<void> {
  const { data, title, author, id, base, font, force, json } = options;
  const { writeReport } = await import('../../report/write-report.ts');
  const given = { data, title, author, id, base, font, force, averaging: await averagingOf(options) };
  const named = Object.fromEntries(Object.entries(given).filter(([, value]) => value !== undefined));
  const bars = new Map<string, Progress>();
  const written = await withInterrupt((signal) =>
    writeReport({
      run,
      others,
      out,
      ...named,
      engine: engineChoice(options),
      signal,
      onProgress: (phase, done, total) => {
        if (!bars.has(phase)) bars.set(phase, new Progress(phase, { plain: json === true }));
        bars.get(phase)!.update(done, total);
        if (done === total) bars.get(phase)!.finish();
      },
    }),
  ).finally(() => {
    for (const bar of bars.values()) bar.finish();
  });
  warn(written);
  if (json) return printJson(written);
  const { fPerImage, source } = written;
  const score =
    fPerImage === undefined ? 'no validation images, so no scores' : `F (per image) ${formatScore(fPerImage)}`;
  printText(`${score}\n${describe(written)}\nEdit ${source} and run: faceparse report --build ${out}`);
}

async function report(runs: readonly string[], options: ReportOptions): Promise<void> {
  const [run, ...others] = runs;
  if (options.build !== undefined) {
    if (run !== undefined) {
      throw new FaceparseError('--build only compiles an existing report; remove the runs', { exitCode: 2 });
    }
    return build(options.build, options);
  }
  if (run === undefined) {
    throw new FaceparseError(
      'no run given; run faceparse report RUN, or faceparse report --build FOLDER to compile a report again',
      {
        exitCode: 2,
      },
    );
  }
  const { refuseForeignModel } = await import('../../node/foreign-model.ts');
  for (const given of runs) await refuseForeignModel(given);
  if (options.id !== undefined) requireMatriculationNumber(options.id);
  return write(run, others, options.out ?? join(run, 'report'), options);
}

/** `faceparse report RUN [RUN...]`, `faceparse report --build FOLDER` */
export function registerReport(program: Command): void {
  const command = program
    .command('report')
    .description('write a report about a run: a PDF of at most five pages and its source')
    .argument('[runs...]', 'run folder that the report is about, then run folders to compare it with')
    .option('--data <folder>', 'folder with train/ and val/ (default: the data of the run)')
    .option('--out <folder>', 'folder for report.typ, report.pdf, references.bib and figures/ (default: RUN/report)')
    .option('--title <text>', 'title of the report', line)
    .option('--author <name>', 'author of the report', line)
    .option('--id <number>', 'matriculation number, such as A12345678B', line)
    .option('--font <file>', 'font for characters that Arimo lacks (default: installed Noto packages)')
    .option('--base <run>', 'run to compare the others with (default: the first)')
    .option('--force', 'replace an existing report, even if it was edited')
    .addOption(
      new Option('--build <folder>', 'only compile the report.typ in this folder').conflicts([
        'data',
        'out',
        'title',
        'author',
        'id',
        'base',
        'font',
        'force',
        'tta',
        'scales',
      ]),
    )
    .option('--json', jsonHelp);
  addAveragingOptions(command, '; used for the scores and described in the report');
  addEngineOptions(command).action(report);
}
