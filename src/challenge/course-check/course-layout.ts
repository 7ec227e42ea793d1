import { isMatriculationNumber } from '../../text/matriculation-number.ts';
import { type Fault, nameFirst } from '../check/fault.ts';
import { groupBy } from '../check/group-by.ts';
import { challengeRules } from '../rules.ts';

/** The parts of a course zip, as names of entries. */
export interface CourseLayout {
  readonly faults: readonly Fault[];
  readonly notes: readonly string[];
  readonly report?: string;
  readonly readme?: string;
  /** Masks by image stem. */
  readonly masks: ReadonlyMap<string, string>;
  readonly code: readonly string[];
  readonly weights: readonly string[];
  /** Matriculation number in the name of the zip. */
  readonly id?: string;
}

const codeFile = /\.(py|ipynb|[cm]?[jt]sx?|c|cc|cpp|h|hpp|cu|m|jl|r|java|rs|go|sh)$/i;
const weightsFile = /\.(pth|pt|th|ckpt|pkl|pickle|safetensors|onnx|h5|hdf5|npz|tflite)$/i;
const pictures = /\.(png|jpe?g|webp|bmp|gif|tiff?)$/i;
const litter = /(^|\/)(__MACOSX\/|__pycache__\/|node_modules\/|\.git\/|(\.DS_Store|Thumbs\.db)$)/i;

export type ZipKind = 'course' | 'leaderboard';

/**
 * Recognises the layout of a zip from the names of its files and its own; `sure` is false if it has parts of both or neither.
 *
 * @example recogniseZip('submission.zip', ['masks/0.png', 'solution/run.py']) // { kind: 'leaderboard', sure: true }
 */
