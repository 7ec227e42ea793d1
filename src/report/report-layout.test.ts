import { execFileSync, spawnSync } from 'node:child_process';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { temporaryFolder } from '../../test/dataset-fixture.ts';
import { reportFacts } from '../../test/report-fixture.ts';
import { measureReport } from './build-report.ts';
import { writeFigures } from './figures/write-figures.ts';
import { reportSource } from './report-source.ts';
import { bibliography } from './typst/references.ts';
import { compileDocument } from './typst/typst-compiler.ts';
import { writeSource } from './write-report.ts';

const hasPoppler = spawnSync('pdftotext', ['-v']).error === undefined;

/** Facts, figures and bibliography of a report whose source is still to be written. */
async function prepare() {
  const out = join(await temporaryFolder(), 'report');
  await mkdir(out);
  const facts = reportFacts(['loss.lovasz=1']);
  const withFigures = { ...facts, figures: await writeFigures(out, facts) };
  const source = reportSource(withFigures);
  await writeFile(join(out, 'references.bib'), bibliography(source));
  return { out, facts: withFigures, source };
}

/** The text of every page of a report. */
async function pagesOf(out: string, source: string): Promise<string[]> {
  await writeFile(join(out, 'report.typ'), source);
  const pdf = join(out, 'pages.pdf');
  await writeFile(pdf, (await compileDocument(out, 'report.typ')).pdf());
  return execFileSync('pdftotext', [pdf, '-'], { encoding: 'utf8' }).split('\f').slice(0, -1);
}

/** Sentences around the same equation, and the first and last work of the references. */
const pairs = [
  ['The metric compares true', 'is the set of classes in'],
  ['Soft Dice [', 'however few pixels the class has'],
  ['References', 'Averaging. SIAM Journal'],
] as const;

/** The pairs whose parts are on two pages. */
function parted(pages: readonly string[]): string[] {
  const pageOf = (text: string) => {
    const page = pages.findIndex((one) => one.replaceAll('\u00ad\n', '').replace(/\s+/g, ' ').includes(text));
    expect(page, text).toBeGreaterThanOrEqual(0);
    return page;
  };
  return pairs.filter(([first, second]) => pageOf(first) !== pageOf(second)).map(([first]) => first);
}

describe.skipIf(!hasPoppler)('page breaks (needs pdftotext of poppler)', { timeout: 120_000 }, () => {
  it('keep equations with their sentences and references together', async () => {
    const { out, source } = await prepare();
    const withSpace = (centimetres: number) => source.replace('= Summary', `#v(${centimetres}cm)\n\n= Summary`);
    const partedWithout = new Set<string>();
    for (let space = 0; space < 24; space += 2.5) {
      expect(parted(await pagesOf(out, withSpace(space))), `${space} cm`).toEqual([]);
      const breakable = withSpace(space).replaceAll('breakable: false', 'breakable: true');
      for (const pair of parted(await pagesOf(out, breakable))) partedWithout.add(pair);
    }
    // What the report would look like otherwise.
    expect(partedWithout.size).toBeGreaterThanOrEqual(2);
  });
});

describe('writeSource', { timeout: 120_000 }, () => {
  it('uses the tight layout if that avoids a mostly empty last page, otherwise the normal one', async () => {
    const { out, facts, source } = await prepare();
    await writeSource(out, (density) => reportSource(facts, { density }));
    expect(await readFile(join(out, 'report.typ'), 'utf8')).toBe(source);
    const { pages } = await measureReport(out);
    // A run that was resumed so often has a summary that pushes the references to another page.
    const resumes = Array.from({ length: 24 }, (_, index) => ({
      step: index + 1,
      cpu: 'a processor',
      engine: { name: index % 2 === 0 ? 'onnx' : 'native', device: 'cpu', threads: 2 },
    }));
    const environment = { ...facts.run.environment, resumes };
    const longer = { ...facts, run: { ...facts.run, environment } };
    await writeFile(join(out, 'report.typ'), reportSource(longer));
    expect((await measureReport(out)).pages).toBe(pages + 1);
    await writeSource(out, (density) => reportSource(longer, { density }));
    expect(await readFile(join(out, 'report.typ'), 'utf8')).toBe(reportSource(longer, { density: 'tight' }));
    expect((await measureReport(out)).pages).toBe(pages);
  });
});
