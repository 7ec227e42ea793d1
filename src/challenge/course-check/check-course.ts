import { createHash } from 'node:crypto';
import { basename } from 'node:path';
import { findTestPhotos } from '../../data/dataset/find-photos.ts';
import { leftAloneNotes } from '../../data/dataset/list-images.ts';
import { decodeSafetensors } from '../../formats/safetensors.ts';
import type { ZipArchive } from '../../formats/zip-reader.ts';
import { checkOrigin, describeOrigin, originChain, type WeightsOrigin } from '../../models/weights-origin.ts';
import { mostPages } from '../../report/build-report.ts';
import { type ReportSubject, readSubject } from '../../report/report-subject.ts';
import { formatCount } from '../../text/counts.ts';
import { FaceparseError } from '../../text/errors.ts';
import { formatBytes } from '../../text/format-bytes.ts';
import { checkCheckpoint } from '../check/checkpoint.ts';
import { type Fault, groupFaults, nameFirst } from '../check/fault.ts';
import { inspectMask, maxMaskBytes } from '../check/masks.ts';
import { readPdfFacts } from '../pdf-reader.ts';
import { challengeRules } from '../rules.ts';
import { type CourseLayout, inspectCourse } from './course-layout.ts';
import { checkPythonImports } from './python-imports.ts';
import { checkReadme, namedScripts } from './readme.ts';

/** The result of a check; a course zip without faults can be submitted. */
export interface CourseCheck {
  readonly faults: readonly Fault[];
  readonly notes: readonly string[];
  /** Test images that have a mask in the zip. */
  readonly masks: number;
  readonly pages?: number;
  /** Number of parameters of the largest weights file. */
  readonly parameters?: number;
}

const maxReportBytes = 2 ** 26;
/** Checkpoint faults on the leaderboard that the course allows. */
const leaderboardOnly = ['checkpoint-without-state-dict'];

/**
 * Checks an opened course zip: names, report, masks, code, weights, Readme.txt. Nothing in it is executed.
 *
 * @param expectedId matriculation number that the zip must be named after; default any
 * @throws FaceparseError (exit code 2) if the folder of test images does not exist
 */
export async function checkCourse(
  archive: ZipArchive,
  { zip, test, expectedId, signal }: { zip: string; test: string; expectedId?: string; signal?: AbortSignal },
): Promise<CourseCheck> {
  const { photos: images, leftAlone } = await findTestPhotos(test);
  const sizes = new Map(archive.entries.map(({ name, size }) => [name, size]));
  const stems = images.map(({ stem }) => stem);
  const layout = inspectCourse(basename(zip), [...sizes.keys()], stems);
  const faults: Fault[] = [...layout.faults];
  const read = new Set<string>();
  const bytesOf = async (name: string): Promise<Uint8Array | undefined> => {
    signal?.throwIfAborted();
    read.add(name);
    try {
      return await archive.read(name);
    } catch (error) {
      if (!(error instanceof FaceparseError)) throw error;
      faults.push({ check: 'zip-damaged', where: name, message: error.message });
      return undefined;
    }
  };
  if (expectedId !== undefined && layout.id !== undefined && layout.id !== expectedId) {
    const message = `the zip is named after ${layout.id}, but --course is ${expectedId}; rename it`;
    faults.push({ check: 'id-mismatch', where: basename(zip), message });
  }
  const { pages, subject } = await checkReport(layout, sizes, bytesOf, faults);
  const maskFaults: Fault[] = [];
  for (const where of layout.masks.values()) {
    const isLarge = (sizes.get(where) ?? 0) > maxMaskBytes;
    if (isLarge) maskFaults.push({ check: 'mask-unreadable', where, message: 'is too large for a mask' });
    const bytes = isLarge ? undefined : await bytesOf(where);
    if (bytes) maskFaults.push(...inspectMask(bytes).faults.map((fault) => ({ ...fault, where })));
  }
  faults.push(...groupFaults(maskFaults));
  const notes: string[] = [];
  const parameters = await checkWeights(layout, bytesOf, faults, subject?.weights, notes);
  const readme = layout.readme === undefined ? undefined : await bytesOf(layout.readme);
  if (readme && layout.readme !== undefined) faults.push(...checkReadme(readme, layout.readme, layout));
  faults.push(...(await checkCode(layout, sizes, readme, bytesOf)));
  const code = new Set(layout.code);
  let codeBytes = 0;
  for (const name of sizes.keys()) {
    if (code.has(name)) codeBytes += sizes.get(name) ?? 0;
    if (!read.has(name)) await bytesOf(name);
  }
  if (code.size > 0 && codeBytes === 0) {
    faults.push({ check: 'code-empty', where: 'code', message: 'all code files are empty; add the code' });
  }
  return {
    faults,
    notes: [
      `the zip contains ${archive.entries.length} files (${formatBytes(archive.fileBytes)}); its code was not executed`,
      ...layout.notes,
      ...leftAloneNotes(leftAlone),
      ...notes,
    ],
    masks: layout.masks.size,
    ...(pages !== undefined && { pages }),
    ...(parameters !== undefined && { parameters }),
  };
}

/** Larger Python files are not source code that a person wrote. */
const maxCodeBytes = 2 ** 20;

