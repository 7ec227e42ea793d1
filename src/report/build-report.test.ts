import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { exists } from '../files/path-kind.ts';
import { buildReport } from './build-report.ts';
import { typstString } from './typst/typst-text.ts';

let folder: string;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'build-report-'));
});

afterEach(() => rm(folder, { recursive: true }));

async function write(...lines: string[]): Promise<void> {
  await writeFile(
    join(folder, 'report.typ'),
    ['#set page(paper: "a4")', '#set text(font: "Arimo")', ...lines].join('\n'),
  );
}

describe('buildReport', () => {
  it('produces the same bytes for the same source and different ones after an edit', async () => {
    // Without it, the PDF holds the second of its creation.
    await write('#set document(date: none)', '= One', 'text $x^2$');
    const { pdf, pages } = await buildReport(folder);
    expect(pages).toBe(1);
    const first = await readFile(pdf);
    await buildReport(folder);
    expect(await readFile(pdf)).toEqual(first);
    await write('#set document(date: none)', '= One', 'other text', '#pagebreak()', '= Two');
    expect((await buildReport(folder)).pages).toBe(2);
    expect(await readFile(pdf)).not.toEqual(first);
  });

  it('refuses more than five pages and lists the lengths of the sections', async () => {
    const pages = (count: number) => '#pagebreak()\n'.repeat(count);
    await write('= Short', pages(1), '= The _long_ one', pages(4), '= End', 'text');
    const error = await buildReport(folder).catch((caught) => caught);
    expect(error.exitCode).toBe(1);
    expect(error.message).toMatch(
      /has 6 pages, but 5 are allowed; pages by section: Short 1\.0, The long one 4\.0, End 0\.\d; the longest is The long one\. Shorten .*report\.typ/,
    );
    expect(await exists(join(folder, 'report.typ'))).toBe(true);
    expect(await exists(join(folder, 'report.pdf'))).toBe(false);
  });

  it.each([
    ['an unknown function', '#nonsense()', /report\.typ:3: unknown variable: nonsense; fix the line/],
    ['a missing figure', '#image("figures/none.svg")', /report\.typ:3: file not found/],
    ['a package', '#import "@preview/cetz:0.3.0": canvas', /report\.typ:3: Typst packages are not available/],
    ['a package behind a string', '#let x = "a"; #import "@preview/cetz:0.3.0"', /report\.typ:3: Typst packages/],
    ['a file outside', '#read("../../etc/passwd")', /report\.typ:3: /],
  ])('reports the line of %s', async (_, line, message) => {
    await write(line);
    await expect(buildReport(folder)).rejects.toThrow(message);
  });

  it('accepts a title that looks like a package', async () => {
    await write(`#set document(title: ${typstString('@preview/x:1.0.0 "@preview/x:1.0.0"')}, date: none)`, 'text');
    expect((await buildReport(folder)).pages).toBe(1);
  });

  it('refuses packages in the other files of the folder, too', async () => {
    await write('#include "parts/one.typ"');
    await mkdir(join(folder, 'parts'));
    await writeFile(join(folder, 'parts', 'one.typ'), 'text\n\n#import "@local/mine:1.0.0": *\n');
    await expect(buildReport(folder)).rejects.toThrow(/parts\/one\.typ:3: Typst packages are not available/);
  });

  it('measures the last section up to the end of its text', async () => {
    const pages = '#pagebreak()\n'.repeat(5);
    await write('= Long', pages, 'text', '#v(20cm)', '#pagebreak(weak: true)', '= Short', 'text');
    await expect(buildReport(folder)).rejects.toThrow(/Long 6\.0, Short 0\.0; the longest is Long\./);
  });

  it('returns the warnings of the compiler', async () => {
    await write('#set text(font: "Arimoo")', 'text');
    const { warnings } = await buildReport(folder);
    expect(warnings).toEqual([expect.stringMatching(/report\.typ:3: unknown font family: arimoo$/)]);
    await write('text');
    expect((await buildReport(folder)).warnings).toEqual([]);
  });

  it('requires a source', async () => {
    await expect(buildReport(folder)).rejects.toMatchObject({
      exitCode: 2,
      message: expect.stringMatching(/no report\.typ/),
    });
    await writeFile(join(folder, 'report.typ'), new Uint8Array(2 ** 22 + 1));
    await expect(buildReport(folder)).rejects.toThrow(/4194305 bytes/);
  });
});
