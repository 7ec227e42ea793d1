import { type ChildProcess, spawn } from 'node:child_process';
import { tmpdir } from 'node:os';
import { resolve, sep } from 'node:path';
import { FaceparseError } from '../../text/errors.ts';
import { withoutControls } from '../../text/quoted-text.ts';

/** How a process ended. */
export interface ProcessResult {
  /** `missing` where the program could not be started. */
  readonly ending: 'exited' | 'timed-out' | 'missing';
  /** Exit code; null where a signal ended it. */
  readonly code: number | null;
  /** Name of the signal that ended it. */
  readonly killedBy: string | null;
  /** The last lines that it wrote to stderr. */
  readonly errorTail: string;
}

const tailLength = 2000;
const tailLines = 8;
/** A child of the child may hold the pipe open after both were killed. */
const graceMilliseconds = 1000;
/** What Python and the libraries need to be found; nothing that changes what they do, and no secrets. */
const passedOn = ['PATH', 'HOME', 'LD_LIBRARY_PATH', 'VIRTUAL_ENV', 'CONDA_PREFIX', 'SYSTEMROOT', 'USERPROFILE'];

/**
 * Runs a program without input or terminal, in a small environment; it is killed with all its children after the time
 * limit, or when the signal aborts (which then throws the signal's reason). A relative path is one of this process, not of
 * the folder.
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

/** Makes sure that a program can be started, before anything is done. @throws FaceparseError (exit code 2) */
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
    // All of the group have ended already, or the system has no groups.
    child.kill('SIGKILL');
  }
}

function lastLines(text: string): string {
  return withoutControls(text).trim().split('\n').slice(-tailLines).join('\n');
}
