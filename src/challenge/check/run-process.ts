import { type ChildProcess, spawn } from 'node:child_process';
import { tmpdir } from 'node:os';
import { resolve, sep } from 'node:path';
import { FaceparseError } from '../../text/errors.ts';
import { withoutControls } from '../../text/quoted-text.ts';

/** How a process ended. */
export interface ProcessResult {
  /** `missing` if the program could not be started. */
  readonly ending: 'exited' | 'timed-out' | 'missing';
  /** Exit code; null if the process was killed by a signal. */
  readonly code: number | null;
  /** Name of the signal that killed the process. */
  readonly killedBy: string | null;
  /** The last lines of stderr. */
  readonly errorTail: string;
}

const tailLength = 2000;
const tailLines = 8;
/** A grandchild may keep the pipe open after both were killed. */
const graceMilliseconds = 1000;
/** Variables needed to find Python and its libraries; none that change their behaviour, and no secrets. */
const passedOn = ['PATH', 'HOME', 'LD_LIBRARY_PATH', 'VIRTUAL_ENV', 'CONDA_PREFIX', 'SYSTEMROOT', 'USERPROFILE'];

/**
 * Runs a program without input or terminal, with a minimal environment. The program and its children are killed after the
 * time limit, or when the signal aborts (this throws the signal's reason). A relative path is resolved against the working
 * directory of this process, not against `folder`.
 *
 * @example await runProcess('python3', ['run.py'], { folder, temporary, seconds: 300 })
 */
export async function runProcess(
  program: string,
  args: readonly string[],
  options: {
    readonly folder: string;
    readonly temporary: string;
    readonly seconds: number;
    readonly signal?: AbortSignal;
  },
): Promise<ProcessResult> {
  const { folder, temporary, seconds, signal } = options;
  signal?.throwIfAborted();
  const child = spawn(located(program), args, {
    cwd: folder,
    env: environment(temporary),
    stdio: ['ignore', 'ignore', 'pipe'],
    // Its own group of processes, so that its children are killed with it.
    detached: true,
  });
  let timedOut = false;
  const limit = setTimeout(() => {
    timedOut = true;
    killGroup(child);
  }, seconds * 1000);
  const abort = () => killGroup(child);
  signal?.addEventListener('abort', abort);
  try {
    const result = await ending(child);
    signal?.throwIfAborted();
    return timedOut ? { ...result, ending: 'timed-out' } : result;
  } finally {
    clearTimeout(limit);
    signal?.removeEventListener('abort', abort);
  }
}

/** Checks that a program can be started. @throws FaceparseError (exit code 2) */
export async function requireProgram(program: string, signal?: AbortSignal): Promise<void> {
  const options = { folder: tmpdir(), temporary: tmpdir(), seconds: 60, ...(signal && { signal }) };
  const { ending } = await runProcess(program, ['--version'], options);
  if (ending !== 'missing') return;
  throw new FaceparseError(`${program} cannot be started; pass the path of an installed Python`, {
    exitCode: 2,
  });
}

/** A name without a separator is looked up on the PATH. */
function located(program: string): string {
  return program.includes('/') || program.includes(sep) ? resolve(program) : program;
}

function environment(temporary: string): Record<string, string> {
  const kept = passedOn.flatMap((name) => (process.env[name] === undefined ? [] : [[name, process.env[name]]]));
  return { ...Object.fromEntries(kept), LANG: 'C.UTF-8', TMPDIR: temporary, PYTHONDONTWRITEBYTECODE: '1' };
}

function ending(child: ChildProcess): Promise<ProcessResult> {
  return new Promise((resolve) => {
    let errors = '';
    child.stderr?.setEncoding('utf8').on('data', (part: string) => {
      errors = (errors + part).slice(-tailLength);
    });
    child.once('error', () => resolve({ ending: 'missing', code: null, killedBy: null, errorTail: '' }));
    child.once('exit', () => {
      killGroup(child);
      setTimeout(() => child.stderr?.destroy(), graceMilliseconds).unref();
    });
    child.once('close', (code, killedBy) => {
      resolve({ ending: 'exited', code, killedBy, errorTail: lastLines(errors) });
    });
  });
}

function killGroup(child: ChildProcess): void {
  if (child.pid === undefined) return;
  try {
    process.kill(-child.pid, 'SIGKILL');
  } catch {
    // The whole group has already ended, or the system has no process groups.
    child.kill('SIGKILL');
  }
}

function lastLines(text: string): string {
  return withoutControls(text).trim().split('\n').slice(-tailLines).join('\n');
}