export function recogniseZip(zipName: string, names: readonly string[]): { kind: ZipKind; sure: boolean } {
  const any = (pattern: RegExp) => names.some((name) => !litter.test(name) && pattern.test(name));
  const leaderboard = [/^([^/]+\/)?masks\//, /^((?!code\/)[^/]+\/)?solution\//].filter(any).length;
  const course = [/^([^/]+\/)?readme(\.\w+)?$/i, /^([^/]+\/)?[^/]+\.pdf$/i, /^([^/]+\/)?(results|code|weights)\//i];
  const score = course.filter(any).length;
  if (score > 0 && leaderboard === 0) return { kind: 'course', sure: true };
  if (score === 0 && leaderboard > 0) return { kind: 'leaderboard', sure: true };
  const named = isMatriculationNumber(zipName.replace(/\.zip$/i, ''));
  return { kind: named || score > leaderboard ? 'course' : 'leaderboard', sure: false };
}

function missing(where: string, message: string): Fault {
  return { check: 'missing-file', where, message: `is missing; ${message}` };
}

function baseName(path: string): string {
  return path.slice(path.lastIndexOf('/') + 1);
}

/** A folder that contains everything, which the course does not forbid. */
function wrapperOf(names: readonly string[]): string {
  const [first = ''] = names;
  const prefix = first.slice(0, first.indexOf('/') + 1);
  return prefix !== '' && names.every((name) => name.startsWith(prefix)) ? prefix : '';
}

function findOne(names: readonly string[], wrapper: string, pattern: RegExp): string[] {
  return names.filter((name) => pattern.test(name.slice(wrapper.length)));
}

function maskFaults(names: readonly string[], stems: readonly string[], wrapper: string) {
  const wanted = new Set(stems);
  const images = names.filter((name) => pictures.test(name) && !name.slice(wrapper.length).startsWith('code/'));
  const stemOf = (name: string) => baseName(name).replace(/\.[^.]+$/, '');
  const folders = groupBy(images, (name) => name.slice(0, name.lastIndexOf('/') + 1));
  const hits = (group: readonly string[]) => group.filter((name) => wanted.has(stemOf(name))).length;
  const best = [...folders].sort(([, a], [, b]) => hits(b) - hits(a))[0];
  const faults: Fault[] = [];
  const masks = new Map<string, string>();
  const found = best && hits(best[1]) > 0 ? best[1] : [];
  const folder = found.length > 0 && best ? best[0] : `${wrapper}results/`;
  if (found.length > 0 && folder === wrapper) {
    const message = 'masks are at the top of the zip; move them into a subfolder, such as results/';
    faults.push({ check: 'masks-misplaced', where: nameFirst(found), message });
  }
  const renamed = found.filter((name) => wanted.has(stemOf(name)) && !name.endsWith(challengeRules.zip.maskExtension));
  for (const name of found) if (name.endsWith('.png') && wanted.has(stemOf(name))) masks.set(stemOf(name), name);
  const extra = found.filter((name) => !wanted.has(stemOf(name)));
  const absent = stems.filter((stem) => !masks.has(stem) && !renamed.some((name) => stemOf(name) === stem));
  if (renamed.length > 0) {
    const message = 'is not named .png; save the class ids as palette PNG';
    faults.push({ check: 'mask-extension', where: nameFirst(renamed), message });
  }
  if (absent.length > 0) {
    const message = `${absent.length} of ${stems.length} test images have no mask; add a mask with the name of the image for each`;
    faults.push({ check: 'missing-masks', where: nameFirst(absent.map((stem) => `${folder}${stem}.png`)), message });
  }
  if (extra.length > 0 && folder !== wrapper) {
    const message = 'no test image has this name; remove it';
    faults.push({ check: 'extra-masks', where: nameFirst(extra), message });
  }
  return { faults, masks };
}

/**
 * Compares the names in a zip with the layout of the course: a report in PDF, masks in a subfolder, code, weights, Readme.txt.
 *
 * @param zipName name of the zip, without folder
 * @param stems names without extension of the test images
 * @example inspectCourse('A12345678B.zip', ['report.pdf'], ['0']).faults // missing masks, code, weights and Readme.txt
 */
export function inspectCourse(zipName: string, all: readonly string[], stems: readonly string[]): CourseLayout {
  const names = all.filter((name) => !litter.test(name));
  const wrapper = wrapperOf(names);
  const top = (name: string) => name.slice(wrapper.length);
  const faults: Fault[] = [];
  const id = zipName.replace(/\.zip$/, '');
  const hasId = isMatriculationNumber(id) && zipName.endsWith('.zip');
  if (!hasId) {
    const message = 'is not named after a matriculation number; rename it, such as A12345678B.zip';
    faults.push({ check: 'zip-name', where: zipName, message });
  }
  const litterNames = all.filter((name) => litter.test(name));
  if (litterNames.length > 0) {
    const message = 'created by the operating system or a tool; exclude it from the zip';
    faults.push({ check: 'litter', where: nameFirst(litterNames), message });
  }
  const reports = findOne(names, wrapper, /^(?!code\/|weights\/|results\/).*\.pdf$/i);
  if (reports.length === 0) faults.push(missing('report.pdf', 'add the report, a PDF of at most 5 pages'));
  if (reports.length > 1) {
    const message = `${reports.length} PDFs could be the report; keep one`;
    faults.push({ check: 'several-reports', where: nameFirst(reports), message });
  }
  const readmes = findOne(names, wrapper, /^[^/]*readme[^/]*$/i);
  const readme = readmes.find((name) => top(name) === 'Readme.txt') ?? readmes[0];
  if (readme === undefined) {
    faults.push(
      missing('Readme.txt', 'describe the files, list the third-party libraries, and say which script to run'),
    );
  } else if (top(readme) !== 'Readme.txt') {
    faults.push({ check: 'readme-name', where: readme, message: 'the course asks for Readme.txt; rename it' });
  }
  const masks = maskFaults(names, stems, wrapper);
  const code = names.filter((name) => codeFile.test(name));
  if (code.length === 0) faults.push(missing('code/', 'add all code'));
  // Test fixtures among the code are not the submitted weights.
  const everywhere = names.filter((name) => weightsFile.test(name));
  const outside = everywhere.filter((name) => !top(name).startsWith('code/'));
  const weights = outside.length > 0 ? outside : everywhere;
  if (weights.length === 0) faults.push(missing('weights/', 'add the trained weights, such as weights/ckpt.pth'));
  return {
    faults: [...faults, ...masks.faults],
    notes: wrapper === '' ? [] : [`everything is inside the folder ${wrapper}; the course does not forbid that`],
    ...(reports[0] !== undefined && { report: reports[0] }),
    ...(readme !== undefined && { readme }),
    masks: masks.masks,
    code,
    weights,
    ...(hasId && { id }),
  };
}
