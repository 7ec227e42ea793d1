import { type ChildProcess, fork, spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

/** With more room for young objects V8 collects less often, which saves a tenth of a child's processor time. */
const nodeOptions = ['--max-semi-space-size=64'];

/** The built command line; `npm test` builds it first. */
export const cliPath = fileURLToPath(new URL('../../dist/cli/main.js', import.meta.url));

const warmPath = fileURLToPath(new URL('./warm-cli.mjs', import.meta.url));

export interface CliResult {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

export interface RunOptions {
  readonly cwd?: string;
  readonly env?: Readonly<Record<string, string>>;
  readonly timeoutMs?: number;
  /** Another build than that of the clone. */
  readonly cli?: string;
  /** A program and its words that start node, such as a shell that sets limits. */
  readonly through?: readonly string[];
  /** Called with the running process, e.g. to send it a signal. */
  readonly onStart?: (child: ChildProcess) => void;
}

/**
 * Runs `faceparse` with arguments as a user does, in a process of its own without a terminal.
 *
 * A run that outlasts `timeoutMs` (default 240 s: machines can be busy) is killed, and the promise rejects with what was printed.
 *
 * @example const { code, stdout } = await runCli(['models', '--json']);
 */
export function runCli(words: readonly string[], options: RunOptions = {}): Promise<CliResult> {
  const { timeoutMs = 240_000, through = [], cli = cliPath } = options;
  if (!existsSync(cli)) throw new Error(`${cli} is missing; run: npm run build`);
  const env: NodeJS.ProcessEnv = { ...process.env, ...options.env };
  if (options.env?.FACEPARSE_DEBUG === undefined) delete env.FACEPARSE_DEBUG;
  return new Promise((resolve, reject) => {
    const [program, ...rest] = [...through, process.execPath, ...nodeOptions, cli, ...words];
    const child = spawn(program, rest, {
      env,
      stdio: ['ignore', 'pipe', 'pipe'],
      ...(options.cwd !== undefined && { cwd: options.cwd }),
    });
    let stdout = '';
    let stderr = '';
    child.stdout.setEncoding('utf8').on('data', (text: string) => {
      stdout += text;
    });
    child.stderr.setEncoding('utf8').on('data', (text: string) => {
      stderr += text;
    });
    const timer = setTimeout(() => {
      child.kill('SIGKILL');
      reject(new Error(`faceparse ${words.join(' ')} ran longer than ${timeoutMs} ms\n${stdout}\n${stderr}`));
    }, timeoutMs);
    child.on('error', reject);
    child.on('close', (code) => {
      clearTimeout(timer);
      resolve({ code, stdout, stderr });
    });
    options.onStart?.(child);
  });
}

/** The process of `askCli`, one for each test file. */
let warm: ChildProcess | undefined;
let last: Promise<unknown> = Promise.resolve();

/**
 * Runs `faceparse` as `runCli` does, but in a process that ran the commands before it, which saves loading the modules again.
 * For commands whose process is not what the test is about; those with variables, signals or limits need `runCli`.
 */
export function askCli(
  words: readonly string[],
  options: Pick<RunOptions, 'cwd' | 'timeoutMs'> = {},
): Promise<CliResult> {
  const answer = last.then(() => ask(words, options));
  last = answer.catch(() => undefined);
  return answer;
}

function ask(words: readonly string[], { cwd, timeoutMs = 240_000 }: RunOptions): Promise<CliResult> {
  if (!existsSync(cliPath)) throw new Error(`${cliPath} is missing; run: npm run build`);
  const env = { ...process.env };
  delete env.FACEPARSE_DEBUG;
  if (!warm) {
    warm = fork(warmPath, [cliPath], { env, execArgv: nodeOptions, stdio: ['ignore', 'pipe', 'pipe', 'ipc'] });
    // What commands print comes in messages; nobody else may fill the pipes.
    warm.stdout?.resume();
    warm.stderr?.resume();
  }
  const child = warm;
  const what = `faceparse ${words.join(' ')}`;
  return new Promise((resolve, reject) => {
    const settle = (): void => {
      clearTimeout(timer);
      child.off('message', answered).off('error', fail).off('exit', exited);
    };
    const fail = (error: Error): void => {
      settle();
      child.kill('SIGKILL');
      warm = undefined;
      reject(error);
    };
    const exited = (code: number | null, signal: string | null) =>
      fail(new Error(`${what} ended its process: ${code ?? signal}`));
    const answered = (result: CliResult): void => {
      settle();
      resolve(result);
    };
    const timer = setTimeout(() => fail(new Error(`${what} ran longer than ${timeoutMs} ms`)), timeoutMs);
    child.on('message', answered).on('error', fail).on('exit', exited);
    child.send({ words, cwd });
  });
}
