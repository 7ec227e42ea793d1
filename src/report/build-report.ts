import { readdir, readFile, stat } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { writeFileAtomic } from '../files/atomic-write.ts';
import { requirePackages, typesettingPackages } from '../packages/optional-packages.ts';
import { FaceparseError } from '../text/errors.ts';
import { lastPageFill, sectionLengths } from './section-lengths.ts';
import { type CompiledDocument, compileDocument } from './typst/typst-compiler.ts';

/** A report that was built. */
export interface BuiltReport {
  /** `FOLDER/report.typ`, its source. */
  readonly source: string;
  /** `FOLDER/report.pdf`. */
  readonly pdf: string;
  readonly pages: number;
  /** Compiler warnings, such as a missing font, each with file and line. */
  readonly warnings: readonly string[];
}

/** Page limit of the course. */
export const mostPages = 5;

export const sourceName = 'report.typ';
export const pdfName = 'report.pdf';
const largestSource = 4 * 2 ** 20;

async function requireSource(path: string, folder: string): Promise<void> {
  const found = await stat(path).catch(() => undefined);
  if (found?.isFile()) return;
  throw new FaceparseError(
    `${folder} contains no ${sourceName}; create one with faceparse report RUN --out ${folder}`,
    { exitCode: 2 },
  );
}

/** Refuses sources that name a Typst package: the compiler would download it, and this cannot be turned off. */
async function refusePackages(folder: string): Promise<void> {
  const names = await readdir(folder, { recursive: true });
  for (const name of names.filter((found) => found.endsWith('.typ')).sort()) {
    const path = join(folder, name);
    const found = await stat(path).catch(() => undefined);
    if (!found?.isFile()) continue;
    if (found.size > largestSource) {
      throw new FaceparseError(
        `${path} is ${found.size} bytes, too large for a report of ${mostPages} pages; shorten it`,
      );
    }
    const lines = (await readFile(path, 'utf8')).split('\n');
    const line = lines.findIndex((text) => /"@[\w-]+\/[\w-]+:/.test(text));
    if (line < 0) continue;
    throw new FaceparseError(
      `${path}:${line + 1}: Typst packages are not available; copy the code you need into the file`,
    );
  }
}

function tooLong(document: CompiledDocument, folder: string, path: string): FaceparseError {
  const sections = sectionLengths(document, folder, sourceName);
  const [first, ...others] = sections;
  const longest = others.reduce((most, section) => (section.pages > most.pages ? section : most), first);
  const listed = sections.map(({ title, pages }) => `${title} ${pages.toFixed(1)}`).join(', ');
  const lengths = first ? `; pages by section: ${listed}; the longest is ${longest.title}` : '';
  return new FaceparseError(
    `the report has ${document.pages} pages, but ${mostPages} are allowed${lengths}. ` +
      `Shorten ${path} and run faceparse report --build ${folder}`,
  );
}

/**
 * Compiles the report.typ of a folder into report.pdf in the same folder. The same source and figures produce the same bytes.
 *
 * @throws FaceparseError if the source is missing (exit code 2), has an error (the message names the line), or produces more
 *   than five pages (the message gives the length of each section)
 * @example const { pdf, pages } = await buildReport('report')
 */
export async function buildReport(folder: string): Promise<BuiltReport> {
  const source = join(folder, sourceName);
  requirePackages('building a report', typesettingPackages);
  await requireSource(source, folder);
  await refusePackages(folder);
  const document = await compileDocument(resolve(folder), sourceName);
  if (document.pages > mostPages) throw tooLong(document, resolve(folder), source);
  const pdf = join(folder, pdfName);
  await writeFileAtomic(pdf, document.pdf());
  return { source, pdf, pages: document.pages, warnings: document.warnings };
}

/** Measures the length of the compiled report.typ of a folder, without writing anything. */
export async function measureReport(folder: string): Promise<{ pages: number; lastPageFill: number }> {
  const document = await compileDocument(resolve(folder), sourceName);
  return { pages: document.pages, lastPageFill: lastPageFill(document, resolve(folder), sourceName) };
}
