import { readdir } from 'node:fs/promises';
import { InvalidArgumentError } from 'commander';
import { FaceparseError } from '../text/errors.ts';
import { escapeControls, withoutControls } from '../text/quoted-text.ts';
import { Progress } from './progress.ts';

/** The option of every command with machine-readable output. */
export interface JsonOption {
  /** Prints one JSON document on stdout and nothing else. */
  readonly json?: boolean;
}

/** Help text of `--json`, the same everywhere. */
export const jsonHelp = 'print JSON instead of text';

/** Prints a result as text. Control characters, which file names may contain, are removed. */
export function printText(text: string): void {
  const plain = withoutControls(text);
  process.stdout.write(plain.endsWith('\n') ? plain : `${plain}\n`);
}

/** Prints a result as JSON. */
export function printJson(value: unknown): void {
  process.stdout.write(`${escapeControls(JSON.stringify(value, null, 2))}\n`);
}

/** Prints a line on stderr that is neither a result nor the final error. Line breaks, as in file names, become spaces. */
export function printNotice(line: string): void {
  process.stderr.write(`faceparse: ${withoutControls(line).replace(/\s*\n\s*/g, ' ')}\n`);
}

/** Prints notices, at most 100; the rest are counted. */
export function printNotices(lines: readonly string[]): void {
  const most = 100;
  for (const line of lines.slice(0, most)) printNotice(line);
  if (lines.length > most) printNotice(`… and ${lines.length - most} more; use --json for all`);
}

/** The work stopped because the user asked. */
export class InterruptedError extends Error {
  /** @param consequence what the user should know or do */
  constructor(consequence?: string) {
    super(consequence === undefined ? 'interrupted' : `interrupted ${consequence}`);
    this.name = 'InterruptedError';
  }
}

/**
 * Runs work that Ctrl-C (or SIGTERM) can stop. The first signal aborts with an InterruptedError as the reason; the
 * second ends the process with exit code 130. Work may check the signal and return early to keep its results.
 *
 * @example await withInterrupt((signal) => checkDataset(folder, set, { signal }));
 */
export async function withInterrupt<Result>(work: (signal: AbortSignal) => Promise<Result>): Promise<Result> {
  const controller = new AbortController();
  const interrupt = (): void => {
    if (controller.signal.aborted) process.exit(130);
    process.stderr.write(
      `${process.stderr.isTTY ? '\r\x1b[2K' : ''}faceparse: finishing …; press Ctrl-C again to stop at once\n`,
    );
    controller.abort(new InterruptedError());
  };
  process.on('SIGINT', interrupt).on('SIGTERM', interrupt);
  try {
    return await work(controller.signal);
  } finally {
    process.off('SIGINT', interrupt).off('SIGTERM', interrupt);
  }
}

/** What `runTask` passes to the work. */
export interface TaskControls {
  readonly signal: AbortSignal;
  readonly onProgress: (done: number, total: number) => void;
}

/**
 * Runs interruptible work with its progress on stderr: a bar on a terminal, lines elsewhere or with `json`.
 *
 * @example await runTask('checking', { json: true }, (controls) => checkDataset(folder, set, controls));
 */
export async function runTask<Result>(
  label: string,
  options: JsonOption,
  work: (controls: TaskControls) => Promise<Result>,
): Promise<Result> {
  const progress = new Progress(label, { plain: options.json === true });
  try {
    return await withInterrupt((signal) => work({ signal, onProgress: (done, total) => progress.update(done, total) }));
  } finally {
    progress.finish();
  }
}

/** Makes the parser of an option that takes a whole number; commander turns its error into a usage error. */
export function wholeNumber(least: number, most: number): (text: string) => number {
  return (text) => {
    const value = Number(text);
    if (!/^-?\d+$/.test(text) || value < least || value > most) {
      throw new InvalidArgumentError(`It must be a whole number from ${least} to ${most}.`);
    }
    return value;
  };
}

/** Checks, before long work, that the output folder is missing or empty. */
export async function requireFreeFolder(folder: string): Promise<void> {
  const names = await readdir(folder).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return [];
    const reason = error.code === 'ENOTDIR' ? 'it is a file' : error.message;
    throw new FaceparseError(`cannot write to ${folder}: ${reason}; use a new folder`, { exitCode: 2, cause: error });
  });
  if (names.length > 0) {
    throw new FaceparseError(`${folder} exists and is not empty; use a new folder, or remove it first`, {
      exitCode: 2,
    });
  }
}
