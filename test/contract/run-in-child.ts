import { spawn } from 'node:child_process';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { expect } from 'vitest';

interface Report {
  readonly testResults: readonly {
    readonly name: string;
    readonly message: string;
    readonly assertionResults: readonly {
      readonly fullName: string;
      readonly status: string;
      readonly failureMessages: readonly string[];
    }[];
  }[];
}

/**
 * Runs tests of this folder in a process of their own, under other environment variables: libraries read those when a process
 * starts, and a fault of a driver would take this process along. Gives back the names of the tests that passed; those that
 * failed are told.
 */
export async function runInChild(
  file: string,
  pattern: string | undefined,
  environment: Readonly<Record<string, string>>,
): Promise<string[]> {
  const vitest = join(dirname(createRequire(import.meta.url).resolve('vitest/package.json')), 'vitest.mjs');
  const options = ['--reporter=json', '--maxWorkers=1', ...(pattern ? ['-t', pattern] : [])];
  const child = spawn(process.execPath, [vitest, 'run', `test/contract/${file}`, ...options], {
    cwd: join(import.meta.dirname, '../..'),
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { ...process.env, ...environment },
  });
  let written = '';
  let complaints = '';
  child.stdout.on('data', (data) => (written += data));
  child.stderr.on('data', (data) => (complaints += data));
  const code = await new Promise((resolve, reject) => child.on('error', reject).on('close', resolve));
  const start = written.indexOf('{"num');
  if (start < 0) throw new Error(`the tests in the child ended with ${code} and no report:\n${complaints}\n${written}`);
  const { testResults } = JSON.parse(written.slice(start)) as Report;
  const results = testResults.flatMap(({ assertionResults }) => assertionResults);
  const failures = [
    ...testResults.map(({ message }) => message).filter(Boolean),
    ...results
      .filter(({ status }) => status === 'failed')
      .map(({ fullName, failureMessages }) => `${fullName}: ${failureMessages.join('\n')}`),
  ];
  expect(failures.join('\n\n')).toBe('');
  expect(code, complaints).toBe(0);
  return results.filter(({ status }) => status === 'passed').map(({ fullName }) => fullName);
}
