import { basename } from 'node:path';
import { type Command, Option } from 'commander';
import type { ZipCheck } from '../../challenge/check-zip.ts';
import type { Entry } from '../../challenge/entry.ts';
import { type FoundPhotos, findTestPhotos, type PhotoFile } from '../../data/dataset/find-photos.ts';
import { leftAloneNotes } from '../../data/dataset/list-images.ts';
import { exists } from '../../files/path-kind.ts';
import { requireWritable } from '../../files/require-writable.ts';
import { requirePackages } from '../../packages/optional-packages.ts';
import { formatCount } from '../../text/counts.ts';
import { FaceparseError } from '../../text/errors.ts';
import { formatBytes } from '../../text/format-bytes.ts';
import { type AveragingOptions, addAveragingOptions, averagingOf } from '../averaging-options.ts';
import { type JsonOption, jsonHelp, printJson, printNotice, printText, runTask, withInterrupt } from '../command.ts';
import { addEngineOptions, type EngineOptions, engineChoice } from '../engine-options.ts';

interface SubmitOptions extends JsonOption, EngineOptions, AveragingOptions {
  test?: string;
  out?: string;
  check?: string;
  course?: string;
  report?: string;
  data?: string;
  force?: boolean;
  run: boolean;
  python?: string;
}

function usage(message: string): FaceparseError {
  return new FaceparseError(message, { exitCode: 2 });
}

/** Refuses options that would have no effect. */
function requireUsefulOptions({ course, report, data, python, run }: SubmitOptions): void {
  if (course === undefined && (report !== undefined || data !== undefined)) {
    const name = report === undefined ? '--data' : '--report';
    throw usage(`${name} applies to the report of the course zip; add --course NUMBER, or remove it`);
  }
  if (report !== undefined && data !== undefined) {
    throw usage('--data is for a new report, but --report passes an existing one; remove one of them');
  }
  const isForCheck = python === undefined ? run === false && '--no-run' : '--python';
  if (isForCheck && course !== undefined) {
    throw usage(`${isForCheck} applies to the check of a leaderboard zip; remove it, or remove --course`);
  }
}

function requireTest({ test }: SubmitOptions): string {
  if (test === undefined) throw usage('the test images are missing; add --test FOLDER');
  return test;
}

async function requireFreeZip(path: string, force: boolean): Promise<void> {
  if (!force && (await exists(path))) {
    throw usage(`${path} already exists; choose another --out, or use --force to replace it`);
  }
  await requireWritable(path);
}

async function check(zip: string, options: SubmitOptions): Promise<ZipCheck> {
  const { checkZip } = await import('../../challenge/check-zip.ts');
  const { python, run, course } = options;
  const test = requireTest(options);
  const given = { ...(python && { python }), ...(course !== undefined && { course }) };
  return withInterrupt((signal) => checkZip({ zip, test, ...given, run, signal }));
}

