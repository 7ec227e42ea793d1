import { join, resolve } from 'node:path';
import { resolveSplit } from '../../data/dataset.ts';
import type { EngineChoice } from '../../engine/select-engine.ts';
import { FaceparseError } from '../../errors.ts';
import { exists } from '../../files/path-kind.ts';
import { getLabelSet } from '../../labels/registry.ts';
import { compareRuns } from './comparison.ts';
import { type DataFacts, readDataFacts } from './data-facts.ts';
import { type Measurements, measure } from './measurements.ts';
import type { ReportFacts, ReportHead } from './report-facts.ts';
import { dataOfRun, type RunFacts, readNetworkFacts, readRunFacts } from './run-facts.ts';

/** What a report is made from. */
export interface GatherOptions extends Partial<ReportHead> {
  /** Folder of the run that the report is about. */
  readonly run: string;
  /** Folders of other runs, to compare. */
  readonly others?: readonly string[];
  /** Folder of the run that the others are compared with; default `run`. */
  readonly base?: string;
  /** Holds val/ and train/; default the data of the run, if they are still there. */
  readonly data?: string;
  /** What computes the scores. */
  readonly engine?: EngineChoice;
  readonly signal?: AbortSignal;
  readonly onProgress?: (phase: 'reading the masks' | 'scoring', done: number, total: number) => void;
}

const mostRuns = 200;

/** How many of the worst validation pictures are shown; fewer where a long table of runs needs the room. */
const shownFailures = { usually: 6, besideManyRuns: 4 };
const manyVariants = 10;

/** Runs in the order in which they are named, each once. */
async function readRuns({ run, others = [], base }: GatherOptions): Promise<Map<string, RunFacts>> {
  const folders = [
    ...new Set([run, ...(base === undefined ? [] : [base]), ...others].map((folder) => resolve(folder))),
  ];
  if (folders.length > mostRuns) {
    throw new FaceparseError(`${folders.length} runs are named; a report compares at most ${mostRuns}`, {
      exitCode: 2,
    });
  }
  const runs = new Map<string, RunFacts>();
  for (const folder of folders) runs.set(folder, await readRunFacts(folder));
  return runs;
}

async function readData(data: string, run: RunFacts, options: GatherOptions): Promise<DataFacts | undefined> {
  const folder = join(data, 'train');
  if (!(await exists(folder))) return undefined;
  const { signal, onProgress } = options;
  return readDataFacts(folder, getLabelSet(run.config.data.labels), {
    ...(signal && { signal }),
    onProgress: (done, total) => onProgress?.('reading the masks', done, total),
  });
}

async function score(data: string, weights: string, worst: number, options: GatherOptions): Promise<Measurements> {
  const { engine, signal, onProgress } = options;
  return measure(weights, {
    data,
    worst,
    ...(engine && { engine }),
    ...(signal && { signal }),
    onProgress: (done, total) => onProgress?.('scoring', done, total),
  });
}

/** The data that are named, or those of the run where they still hold val/. */
async function findData(run: RunFacts, named: string | undefined): Promise<string | undefined> {
  if (named !== undefined) {
    await resolveSplit(named, 'val');
    return named;
  }
  const found = await dataOfRun(run);
  return found !== undefined && (await exists(join(found, 'val', 'masks'))) ? found : undefined;
}

/**
 * Reads the runs, compares them, and scores the weights of the first on DATA/val.
 *
 * @throws FaceparseError for what is no run, and data that cannot be used
 */
export async function gatherFacts(options: GatherOptions): Promise<Omit<ReportFacts, 'figures'>> {
  const { title = 'Face parsing with a compact network', author, id } = options;
  const runs = await readRuns(options);
  const run = runs.get(resolve(options.run))!;
  if (run.metrics.length === 0) {
    throw new FaceparseError(`${options.run} has not been trained yet: it has no line of metrics`, { exitCode: 2 });
  }
  const base = runs.get(resolve(options.base ?? options.run))!;
  const comparison = runs.size > 1 ? await compareRuns([...runs.values()], base) : undefined;
  const network = await readNetworkFacts(options.run);
  const folder = await findData(run, options.data);
  const data = folder === undefined ? undefined : await readData(folder, run, options);
  const isLong = (comparison?.variants.length ?? 0) > manyVariants;
  const shown = isLong ? shownFailures.besideManyRuns : shownFailures.usually;
  const measured = folder === undefined ? undefined : await score(folder, network.file, shown, options);
  const inferred = network.network.parts.reduce((sum, part) => sum + part.parameters, 0);
  return {
    title,
    ...(author !== undefined && { author }),
    ...(id !== undefined && { id }),
    run,
    network,
    parameters: Math.max(run.environment.parameters ?? 0, inferred),
    ...(data && { data }),
    ...(measured && { measured }),
    ...(comparison && { comparison }),
  };
}