/** Checks that the Python scripts that Readme.txt names come with the modules that they import. */
async function checkCode(
  { code }: CourseLayout,
  sizes: ReadonlyMap<string, number>,
  readme: Uint8Array | undefined,
  bytesOf: ReadEntry,
): Promise<Fault[]> {
  const read = async (name: string): Promise<string | undefined> => {
    const bytes = (sizes.get(name) ?? 0) > maxCodeBytes ? undefined : await bytesOf(name);
    return bytes && Buffer.from(bytes).toString('utf8');
  };
  const text = readme && readme.length <= maxCodeBytes ? Buffer.from(readme).toString('utf8') : '';
  const scripts = namedScripts(text, code).filter((name) => name.endsWith('.py'));
  const lists: string[] = [];
  for (const name of sizes.keys()) {
    if (/(^|\/)requirements[^/]*\.txt$/.test(name)) lists.push((await read(name)) ?? '');
  }
  return checkPythonImports(scripts, { files: new Set(sizes.keys()), read, libraries: [text, ...lists].join('\n') });
}

type ReadEntry = (name: string) => Promise<Uint8Array | undefined>;

async function checkReport(
  { report: where, id }: CourseLayout,
  sizes: ReadonlyMap<string, number>,
  bytesOf: ReadEntry,
  faults: Fault[],
): Promise<{ readonly pages?: number; readonly subject?: ReportSubject }> {
  if (where === undefined) return {};
  if ((sizes.get(where) ?? 0) > maxReportBytes) {
    faults.push({
      check: 'report-unreadable',
      where,
      message: `has more than ${maxReportBytes} bytes; make it smaller`,
    });
    return {};
  }
  const bytes = await bytesOf(where);
  if (!bytes) return {};
  const facts = Buffer.from(bytes.subarray(0, 5)).toString('latin1') === '%PDF-' ? readPdfFacts(bytes) : undefined;
  if (facts?.pages === undefined) {
    const message = 'is not a PDF whose pages can be counted; export it again, without encryption';
    faults.push({ check: 'report-unreadable', where, message });
  } else if (facts.pages > mostPages) {
    faults.push({
      check: 'report-pages',
      where,
      message: `has ${facts.pages} pages, but ${mostPages} are allowed; shorten it`,
    });
  }
  const subject = readSubject(facts?.keywords ?? '');
  if (subject.id !== undefined && id !== undefined && subject.id !== id) {
    const message = `is for matriculation number ${subject.id}, but the zip is ${id}.zip; use one number`;
    faults.push({ check: 'id-mismatch', where, message });
  }
  return { ...(facts?.pages !== undefined && { pages: facts.pages }), subject };
}

async function checkWeights(
  { weights }: CourseLayout,
  bytesOf: ReadEntry,
  faults: Fault[],
  reported: string | undefined,
  notes: string[],
): Promise<number | undefined> {
  const counts: number[] = [];
  const digests: string[] = [];
  const compared = weights.filter((name) => name.endsWith('.safetensors'));
  for (const where of weights) {
    const bytes = await bytesOf(where);
    if (!bytes) continue;
    if (bytes.length > 0 && compared.includes(where)) digests.push(createHash('sha256').update(bytes).digest('hex'));
    if (bytes.length === 0)
      faults.push({ check: 'weights-empty', where, message: 'is empty; add the trained weights' });
    else if (where.endsWith('.safetensors')) notes.push(...checkSafetensors(bytes, where, faults, counts));
    else if (/\.(pth|pt|th|ckpt)$/i.test(where)) {
      const { faults: found, parameters } = await checkCheckpoint(bytes, where);
      faults.push(...found.filter(({ check }) => !leaderboardOnly.includes(check)));
      if (parameters !== undefined) counts.push(parameters);
    }
  }
  // The report of faceparse names its weights; other formats of the same weights cannot be compared.
  if (reported !== undefined && digests.length > 0 && !digests.includes(reported)) {
    const message = `are not the weights that the report is about (SHA-256 ${reported.slice(0, 12)}…); write the report again, or add its weights`;
    faults.push({ check: 'weights-mismatch', where: nameFirst(compared), message });
  }
  return counts.length === 0 ? undefined : Math.max(...counts);
}

/** @returns notes about where the weights come from */
function checkSafetensors(bytes: Uint8Array, where: string, faults: Fault[], counts: number[]): string[] {
  try {
    const { tensors, metadata } = decodeSafetensors(bytes);
    const trainable = [...tensors].filter(([name]) => !/running_(mean|var)$|num_batches_tracked$/.test(name));
    const count = trainable.reduce((sum, [, { data }]) => sum + data.length, 0);
    counts.push(count);
    const notes = startNotes(metadata.origin, where);
    if (count < challengeRules.parameterLimit) return notes;
    const limit = formatCount(challengeRules.parameterLimit);
    const message = `has ${formatCount(count)} parameters; fewer than ${limit} are allowed: make the network smaller`;
    faults.push({ check: 'too-many-parameters', where, message });
    return notes;
  } catch (error) {
    if (!(error instanceof FaceparseError)) throw error;
    faults.push({ check: 'weights-unreadable', where, message: error.message });
    return [];
  }
}

/** A note on weights that, as their file says, did not start from random ones. */
function startNotes(origin: string | undefined, where: string): string[] {
  if (origin === undefined) return [];
  let chain: WeightsOrigin[];
  try {
    chain = originChain(checkOrigin(JSON.parse(origin), where));
  } catch (error) {
    if (!(error instanceof FaceparseError || error instanceof SyntaxError)) throw error;
    return [`${where} says where its weights come from, but not in a known form`];
  }
  const files = chain.filter(({ kind }) => kind === 'file').map(describeOrigin);
  if (files.length === 0) return [];
  const last = chain.at(-1)!;
  const first =
    last.kind === 'random' ? `which began with random weights (${describeOrigin(last)})` : 'whose own start is unknown';
  return [
    `the training of ${where} started from ${files.join(', from ')}, ${first}; pretrained weights are forbidden, weights of your own runs are not`,
  ];
}
