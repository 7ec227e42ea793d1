import { readFile } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { z } from 'zod';
import { writeFileAtomic } from '../files/atomic-write.ts';
import { makeFolder } from '../files/make-folder.ts';
import { exists } from '../files/path-kind.ts';
import type { StudyRun } from './load-study.ts';

/** The file of titles by `GROUP/VARIANT`, in the folder of a study's runs. */
const fileName = 'titles.json';

const titlesSchema = z.record(z.string(), z.string());

async function readTitles(out: string): Promise<Record<string, string>> {
  const file = join(out, fileName);
  if (!(await exists(file))) return {};
  try {
    return titlesSchema.parse(JSON.parse(await readFile(file, 'utf8')));
  } catch {
    // Titles only describe runs; a damaged file must not block training or reports.
    return {};
  }
}

/** Writes the titles of the variants to the folder of the runs, for reports; titles of other variants are kept. */
export async function saveStudyTitles(out: string, runs: readonly StudyRun[]): Promise<void> {
  const titles = runs.map(({ group, variant }) => [`${group.name}/${variant.name}`, variant.title] as const);
  const all = { ...(await readTitles(out)), ...Object.fromEntries(titles) };
  await makeFolder(out);
  await writeFileAtomic(join(out, fileName), `${JSON.stringify(all, undefined, 2)}\n`);
}

/** The title of a run's variant in its study; undefined for a run outside any study. */
export async function studyTitleOf(runFolder: string): Promise<string | undefined> {
  const group = dirname(runFolder);
  const variant = basename(runFolder).replace(/-s\d+$/, '');
  const titles = await readTitles(dirname(group));
  return titles[`${basename(group)}/${variant}`];
}
