import { basename } from 'node:path';
import { openZip, type ZipArchive } from '../formats/zip-reader.ts';
import { FaceparseError } from '../text/errors.ts';
import {
  checkSubmission,
  type SubmissionCheck,
  type SubmissionCheckOptions,
  submissionLimits,
} from './check/check-submission.ts';
import { type CourseCheck, checkCourse } from './course-check/check-course.ts';
import { recogniseZip, type ZipKind } from './course-check/course-layout.ts';

/** A check of a zip, with the layout whose rules were applied. */
export type ZipCheck = { readonly layout: ZipKind } & CourseCheck & Partial<Pick<SubmissionCheck, 'ran'>>;

export interface ZipCheckOptions extends SubmissionCheckOptions {
  /** Matriculation number; if given, the rules of the course always apply. */
  readonly course?: string;
}

/**
 * Checks a zip by the rules of its layout, course or leaderboard.
 *
 * @throws FaceparseError (exit code 2) if the zip, the folder of test images or the given Python does not exist
 * @example const { layout, faults } = await checkZip({ zip: 'A12345678B.zip', test: 'data/test' })
 */
export async function checkZip({ course, ...options }: ZipCheckOptions): Promise<ZipCheck> {
  const { zip, test, signal } = options;
  let archive: ZipArchive;
  try {
    archive = await openZip(zip, submissionLimits);
  } catch (error) {
    if (!(error instanceof FaceparseError)) throw error;
    // Reports a bad file as a fault, and a missing file as wrong usage.
    const layout = course === undefined ? recogniseZip(basename(zip), []).kind : 'course';
    return { layout, ...(await checkSubmission(options)) };
  }
  try {
    const names = archive.entries.map(({ name }) => name);
    const { kind, sure } =
      course === undefined ? recogniseZip(basename(zip), names) : ({ kind: 'course', sure: true } as const);
    const notes = sure ? [] : [assumption(kind)];
    if (kind === 'leaderboard') {
      const result = await checkSubmission(options);
      return { layout: kind, ...result, notes: [...notes, ...result.notes] };
    }
    const given = { zip, test, ...(course !== undefined && { expectedId: course }), ...(signal && { signal }) };
    const result = await checkCourse(archive, given);
    return { layout: kind, ...result, notes: [...notes, ...result.notes] };
  } finally {
    archive.close();
  }
}

function assumption(kind: ZipKind): string {
  const force = kind === 'leaderboard' ? '; to apply the rules of the course, add --course NUMBER' : '';
  return `the layout is ambiguous (it has parts of both layouts, or of neither); checked as a ${kind} zip${force}`;
}
