import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { basename, resolve } from 'node:path';

/** What a report is about, as the keywords of its PDF record it. */
export interface ReportSubject {
  /** Name of the run's folder. */
  readonly run?: string;
  /** SHA-256 of the weights file, in hexadecimal. */
  readonly weights?: string;
  /** Matriculation number. */
  readonly id?: string;
}

/** SHA-256 of a weights file, in hexadecimal. */
export async function weightsDigest(file: string): Promise<string> {
  return createHash('sha256')
    .update(await readFile(file))
    .digest('hex');
}

/** Name of a run in keywords: plain ASCII, because PDF encodes other text differently. */
export function runName(run: string): string {
  return basename(resolve(run)).replace(/[^\w.-]/g, '_');
}

/** Keywords that record the run, its weights and the matriculation number of a report. */
export async function subjectKeywords(run: string, file: string, id: string | undefined): Promise<string[]> {
  const weights = await weightsDigest(file);
  return [`run ${runName(run)}`, `weights ${weights}`, ...(id === undefined ? [] : [`matriculation number ${id}`])];
}

/**
 * Reads the subject of a report from the keywords of its PDF; the fields are absent in a PDF made elsewhere.
 *
 * @example readSubject('run a, matriculation number A12345678B') // { run: 'a', id: 'A12345678B' }
 */
export function readSubject(keywords: string): ReportSubject {
  const run = /(?:^|, )run ([\w.-]+)(?:,|$)/.exec(keywords)?.[1];
  const weights = /(?:^|, )weights ([0-9a-f]{64})(?:,|$)/.exec(keywords)?.[1];
  const id = /(?:^|, )matriculation number (\w+)(?:,|$)/.exec(keywords)?.[1];
  return { ...(run && { run }), ...(weights && { weights }), ...(id && { id }) };
}
