import { readFile } from 'node:fs/promises';
import type { PhotoFile } from '../data/dataset/find-photos.ts';
import { runFolder } from '../training/record/run-folder.ts';
import { courseReadme } from './course-readme.ts';
import type { Entry } from './entry.ts';
import { type MaskOptions, predictMasks } from './masks.ts';
import { solutionFiles } from './solution.ts';
import { sourceFiles } from './source-files.ts';
import { encodeZip } from './write-zip.ts';

/** What a course zip needs in addition to the run. */
export interface CourseOptions extends MaskOptions {
  /** Matriculation number. */
  readonly id: string;
  /** Bytes of the report. */
  readonly report: Uint8Array;
}

/** Builds the course zip: report, results, code, weights, Readme.txt. The same run produces the same bytes. */
export async function courseZip(
  entry: Entry,
  photos: readonly PhotoFile[],
  { id, report, ...options }: CourseOptions,
): Promise<Uint8Array> {
  const run = runFolder(entry.run);
  const files = new Map<string, Uint8Array | string>([
    ['report.pdf', report],
    ['run/config.yaml', await readFile(run.config)],
    ['run/metrics.csv', await readFile(run.metrics)],
    ['weights/best.safetensors', await readFile(entry.file)],
  ]);
  for (const [name, content] of solutionFiles(entry)) {
    files.set(name.endsWith('.pth') ? `weights/${name}` : `code/solution/${name}`, content);
  }
  const sources = await sourceFiles();
  for (const [path, bytes] of sources) files.set(`code/faceparse/${path}`, bytes);
  for (const [name, png] of await predictMasks(entry, photos, options)) files.set(`results/${name}`, png);
  const hasSources = [...sources.keys()].some((path) => path.startsWith('src/'));
  files.set('Readme.txt', courseReadme(entry, { id, masks: photos.length, hasSources }));
  return encodeZip(files);
}
