import { readdirSync, readFileSync } from 'node:fs';
import { defineConfig } from 'vitest/config';

/** What a test does to modules or to its process that the next file in the same process would see. */
const leavesTraces =
  /\b(?:register|define)[A-Z]\w*\(|\bvi\.(?:mock|doMock|hoisted|stub\w+|spyOn)\(|\bprocess\.(?:env\.\w+ = |chdir\()/;

/** Unit tests that need a process of their own; the others share one for each worker, which loads every module once. */
const alone = readdirSync(new URL('src/', import.meta.url), { recursive: true, encoding: 'utf8' })
  .map((name) => `src/${name.replaceAll('\\', '/')}`)
  .filter((name) => name.endsWith('.test.ts'))
  .filter((name) => leavesTraces.test(readFileSync(new URL(name, import.meta.url), 'utf8')));

export default defineConfig({
  test: {
    testTimeout: 60_000,
    hookTimeout: 120_000,
    pool: 'forks',
    maxWorkers: 2,
    // The first project runs first, its largest files first: the short files of the second keep both cores busy to the end.
    projects: [
      {
        extends: true,
        test: { name: 'isolated', include: ['test/**/*.test.ts', ...alone], globalSetup: 'test/shared-folder.ts' },
      },
      { extends: true, test: { name: 'unit', isolate: false, include: ['src/**/*.test.ts'], exclude: alone } },
    ],
  },
});
