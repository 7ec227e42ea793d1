import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, it } from 'vitest';

const root = fileURLToPath(new URL('../../', import.meta.url));

/** The cells of the tables of a document, without rules. */
function tableRows(text: string): string[][] {
  const lines = text.split('\n').filter((line) => line.startsWith('| ') && !/^[| :-]+$/.test(line));
  return lines.map((line) => line.split('|').slice(1, -1));
}

it('docs/zoo.md has the networks, their parameters and their cost', () => {
  const text = readFileSync(join(root, 'docs', 'zoo.md'), 'utf8');
  const [command] = /^node bench\/zoo-table\.mjs .*> docs\/zoo\.md$/m.exec(text)!;
  // Without measurements: the rows of the document may end with times and memory.
  const made = execFileSync(process.execPath, [join(root, 'bench', 'zoo-table.mjs')], { encoding: 'utf8' });
  const known = tableRows(text);
  const stale = tableRows(made).filter(
    (row) => !known.some((other) => row.every((cell, column) => cell === other[column])),
  );
  expect(stale, `docs/zoo.md lacks these rows; run: node scripts/build.mjs && ${command}`).toEqual([]);
  const names = (rows: string[][]) => new Set(rows.map(([name]) => name));
  expect(names(known), `docs/zoo.md lists other networks; run: ${command}`).toEqual(names(tableRows(made)));
  // The prose before the parameters.
  const start = (document: string) => document.slice(0, document.indexOf('\n## '));
  expect(start(text), `docs/zoo.md is out of date; run: node scripts/build.mjs && ${command}`).toBe(start(made));
});
