import { join, resolve } from 'node:path';
import { type Dataset, resolveSplit } from '../../data/dataset/dataset.ts';
import type { EngineChoice } from '../../engine/select-engine.ts';
import { exists } from '../../files/path-kind.ts';
import { getLabelSet } from '../../labels/registry.ts';
import { getArchitecture } from '../../models/registry.ts';
import { missingRun } from '../../node/missing-run.ts';
import { type Averaging, networkSides } from '../../parser/grid/averaging.ts';
import { FaceparseError } from '../../text/errors.ts';
import { compareRuns } from './comparison.ts';
import { type DataFacts, readDataFacts } from './data-facts.ts';
import { type Measurements, measure } from './measurements.ts';
import type { AveragedViews, ReportFacts, ReportHead } from './report-facts.ts';
import {
  dataOfRun,
  findTrainingSet,
  type NetworkFacts,
  type RunFacts,
  readNetworkFacts,
  readRunFacts,
} from './run-facts.ts';

/** The input of a report. */
export interface GatherOptions extends Partial<ReportHead> {
  /** Folder of the run that the report is about. */
  readonly run: string;
  /** Folders of other runs, to compare. */
  readonly others?: readonly string[];
  /** Folder of the run that the others are compared with; default `run`. */
  readonly base?: string;
  /** Folder with train/ and val/; default: the data of the run, if they still exist. */
  readonly data?: string;
  /** The engine that computes the scores. */
  readonly engine?: EngineChoice;
  /** Views of each photo to average predictions over; default: the photo alone. */
  readonly averaging?: Averaging;
  readonly signal?: AbortSignal;
  readonly onProgress?: (phase: 'reading the masks' | 'scoring', done: number, total: number) => void;
}

const mostRuns = 200;

/** Number of worst validation images to show; fewer if a long table of runs needs the space. */
const shownFailures = { usually: 6, besideManyRuns: 4 };
const manyVariants = 10;

/** Reads the named runs in order, each once. */
async function readRuns({ run, others = [], base }: GatherOptions): Promise<Map<string, RunFacts>> {
  for (const given of [run, ...others, base]) {
    if (given !== undefined && !(await exists(given))) throw await missingRun(given);
  }
  const folders = [
    ...new Set([run, ...(base === undefined ? [] : [base]), ...others].map((folder) => resolve(folder))),
  ];
  if (folders.length > mostRuns) {
    throw new FaceparseError(`${folders.length} runs given; a report compares at most ${mostRuns}`, {
      exitCode: 2,
    });
  }
  const runs = new Map<string, RunFacts>();
  for (const folder of folders) runs.set(folder, await readRunFacts(folder));
  return runs;
}

async function readMasks(dataset: Dataset, run: RunFacts, options: GatherOptions): Promise<DataFacts> {
  const { signal, onProgress } = options;
  return readDataFacts(dataset, getLabelSet(run.config.data.labels), {
    ...(signal && { signal }),
    onProgress: (done, total) => onProgress?.('reading the masks', done, total),
  });
}

async function score(data: string, weights: string, worst: number, options: GatherOptions): Promise<Measurements> {
  const { engine, averaging, signal, onProgress } = options;
  return measure(weights, {
    data,
    worst,
    ...(engine && { engine }),
    ...(averaging && { averaging }),
    ...(signal && { signal }),
    onProgress: (done, total) => onProgress?.('scoring', done, total),
  });
}

/** The named data folder, or the folder of the run if it still contains val/. */
async function findData(run: RunFacts, named: string | undefined): Promise<string | undefined> {
  if (named !== undefined) {
    await resolveSplit(named, 'val');
    return named;
  }
  const found = dataOfRun(run);
  return found !== undefined && (await exists(join(found, 'val', 'masks'))) ? found : undefined;
}

/** Facts about the data. Masks are read only if they are the training masks of the run. */
async function readData(
  folder: string,
  run: RunFacts,
  options: GatherOptions,
): Promise<Pick<ReportFacts, 'data' | 'hasOwnData'>> {
  const train = join(folder, 'train');
  // Without train/, validation images are identified by their path.
  if (!(await exists(train))) return { hasOwnData: resolve(folder) === dataOfRun(run) };
  const trainingSet = await findTrainingSet(train, run);
  if (!trainingSet) return { hasOwnData: false };
  return { data: await readMasks(trainingSet, run, options), hasOwnData: true };
}

/** @throws FaceparseError (exit code 2) for unusable scales */
function viewsFor({ preprocessing, model }: NetworkFacts, averaging: Averaging | undefined): AveragedViews | undefined {
  if (!averaging) return undefined;
  const { flip, scales } = averaging;
  const sides = networkSides(preprocessing.size, getArchitecture(model).multiple, scales);
  return flip || sides.length > 1 ? { flip, sides } : undefined;
}

/**
 * Reads the runs, compares them, and scores the weights of the first on DATA/val.
 *
 * @throws FaceparseError for a folder that is not a run, or unusable data
 */
export async function gatherFacts(options: GatherOptions): Promise<Omit<ReportFacts, 'figures'>> {
  const { title = 'Face parsing with a compact network', author, id } = options;
  const runs = await readRuns(options);
  const run = runs.get(resolve(options.run))!;
  if (run.metrics.length === 0) {
    throw new FaceparseError(`${options.run} has no metrics yet; train it first`, { exitCode: 2 });
  }
  const base = runs.get(resolve(options.base ?? options.run))!;
  const comparison = runs.size > 1 ? await compareRuns([...runs.values()], base) : undefined;
  const network = await readNetworkFacts(options.run);
  const folder = await findData(run, options.data);
  const views = viewsFor(network, options.averaging);
  const facts = folder === undefined ? { hasOwnData: false } : await readData(folder, run, options);
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
    ...facts,
    ...(views && { averaging: views }),
    ...(measured && { measured }),
    ...(comparison && { comparison }),
  };
}
