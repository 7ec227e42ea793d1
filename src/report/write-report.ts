import { mkdir, readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { writeFileAtomic } from '../files/atomic-write.ts';
import { requireWritable } from '../files/require-writable.ts';
import { requirePackages, typesettingPackages } from '../packages/optional-packages.ts';
import { FaceparseError } from '../text/errors.ts';
import { type BuiltReport, buildReport, measureReport, mostPages, pdfName, sourceName } from './build-report.ts';
import { type GatherOptions, gatherFacts } from './facts/gather-facts.ts';
import { writeFigures } from './figures/write-figures.ts';
import { bibliographyName, type ReportDensity, reportSource } from './report-source.ts';
import { subjectKeywords } from './report-subject.ts';
import { type FallbackFont, fallbackFonts } from './typst/font-coverage.ts';
import { bibliography } from './typst/references.ts';
import { fontsFolder } from './typst/typst-compiler.ts';
import { requireUsableFonts } from './typst/usable-fonts.ts';

export interface WriteReportOptions extends GatherOptions {
  /** Output folder. */
  readonly out: string;
  /** Font file for characters in title and author that Arimo lacks; default installed Noto packages. */
  readonly font?: string;
  /** Whether to replace an existing report. */
  readonly force?: boolean;
}

/** A report that was written and built. */
export interface WrittenReport extends BuiltReport {
  /** All files of the figures. */
  readonly figures: readonly string[];
  /** F (per image) on the validation images; absent without them. */
  readonly fPerImage?: number;
}

async function requireFree({ out, force = false }: WriteReportOptions): Promise<void> {
  const names = await readdir(out).catch((error: NodeJS.ErrnoException): string[] => {
    if (error.code === 'ENOENT') return [];
    throw new FaceparseError(`cannot write to ${out}: ${error.message}; use a new folder`, {
      exitCode: 2,
      cause: error,
    });
  });
  const source = join(out, sourceName);
  if (names.includes(sourceName) && !force) {
    throw new FaceparseError(
      `${source} already exists and may have been edited; choose another --out (--force replaces it, --build only compiles it)`,
      { exitCode: 2 },
    );
  }
  if (names.length > 0 && !names.includes(sourceName)) {
    throw new FaceparseError(`${out} is not empty and contains no report; use a new folder`, { exitCode: 2 });
  }
  await requireWritable(source, { createsFolders: true });
}

/** Copies fallback fonts next to the source, so that it compiles on every machine; those of an earlier report are removed. */
async function writeFonts(folder: string, fonts: readonly FallbackFont[]): Promise<void> {
  const present = await readdir(folder).catch((): string[] => []);
  for (const name of present) if (/^fallback-\d+\.ttf$/.test(name)) await rm(join(folder, name));
  if (fonts.length > 0) await mkdir(folder, { recursive: true });
  for (const [index, { bytes }] of fonts.entries()) {
    await writeFileAtomic(join(folder, `fallback-${index + 1}.ttf`), bytes);
  }
}

/** The last page should be filled to at least this share. */
const leastFill = 0.5;

/** Writes the source, in the tight layout if that avoids a mostly empty last page or a page over the limit. */
export async function writeSource(out: string, sourceOf: (density: ReportDensity) => string): Promise<void> {
  const write = async (density: ReportDensity) => {
    const source = sourceOf(density);
    await writeFileAtomic(join(out, bibliographyName), bibliography(source));
    await writeFileAtomic(join(out, sourceName), source);
    return measureReport(out);
  };
  const { pages, lastPageFill } = await write('normal');
  if (pages <= mostPages && (pages === 1 || lastPageFill >= leastFill)) return;
  if ((await write('tight')).pages >= pages) await write('normal');
}

/**
 * Writes a report about a run, compared with others: `OUT/report.typ` (to be edited), `OUT/references.bib`, `OUT/figures/`
 * and `OUT/report.pdf`. The weights are evaluated on DATA/val; without data, the report says so.
 *
 * @throws FaceparseError for a folder that is not a run, characters without a font, unusable data, or a report of more than five
 *   pages (its source is kept)
 * @example const { pdf } = await writeReport({ run: 'runs/flagship', data: 'data', out: 'report' })
 */
export async function writeReport(options: WriteReportOptions): Promise<WrittenReport> {
  const { out } = options;
  requirePackages('a report', [...typesettingPackages, 'echarts']);
  const fonts = fallbackFonts(options, options.font);
  await requireUsableFonts(fonts, [options.title, options.author, options.id].join(' '));
  await requireFree(options);
  const facts = await gatherFacts(options);
  const figures = await writeFigures(out, facts);
  const keywords = await subjectKeywords(options.run, facts.network.file, options.id);
  const families = [...new Set(fonts.map(({ family }) => family))];
  await writeFonts(join(out, fontsFolder), fonts);
  await writeSource(out, (density) => reportSource({ ...facts, figures }, { density, keywords, families }));
  // If this report cannot be compiled, an older PDF must not look like its result.
  await rm(join(out, pdfName), { force: true });
  const built = await buildReport(out);
  const { failures, ...single } = figures;
  return {
    ...built,
    figures: [...Object.values(single), ...failures].map((path) => join(out, path)),
    ...(facts.measured && { fPerImage: facts.measured.summary.fPerImage }),
  };
}
