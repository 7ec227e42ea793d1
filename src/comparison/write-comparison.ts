import { readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { writeFileAtomic } from '../files/atomic-write.ts';
import { makeFolder } from '../files/make-folder.ts';
import type { Comparison } from './comparison.ts';
import { comparisonCharts, comparisonMarkdown } from './page/comparison-markdown.ts';
import { comparisonPage } from './page/comparison-page.ts';
import { panelSheet } from './page/panels.ts';
import { tableToCsv, tableToJson } from './tables/render-table.ts';
import type { Table } from './tables/table.ts';

/** The folders with the files of a comparison, and the names of the files in them. */
const fileNames = { tables: /^[\w-]+\.csv$/, charts: /^[\w-]+\.svg$/, images: /^panel-\d+\.png$/ } as const;
const folders = ['tables', 'charts', 'images'] as const;

/** Removes the files of an earlier comparison that this one does not have, such as the tables of a split that is gone. */
async function removeStale(folder: string, written: ReadonlySet<string>): Promise<void> {
  for (const below of folders) {
    for (const name of await readdir(join(folder, below))) {
      const path = `${below}/${name}`;
      if (fileNames[below].test(name) && !written.has(path)) await rm(join(folder, path), { force: true });
    }
  }
}

/** The tables of a comparison and what is not in them, for machines. */
export function comparisonToJson(comparison: Comparison, tables: readonly Table[]): object {
  const { title, question, labelSet, boundaryTolerance, command, version, runs, differences, panels } = comparison;
  return {
    title,
    ...(question !== undefined && { question }),
    labels: labelSet.name,
    classes: labelSet.classes.map(({ name }) => name),
    boundaryTolerance,
    command,
    version,
    tables: Object.fromEntries(tables.map((table) => [table.id, tableToJson(table)])),
    runs: runs.map(({ name, config, cost, measured, unfinished, machine, scores }) => ({
      name,
      ...(unfinished !== undefined && { unfinished }),
      machine,
      config,
      cost,
      ...(measured && { measured }),
      scores: scores.map(({ split, summary, f, boundaryF, images }) => ({
        split,
        f,
        boundaryF,
        ...summary,
        confusion: [...summary.confusion],
        perImage: images,
      })),
    })),
    differences,
    panels: panels.map(({ split, stem, reason }) => ({ split, stem, reason })),
  };
}

/**
 * Writes a comparison into a folder: `index.html` (one page, with everything inside), `comparison.md` with its pictures in
 * `images/` and `charts/`, `comparison.json`, and the tables in `tables/`.
 *
 * @returns the files that were written; the page comes first
 */
export async function writeComparison(
  folder: string,
  comparison: Comparison,
  tables: readonly Table[],
): Promise<string[]> {
  const names = comparison.runs.map(({ name }) => name);
  const csv = tables.map((table): [string, string] => [`tables/${table.id}.csv`, tableToCsv(table)]);
  const images: [string, Buffer][] = [];
  for (const [index, panel] of comparison.panels.entries()) {
    images.push([`images/panel-${index + 1}.png`, await panelSheet(panel, comparison.labelSet, names)]);
  }
  const charts = await comparisonCharts(comparison);
  const drawn = charts.map(({ id, svg }): [string, string] => [`charts/${id}.svg`, svg]);
  const links = {
    page: 'index.html',
    tables: Object.fromEntries(tables.map(({ id }, index) => [id, csv[index][0]])),
    charts: Object.fromEntries(charts.map(({ id }, index) => [id, drawn[index][0]])),
    panels: images.map(([path]) => path),
  };
  const files: readonly (readonly [string, string | Uint8Array])[] = [
    ...csv,
    ...images,
    ...drawn,
    ['comparison.md', comparisonMarkdown(comparison, tables, links, charts)],
    ['comparison.json', `${JSON.stringify(comparisonToJson(comparison, tables), null, 2)}\n`],
    ['index.html', await comparisonPage(comparison, tables)],
  ];
  for (const below of folders) {
    const path = join(folder, below);
    await makeFolder(path);
  }
  for (const [name, content] of files) await writeFileAtomic(join(folder, name), content);
  await removeStale(folder, new Set(files.map(([name]) => name)));
  return ['index.html', 'comparison.md', 'comparison.json', ...folders].map((name) => join(folder, name));
}
