#!/usr/bin/env node
import { CommanderError } from 'commander';
import { FaceparseError } from '../text/errors.ts';
import { withoutControls } from '../text/quoted-text.ts';
import { InterruptedError } from './command.ts';
import { createProgram } from './program.ts';

/** Read from argv directly, because usage errors occur before options are parsed. */
const debug = process.argv.includes('--debug') || process.env.FACEPARSE_DEBUG === '1';

/** Joins commander's "did you mean" to the error: errors of faceparse take one line. */
function usageError(text: string): string {
  const line = withoutControls(text)
    .trim()
    .replace(/^error: /, '')
    .replace(/\s*\n\s*/g, ' ');
  return `faceparse: ${line}\n`;
}

/** Commander has printed the version or the help, and ends by an error. */
function isAnswered({ code }: CommanderError): boolean {
  return /^commander\.(help|version)/.test(code);
}

/** Completes a usage error with what the user probably meant. Loading the keys of configurations for it takes a while. */
async function withHint(error: unknown): Promise<unknown> {
  if (!(error instanceof CommanderError) || isAnswered(error)) return error;
  const { usageMessage } = await import('./usage-hint.ts');
  return new CommanderError(error.exitCode, error.code, usageMessage(error, program, process.argv.slice(2)));
}

/** Prints an error on stderr and returns the exit code: 1 failure, 2 wrong usage, 130 interrupted. */
function report(error: unknown): number {
  if (error instanceof CommanderError) {
    // Its code for wrong usage is 1.
    if (!isAnswered(error)) process.stderr.write(usageError(error.message));
    return error.exitCode === 0 ? 0 : 2;
  }
  if (error instanceof InterruptedError) {
    process.stderr.write(`faceparse: ${error.message}\n`);
    return 130;
  }
  const text = withoutControls(error instanceof Error ? error.message : String(error));
  const oneLine = (part: string): string =>
    withoutControls(part)
      .trim()
      .replace(/\s*\n\s*/g, ' ');
  const message = oneLine(text);
  if (error instanceof FaceparseError) {
    const faults = error.faults.map((fault) => `  ${oneLine(fault)}\n`).join('');
    const first = error.faults.length > 0 ? oneLine(error.message.split('\n')[0]) : message;
    process.stderr.write(`faceparse: ${first}\n${faults}`);
  } else {
    const hint = debug ? '' : '; run again with --debug for a stack trace';
    process.stderr.write(`faceparse: unexpected error: ${message}${hint}\n`);
  }
  if (debug) process.stderr.write(withoutControls(traceOf(error)));
  return error instanceof FaceparseError ? error.exitCode : 1;
}

/** The stack frames without the message, which is already printed, and the full cause. */
function traceOf(error: unknown): string {
  if (!(error instanceof Error)) return '';
  const frames = (error.stack ?? '').split('\n').filter((line) => /^\s+at /.test(line));
  const cause = error.cause instanceof Error ? [`caused by ${error.cause.stack}`] : [];
  return `${[...frames, ...cause].join('\n')}\n`;
}

// `faceparse … | head` closes the pipe early; this is not an error.
for (const stream of [process.stdout, process.stderr]) {
  stream.on('error', (error: NodeJS.ErrnoException) => {
    process.exit(error.code === 'EPIPE' ? 0 : 1);
  });
}
process.on('uncaughtException', (error) => process.exit(report(error)));

const program = createProgram();
try {
  await program.parseAsync();
} catch (error) {
  process.exitCode = report(await withHint(error));
}
// Remaining threads or timers must not keep the process alive; all output has been written.
setTimeout(() => process.exit(), 3000).unref();
