import { execFile } from 'node:child_process';
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { expect, it } from 'vitest';
import { temporaryFolder } from '../dataset-fixture.ts';

const root = fileURLToPath(new URL('../../', import.meta.url));

async function readFolder(folder: string): Promise<Record<string, string>> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  const files = entries.filter((entry) => entry.isFile()).map(({ parentPath, name }) => join(parentPath, name));
  const texts = await Promise.all(
    files.map(async (file) => [file.slice(folder.length), await readFile(file, 'utf8')] as const),
  );
  return Object.fromEntries(texts.sort(([a], [b]) => (a < b ? -1 : 1)));
}

it('docs/api is what the docstrings give; otherwise run: node scripts/api-reference/generate.mjs', async () => {
  const folder = await temporaryFolder();
  const script = join(root, 'scripts', 'api-reference', 'generate.mjs');
  const { stderr } = await promisify(execFile)(process.execPath, [script, folder], { timeout: 170_000 });
  expect(stderr).toBe('');
  const made = await readFolder(folder);
  expect(Object.keys(made).length).toBeGreaterThan(5);
  expect(await readFolder(join(root, 'docs', 'api'))).toEqual(made);
}, 180_000);