function formatCheck(zip: string, { layout, faults, notes, masks, pages, parameters, ran }: ZipCheck): string {
  const facts = [
    `${layout} zip`,
    `${masks} masks`,
    ...(pages === undefined ? [] : [`${pages} ${pages === 1 ? 'page' : 'pages'}`]),
    ...(parameters === undefined ? [] : [`${formatCount(parameters)} parameters`]),
    ...(ran ? [`run.py ran on ${ran} images`] : []),
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

async function reportOf(entry: Entry, id: string, options: SubmitOptions): Promise<Uint8Array> {
  const { courseReport } = await import('../../challenge/course-report.ts');
  const { report, data } = options;
  const { averaging } = entry;
  const given = { ...(report && { report }), ...(data && { data }), ...(averaging && { averaging }) };
  return withInterrupt((signal) => courseReport(entry.run, { id, ...given, engine: engineChoice(options), signal }));
}

function requireOneRun(runs: readonly string[]): string {
  const [run, ...others] = runs;
  if (run === undefined) throw usage('no run given; pass the run folder to submit, or --check ZIP');
  if (others.length === 0) return run;
  throw usage(
    `${runs.length} runs given, but only one network may be submitted (ensembles are forbidden); pass one run`,
  );
}

/** Finds the test images, and checks everything that can be checked before the slow work. */
async function prepare(out: string, options: SubmitOptions): Promise<FoundPhotos> {
  const { course, python, force = false } = options;
  const [{ requireMatriculationNumber }, { requirePhotoSizes }, { requireProgram }] = await Promise.all([
    import('../../text/matriculation-number.ts'),
    import('../../challenge/masks.ts'),
    import('../../challenge/check/run-process.ts'),
  ]);
  if (course !== undefined) requireMatriculationNumber(course);
  const found = await findTestPhotos(requireTest(options));
  await requireFreeZip(out, force);
  await requirePhotoSizes(found.photos);
  if (python !== undefined) await requireProgram(python);
  if (course !== undefined && basename(out) !== `${course}.zip`) {
    throw usage(`the course zip must be named ${course}.zip, not ${basename(out)}; change the file name in --out`);
  }
  return found;
}

async function packed(entry: Entry, photos: readonly PhotoFile[], options: SubmitOptions): Promise<Uint8Array> {
  const [{ selectEngine }, { courseZip }, { leaderboardZip }] = await Promise.all([
    import('../../engine/select-engine.ts'),
    import('../../challenge/course-zip.ts'),
    import('../../challenge/leaderboard-zip.ts'),
  ]);
  const { course: id } = options;
  const course = id === undefined ? undefined : { id, report: await reportOf(entry, id, options) };
  const engine = await selectEngine(engineChoice(options));
  return runTask('parsing the test images', options, (controls) => {
    const masks = { engine, ...controls };
    return course ? courseZip(entry, photos, { ...course, ...masks }) : leaderboardZip(entry, photos, masks);
  });
}

async function submitRun(run: string, options: SubmitOptions): Promise<void> {
  requireUsefulOptions(options);
  const { course } = options;
  const out = options.out ?? (course === undefined ? 'submission.zip' : `${course}.zip`);
  const [{ readEntry }, { writeFileAtomic }] = await Promise.all([
    import('../../challenge/entry.ts'),
    import('../../files/atomic-write.ts'),
  ]);
  requirePackages('checking a zip', ['yauzl']);
  requireTest(options);
  const entry = await readEntry(run, await averagingOf(options));
  const { photos, leftAlone } = await prepare(out, options);
  for (const note of leftAloneNotes(leftAlone)) printNotice(note);
  const zip = await packed(entry, photos, options);
  await writeFileAtomic(out, zip);
  const result = await check(out, options);
  const { parameters, notes, file } = entry;
  if (options.json) {
    printJson({ weights: file, parameters, notes, zip: out, bytes: zip.length, check: result });
  } else {
    const facts = `${photos.length} masks, ${formatCount(parameters)} parameters`;
    printText(
      [`wrote ${out} (${formatBytes(zip.length)}): ${facts}`, ...notes.map((note) => `  · ${note}`)].join('\n'),
    );
    printText(formatCheck(out, result));
  }
  if (result.faults.length > 0) throw new FaceparseError(`${out} would be refused`);
}

async function runSubmit(runs: readonly string[], options: SubmitOptions): Promise<void> {
  if (options.check === undefined) return submitRun(requireOneRun(runs), options);
  if (runs.length > 0) throw usage(`--check takes a zip, not a run; remove ${runs.join(' ')}`);
  const { course } = options;
  if (course !== undefined) {
    const { requireMatriculationNumber } = await import('../../text/matriculation-number.ts');
    requireMatriculationNumber(course);
    requireUsefulOptions(options);
  }
  return runCheck(options.check, options);
}

/** `faceparse submit RUN --test DIR` */
export function registerSubmit(program: Command): void {
  const command = program
    .command('submit')
    .description('pack a run for the leaderboard or the course, or check a zip before uploading it')
    .usage('[options] <run> --test <folder>\n       faceparse submit --check <zip> --test <folder>')
    .argument('[run...]', 'run folder to submit')
    .option('--test <folder>', 'folder of the test images, or one that contains them in images/')
    .option('--out <file>', 'the zip to write (default: submission.zip, or the matriculation number)')
    .addOption(
      new Option('--check <zip>', 'only check this zip by the rules of its layout (leaderboard or course)').conflicts([
        ...['report', 'data', 'out', 'force', 'tta', 'scales'],
        ...['engine', 'device', 'threads'],
      ]),
    )
    .option('--no-run', 'check without executing run.py from the zip')
    .addOption(
      new Option(
        '--python <command>',
        'Python with PyTorch and Pillow that executes run.py (default: python3)',
      ).conflicts('run'),
    )
    .option(
      '--course <number>',
      'matriculation number; write the course zip (report, results, code, weights), or with --check apply its rules',
    )
    .option(
      '--report <path>',
      'report for the course zip: a folder of `faceparse report` or a PDF (default: a new report about this run)',
    )
    .option('--data <folder>', 'folder with train/ and val/ for a new report (default: the data of the run)')
    .option('--force', 'replace an existing zip')
    .option('--json', jsonHelp);
  addAveragingOptions(command);
  addEngineOptions(command).action(runSubmit);
}
