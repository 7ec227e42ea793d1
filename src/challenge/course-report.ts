import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, extname, join } from 'node:path';
import type { EngineChoice } from '../engine/select-engine.ts';
import { isFolder } from '../files/path-kind.ts';
import { loadWeights } from '../node/face-parser.ts';
import type { Averaging } from '../parser/grid/averaging.ts';
import { buildReport, sourceName } from '../report/build-report.ts';
import { readSubject, weightsDigest } from '../report/report-subject.ts';
import { writeReport } from '../report/write-report.ts';
import { FaceparseError } from '../text/errors.ts';
import { readPdfFacts } from './pdf-reader.ts';

/** The source of the report in a course zip. */
export interface CourseReportOptions {
  /** A folder of `faceparse report`, which is compiled again, or a PDF; default: a new report about this run. */
  readonly report?: string;
  /** Matriculation number, for a new report. */
  readonly id: string;
  /** Folder with train/ and val/, for a new report; default: the data of the run. */
  readonly data?: string;
  /** Test-time augmentation of the masks, which a new report uses for its scores too. */
  readonly averaging?: Averaging;
  readonly engine?: EngineChoice;
  readonly signal?: AbortSignal;
}

/**
 * The bytes of the report for a course zip.
 *
 * @throws FaceparseError if it is about another run or matriculation number, cannot be compiled, has more than five pages, or is not a PDF
 */
export async function courseReport(run: string, options: CourseReportOptions): Promise<Uint8Array> {
  const { report, ...others } = options;
  if (report === undefined) return newReport(run, others);
  const pdf = (await isFolder(report)) ? await readFile((await buildReport(report)).pdf) : await readPdf(report);
  await requireSubject(pdf, report, run, options);
  return pdf;
}

/** A PDF made elsewhere records no subject and is accepted unchecked. */
async function requireSubject(
  pdf: Uint8Array,
  report: string,
  run: string,
  { id }: Pick<CourseReportOptions, 'id'>,
): Promise<void> {
  const subject = readSubject(readPdfFacts(pdf).keywords);
  if (subject.id !== undefined && subject.id !== id) {
    throw new FaceparseError(
      `${report} is for matriculation number ${subject.id}, but the zip is for ${id}; ${renumber(report, subject.id, id)}`,
      { exitCode: 2 },
    );
  }
  if (subject.weights === undefined) return;
  const { file } = await loadWeights(run);
  const digest = await weightsDigest(file);
  if (digest === subject.weights) return;
  throw new FaceparseError(
    `${report} is about run ${subject.run} (weights ${subject.weights.slice(0, 12)}…), but the zip contains run ${run} (weights ${digest.slice(0, 12)}…); ` +
      `write a new one: faceparse report ${run} --id ${id} --out FOLDER`,
    { exitCode: 2 },
  );
}

/** How to change the number of a report without losing edits. */
function renumber(report: string, from: string, to: string): string {
  const isPdf = extname(report).toLowerCase() === '.pdf';
  const source = join(isPdf ? dirname(report) : report, sourceName);
  const change = `replace ${from} by ${to} in ${isPdf ? `its source (usually ${source})` : source}`;
  return isPdf
    ? `${change}, compile it with faceparse report --build ${dirname(report)} and repeat this command`
    : `${change} and repeat this command, which compiles it again`;
}

async function newReport(run: string, options: Omit<CourseReportOptions, 'report'>): Promise<Uint8Array> {
  const folder = await mkdtemp(join(tmpdir(), 'faceparse-report-'));
  try {
    const { pdf } = await writeReport({ run, out: folder, ...options });
    return await readFile(pdf);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

async function readPdf(path: string): Promise<Uint8Array> {
  const bytes = await readFile(path).catch((cause: NodeJS.ErrnoException) => {
    throw new FaceparseError(`the report ${path} cannot be read (${cause.code}); check the path`, {
      exitCode: 2,
      cause,
    });
  });
  if (extname(path).toLowerCase() === '.pdf' && bytes.subarray(0, 5).toString('latin1') === '%PDF-') return bytes;
  throw new FaceparseError(`${path} is not a PDF; pass a PDF or the folder of a report that faceparse wrote`, {
    exitCode: 2,
  });
}
