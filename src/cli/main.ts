#!/usr/bin/env node
import { CommanderError } from 'commander';
import { FaceparseError } from '../text/errors.ts';
import { withoutControls } from '../text/quoted-text.ts';
import { InterruptedError } from './command.ts';
import { createProgram } from './program.ts';

/** Looked up by hand, since errors of the command line itself come before its options are known. */
const debug = process.argv.includes('--debug') || process.env.FACEPARSE_DEBUG === '1';

/** One line, as all errors of faceparse are; commander puts its "did you mean" on a line of its own. */
function usageError(text: string): string {
  const line = withoutControls(text)
    .trim()
    .replace(/^error: /, '')
    .replace(/\s*\n\s*/g, ' ');
  return `faceparse: ${line}\n`;
}

/** The same error, which says how to set the key of the configuration that an unknown option is meant to be. */
async function withHint(error: unknown): Promise<unknown> {
  if (!(error instanceof CommanderError) || error.code !== 'commander.unknownOption') return error;
  const { optionHint } = await import('./option-hint.ts');
  const hint = optionHint(error.message, process.argv.slice(2));
  return hint ? new CommanderError(error.exitCode, error.code, `${error.message.split('\n')[0]}; ${hint}`) : error;
}

/** Says on stderr what went wrong and returns the exit code: 1 the work failed, 2 wrong use, 130 interrupted. */
function report(error: unknown): number {
  if (error instanceof CommanderError) {
    // Commander has printed the version or the help; its code for wrong use is 1.
    if (!/^commander\.(help|version)/.test(error.code)) process.stderr.write(usageError(error.message));
    return error.exitCode === 0 ? 0 : 2;
  }
  if (error instanceof InterruptedError) {
    process.stderr.write('faceparse: interrupted\n');
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
    const hint = debug ? '' : '; run again with --debug to see where';
    process.stderr.write(`faceparse: unexpected error: ${message}${hint}\n`);
  }
  if (debug) process.stderr.write(withoutControls(traceOf(error)));
  return error instanceof FaceparseError ? error.exitCode : 1;
}

/** The frames below the message, which is printed already, and the whole of what caused the error. */
function traceOf(error: unknown): string {
  if (!(error instanceof Error)) return '';
  const frames = (error.stack ?? '').split('\n').filter((line) => /^\s+at /.test(line));
  const cause = error.cause instanceof Error ? [`caused by ${error.cause.stack}`] : [];
  return `${[...frames, ...cause].join('\n')}\n`;
}

// `faceparse … | head` closes the pipe early: that is no error, and nobody reads on.
for (const stream of [process.stdout, process.stderr]) {
  stream.on('error', (error: NodeJS.ErrnoException) => {
    process.exit(error.code === 'EPIPE' ? 0 : 1);
  });
}
process.on('uncaughtException', (error) => process.exit(report(error)));

try {
  await createProgram().parseAsync();
} catch (error) {
  process.exitCode = report(await withHint(error));
}
// Whatever threads or timers are left must not keep the process; by then all output has been written.
setTimeout(() => process.exit(), 3000).unref();
