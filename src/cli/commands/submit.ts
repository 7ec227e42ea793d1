import { type Command, Option } from 'commander';
import { findTestPhotos } from '../../data/find-photos.ts';
import { FaceparseError } from '../../errors.ts';
import { exists } from '../../files/path-kind.ts';
import type { SubmissionCheck } from '../../submission/check/check-submission.ts';
import type { Entry } from '../../submission/entry.ts';
import { type AveragingOptions, addAveragingOptions, averagingOf } from '../averaging-options.ts';
import { type JsonOption, jsonHelp, printJson, printText, runTask, withInterrupt } from '../command.ts';
import { addEngineOptions, type EngineOptions, engineChoice } from '../engine-options.ts';
import { formatBytes, formatCount } from '../format.ts';

interface SubmitOptions extends JsonOption, EngineOptions, AveragingOptions {
  test?: string;
  out?: string;
  check?: string;
  course?: string;
  report?: string;
  data?: string;
  force?: boolean;
  run: boolean;
  python: string;
}

function usage(message: string): FaceparseError {
  return new FaceparseError(message, { exitCode: 2 });
}

function requireTest({ test }: SubmitOptions): string {
  if (test === undefined) throw usage('say where the test pictures are: --test FOLDER');
  return test;
}

async function requireFreeZip(path: string, force: boolean): Promise<void> {
  if (!force && (await exists(path))) {
    throw usage(`${path} exists already; choose another --out (use --force to replace it)`);
  }
}

async function check(zip: string, options: SubmitOptions): Promise<SubmissionCheck> {
  const { checkSubmission } = await import('../../submission/check/check-submission.ts');
  const { python, run } = options;
  return withInterrupt((signal) => checkSubmission({ zip, test: requireTest(options), python, run, signal }));
}

function formatCheck(zip: string, { faults, notes, masks, parameters, ran }: SubmissionCheck): string {
  const facts = [
    `${masks} masks`,
    ...(parameters === undefined ? [] : [`${formatCount(parameters)} parameters`]),
    ...(ran ? [`run.py ran on ${ran} pictures`] : []),
  ];
  const verdict =
    faults.length === 0 ? 'no faults found' : `${faults.length} ${faults.length === 1 ? 'fault' : 'faults'}`;
  return [
    `${zip}: ${verdict} (${facts.join(', ')})`,
    ...faults.map(({ where, message }) => `  ✗ ${where}: ${message.replaceAll('\n', '\n    ')}`),
    ...notes.map((note) => `  · ${note}`),
  ].join('\n');
}

async function runCheck(zip: string, options: SubmitOptions): Promise<void> {
  const result = await check(zip, options);
  if (options.json) printJson({ zip, ...result });
  else printText(formatCheck(zip, result));
  if (result.faults.length > 0) throw new FaceparseError(`${zip} would be refused`);
}

async function reportOf(entry: Entry, options: SubmitOptions): Promise<Uint8Array> {
  const { courseReport } = await import('../../submission/course-report.ts');
  const { report, data, course } = options;
  const given = { ...(report && { report }), ...(data && { data }), engine: engineChoice(options) };
  return withInterrupt((signal) => courseReport(entry.run, { id: course!, ...given, signal }));
}

async function runSubmit(runs: readonly string[], options: SubmitOptions): Promise<void> {
  if (options.check !== undefined) {
    if (runs.length > 0) throw usage(`--check looks at a zip, not at a run; leave ${runs.join(' ')} out`);
    return runCheck(options.check, options);
  }
  const [run, ...others] = runs;
  if (run === undefined) throw usage('name the run that is to be handed in (or --check ZIP)');
  if (others.length > 0) {
    throw usage(`one network is handed in, not ${runs.length}: ensembles are forbidden. Name one run`);
  }
  const { course, force = false } = options;
  const out = options.out ?? (course === undefined ? 'submission.zip' : `${course}.zip`);
  const [{ readEntry }, { selectEngine }, { writeFileAtomic }, { courseZip, requireCourseId }, { leaderboardZip }] =
    await Promise.all([
      import('../../submission/entry.ts'),
      import('../../engine/select-engine.ts'),
      import('../../files/atomic-write.ts'),
      import('../../submission/course-zip.ts'),
      import('../../submission/leaderboard-zip.ts'),
    ]);
  if (course !== undefined) requireCourseId(course);
  const photos = await findTestPhotos(requireTest(options));
  await requireFreeZip(out, force);
  const entry = await readEntry(run, await averagingOf(options));
  const report = course === undefined ? undefined : await reportOf(entry, options);
  const engine = await selectEngine(engineChoice(options));
  const bytes = await runTask('parsing the test pictures', options, (controls) => {
    const masks = { engine, ...controls };
    return report ? courseZip(entry, photos, { id: course!, report, ...masks }) : leaderboardZip(entry, photos, masks);
  });
  await writeFileAtomic(out, bytes);
  const result = report ? undefined : await check(out, options);
  if (options.json) {
    const { parameters, file } = entry;
    printJson({ weights: file, parameters, zip: out, bytes: bytes.length, ...(result && { check: result }) });
  } else {
    printText(
      `wrote ${out} (${formatBytes(bytes.length)}): ${photos.length} masks, ${formatCount(entry.parameters)} parameters`,
    );
    if (result) printText(formatCheck(out, result));
  }
  if (result && result.faults.length > 0) throw new FaceparseError(`${out} would be refused`);
}

/** `faceparse submit RUN --test DIR` */
export function registerSubmit(program: Command): void {
  const command = program
    .command('submit')
    .description('pack a run for the leaderboard or the course, or check a zip before it is sent')
    .usage('[options] <run> --test <folder>\n       faceparse submit --check <zip> --test <folder>')
    .argument('[run...]', 'folder of the run that is handed in')
    .option('--test <folder>', 'the test pictures, or a folder whose images/ holds them')
    .option('--out <file>', 'the zip to write (default: submission.zip, or the matriculation number)')
    .addOption(
      new Option('--check <zip>', 'only check this zip, whoever made it').conflicts(['course', 'out', 'tta', 'scales']),
    )
    .option('--no-run', 'check without running the code of the zip (run.py) on some of the pictures')
    .option('--python <command>', 'Python with PyTorch and Pillow, for that', 'python3')
    .option('--course <number>', 'write the course zip for this matriculation number: report, results, code, weights')
    .option(
      '--report <path>',
      'its report: a folder of `faceparse report`, or a PDF (default: a new one of the run alone)',
    )
    .option('--data <folder>', 'for a new report: holds train/ and val/ (default: what the run was trained on)')
    .option('--force', 'replace a zip that is there already')
    .option('--json', jsonHelp);
  addAveragingOptions(command);
  addEngineOptions(command).action(runSubmit);
}
