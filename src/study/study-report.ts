import { readFile } from 'node:fs/promises';
import { basename, dirname, extname, join } from 'node:path';
import { tableToCsv } from '../comparison/tables/render-table.ts';
import { writeFileAtomic } from '../files/atomic-write.ts';
import { makeFolder } from '../files/make-folder.ts';
import { FaceparseError } from '../text/errors.ts';
import { studyChart } from './study-chart.ts';
import { markdownReport, studyRunsTable } from './study-table.ts';
import type { GroupSummary } from './summary.ts';

function countOf(text: string, part: string): number {
  return text.split(part).length - 1;
}

/**
 * Replaces the text between the markers `<!-- study:begin NAME -->` and `<!-- study:end NAME -->` of a document. If the
 * document has no markers, a section with this title is appended.
 *
 * @throws FaceparseError if a marker is missing or duplicated, or the end comes first
 *
 * @example replaceSection('# Study\n', { name: 'recipe', title: 'The recipe' }, '| … |')
 */
export function replaceSection(document: string, group: { name: string; title: string }, text: string): string {
  const [begin, end] = [`<!-- study:begin ${group.name} -->`, `<!-- study:end ${group.name} -->`];
  const section = `${begin}\n\n${text}\n\n${end}`;
  const counts = [countOf(document, begin), countOf(document, end)];
  if (counts[0] === 0 && counts[1] === 0) {
    return `${document.trimEnd()}${document.trim() === '' ? '' : '\n\n'}## ${group.title}\n\n${section}\n`;
  }
  const [start, stop] = [document.indexOf(begin), document.indexOf(end)];
  if (counts[0] !== 1 || counts[1] !== 1 || stop < start) {
    throw new FaceparseError(`'${begin}' and '${end}' must each occur once, in this order`);
  }
  return document.slice(0, start) + section + document.slice(stop + end.length);
}

async function readDocument(path: string): Promise<string> {
  return readFile(path, 'utf8').catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return '# Study\n';
    throw new FaceparseError(`cannot read ${path}: ${error.message}`, { exitCode: 2, cause: error });
  });
}

/**
 * Writes the tables of a study into a Markdown file, between its markers. A folder of the same name gets a CSV file and a
 * chart per group: `docs/study.md`, `docs/study/recipe.csv`, `docs/study/recipe.svg`.
 *
 * @returns the files that were written
 */
export async function writeStudyReport(file: string, summaries: readonly GroupSummary[]): Promise<string[]> {
  const folder = basename(file, extname(file));
  const path = join(dirname(file), folder);
  let document = await readDocument(file);
  const files: [string, string][] = [];
  for (const summary of summaries) {
    const { group } = summary;
    const chart = await studyChart(summary);
    const links = { table: `${folder}/${group.name}.csv`, ...(chart && { chart: `${folder}/${group.name}.svg` }) };
    try {
      document = replaceSection(document, group, markdownReport(summary, links));
    } catch (error) {
      throw new FaceparseError(`${file}: ${(error as Error).message}`, { exitCode: 2, cause: error });
    }
    files.push([join(path, `${group.name}.csv`), tableToCsv(studyRunsTable(summary))]);
    if (chart) files.push([join(path, `${group.name}.svg`), chart]);
  }
  await makeFolder(path);
  files.push([file, document]);
  for (const [name, text] of files) await writeFileAtomic(name, text);
  return files.map(([name]) => name);
}
