import { join } from 'node:path';
import { type Dataset, openDataset } from '../data/dataset/dataset.ts';
import type { EngineChoice } from '../engine/select-engine.ts';
import { readTruth } from '../evaluation/evaluate-parser.ts';
import { isFolder } from '../files/path-kind.ts';
import { readPhoto } from '../image/read-image.ts';
import { coarsestLabelSet, conversionTable } from '../labels/convert-labels.ts';
import type { LabelSet } from '../labels/label-set.ts';
import { isSameLabelSet } from '../labels/label-table.ts';
import { getLabelSet } from '../labels/registry.ts';
import { meanWithError, pairedInterval } from '../metrics/bootstrap.ts';
import { readOwnPackage } from '../packages/own-package.ts';
import { countOf } from '../text/counts.ts';
import { FaceparseError } from '../text/errors.ts';
import { joinWords } from '../text/join-words.ts';
import { readEnvironment } from '../training/record/environment.ts';
import { readMetrics, runFolder } from '../training/record/run-folder.ts';
import {
  type ComparedRun,
  type Comparison,
  type MeasuredCost,
  type Panel,
  type RunDifference,
  type SplitName,
  type SplitScores,
  splitNames,
} from './comparison.ts';
import { classDistribution } from './facts/class-distribution.ts';
import { runCost } from './facts/run-cost.ts';
import { type ChosenImage, chooseImages, differingShare, type RatedImage } from './panels/choose-images.ts';
import type { RunResult } from './runs/run-result.ts';
import { rethrowNamed } from './runs/run-spec.ts';
import { readPrediction, scoreSplit } from './scores/score-split.ts';
import type { StoredScores } from './scores/score-store.ts';

/** Tolerance of boundary F in pixels of the mask. */
export const boundaryTolerance = 3;

/** What to compare. */
export interface CompareOptions {
  /** At least one run with weights, in the order of the tables. */
  readonly results: readonly RunResult[];
  /** Folder with train/, val/ and perhaps test/. */
  readonly data: string;
  /** Folder of the comparison; scores and predictions are kept in `evaluations/`. */
  readonly out: string;
  readonly title: string;
  readonly question?: string;
  /** The command, for the page. */
  readonly command: string;
  /** Classes to score in; default: those of the runs, or of the run into whose classes the others can be merged. */
  readonly labelSet?: LabelSet;
  /** Splits to score; default: all that have masks. */
  readonly splits?: readonly SplitName[];
  /** Stems of the images to show; default: chosen by rule. */
  readonly images?: readonly string[];
  readonly engine?: EngineChoice;
  /** Measures times and memory of a run's network. */
  readonly measure?: (result: RunResult) => Promise<MeasuredCost | undefined>;
  readonly signal?: AbortSignal;
  readonly onScore?: (run: string, split: SplitName, done: number, total: number) => void;
  /** Receives a line for the user. */
  readonly onNotice?: (line: string) => void;
}

/**
 * Scores runs on every split with masks and gathers everything that a page of the comparison shows. Scores and predictions are
 * kept and used again while weights and data stay the same.
 *
 * @throws FaceparseError if a run has no weights, label sets do not fit, or a pair cannot be scored
 */
export async function compareRuns(options: CompareOptions): Promise<Comparison> {
  const { results, title, question, command, images, measure, signal } = options;
  const labelSet = requireCommonLabels(options);
  const splits = await openSplits(options);
  const stored = new Map<string, Map<SplitName, StoredScores>>();
  for (const result of results) stored.set(result.run.name, await scoreRun(result, splits, labelSet, options));
  const runs: ComparedRun[] = [];
  for (const result of results) {
    signal?.throwIfAborted();
    runs.push(await describeRun(result, stored.get(result.run.name)!, await measure?.(result)));
  }
  const shown = [...splits].at(-1)!;
  const [first] = stored.values();
  return {
    title,
    ...(question !== undefined && { question }),
    labelSet,
    boundaryTolerance,
    command,
    version: readOwnPackage().version,
    runs,
    differences: [...splits.keys()].flatMap((split) => differencesOn(split, runs)),
    distributions: [...first].map(([split, { images }]) => classDistribution(split, images, labelSet.classes.length)),
    panels: await readPanels(shown, labelSet, stored, images ?? [], options),
  };
}

/** The classes in which all runs are scored. */
function requireCommonLabels({ results, labelSet, onNotice }: CompareOptions): LabelSet {
  const choices = results.map(({ run }) => run.config.data.labels);
  const sets = choices.map((choice) => getLabelSet(choice));
  const names = joinWords([...new Set(sets.map(({ name }) => name))], 'and');
  if (labelSet) {
    const wrong = sets.find((set) => !conversionTable(set, labelSet));
    if (!wrong) return labelSet;
    throw new FaceparseError(
      `the classes of ${wrong.name} cannot be merged into those of ${labelSet.name}; use a label set that merges its classes (data.md)`,
      { exitCode: 2 },
    );
  }
  if (choices.every((choice) => isSameLabelSet(choice, choices[0]))) return sets[0];
  const common = coarsestLabelSet(sets);
  if (!common) {
    throw new FaceparseError(
      `the runs have the label sets ${names}, and none of them merges the classes of all others; pass --labels with one that does`,
      { exitCode: 2 },
    );
  }
  onNotice?.(`the runs have the label sets ${names}; all are scored in the classes of ${common.name}`);
  return common;
}

/** The splits to score, in order. */
async function openSplits({ data, splits, onNotice }: CompareOptions): Promise<Map<SplitName, Dataset>> {
  const found = new Map<SplitName, Dataset>();
  for (const split of splitNames) {
    if (splits && !splits.includes(split)) continue;
    const folder = join(data, split);
    const isThere = await isFolder(folder);
    if (isThere && (await isFolder(join(folder, 'masks')))) found.set(split, await openDataset(folder));
    else if (splits) {
      throw new FaceparseError(
        `${folder} ${isThere ? 'has no masks' : 'is not a folder'}; leave out --splits ${split}`,
        {
          exitCode: 2,
        },
      );
    } else if (isThere) onNotice?.(`${folder} has no masks and is not scored`);
  }
  if (found.size > 0) return found;
  throw new FaceparseError(`${data} contains no split with masks; pass a folder with train/ and val/`, { exitCode: 2 });
}

/** The folder of a run's predictions on a split. */
function predictionsFolder(out: string, run: string, split: SplitName): string {
  return join(out, 'evaluations', run, split);
}

/**
 * Whether masks with exchanged sides are repaired before they are scored: those of the training split, if all runs were trained
 * on repaired ones. The masks of other splits are scored as they are.
 */
function repairsMasks(split: SplitName, results: readonly RunResult[]): boolean {
  return split === 'train' && results.every(({ run }) => run.config.data.repair);
}

async function scoreRun(
  { run, folder }: RunResult,
  splits: ReadonlyMap<SplitName, Dataset>,
  labelSet: LabelSet,
  { results, out, engine, signal, onScore }: CompareOptions,
): Promise<Map<SplitName, StoredScores>> {
  const scores = new Map<SplitName, StoredScores>();
  for (const [split, dataset] of splits) {
    signal?.throwIfAborted();
    const stored = await scoreSplit({
      run: folder,
      dataset,
      labelSet,
      boundaryTolerance,
      repair: repairsMasks(split, results),
      folder: predictionsFolder(out, run.name, split),
      ...(engine && { engine }),
      ...(signal && { signal }),
      onProgress: (done, total) => onScore?.(run.name, split, done, total),
    }).catch((error) => rethrowNamed(run, error));
    scores.set(split, stored);
  }
  return scores;
}

function describeScores(split: SplitName, { images, summary, networkMilliseconds }: StoredScores): SplitScores {
  return {
    split,
    summary,
    images: images.map(({ pixels: _, ...image }) => image),
    f: meanWithError(images.map(({ f }) => f)),
    boundaryF: meanWithError(images.flatMap(({ boundaryF }) => boundaryF ?? [])),
    networkMilliseconds,
  };
}

async function describeRun(
  result: RunResult,
  stored: ReadonlyMap<SplitName, StoredScores>,
  measured: MeasuredCost | undefined,
): Promise<ComparedRun> {
  const { run, folder, state, epochs } = result;
  const { metrics, environment } = runFolder(folder);
  const { cpu, engine, parameters } = await readEnvironment(environment, `${run.name} cannot be compared`);
  const { minutes, epochs: wanted } = run.config.train;
  const length = minutes ? `${minutes} minutes` : `${wanted}`;
  return {
    name: run.name,
    folder,
    config: run.config,
    machine: `${cpu}, ${engine.name} on ${engine.device}, ${countOf(engine.threads, 'thread')}`,
    ...(state !== 'finished' && { unfinished: `stopped at epoch ${epochs.toFixed(1)} of ${length}` }),
    cost: runCost(result, parameters),
    ...(measured && { measured }),
    metrics: await readMetrics(metrics),
    scores: [...stored].map(([split, scores]) => describeScores(split, scores)),
  };
}

/** Differences of all pairs of runs on a split, in the order of the runs. */
function differencesOn(split: SplitName, runs: readonly ComparedRun[]): RunDifference[] {
  const scored = runs.map(({ name, scores }) => {
    const { images } = scores.find((entry) => entry.split === split)!;
    return { name, values: images.map(({ f }) => f) };
  });
  return scored.flatMap((run, index) =>
    scored.slice(0, index).map((base) => ({
      split,
      run: run.name,
      base: base.name,
      ...pairedInterval(run.values, base.values),
    })),
  );
}

/** Reads the pictures to show on a split. */
async function readPanels(
  [split, dataset]: readonly [SplitName, Dataset],
  labelSet: LabelSet,
  stored: ReadonlyMap<string, ReadonlyMap<SplitName, StoredScores>>,
  names: readonly string[],
  { out, results, signal }: CompareOptions,
): Promise<Panel[]> {
  const runs = [...stored].map(([run, scores]) => {
    const byStem = new Map(scores.get(split)!.images.map(({ stem, f }) => [stem, f]));
    return { run, byStem, folder: predictionsFolder(out, run, split) };
  });
  const rated: RatedImage[] = [];
  for (const { stem } of dataset.items) {
    signal?.throwIfAborted();
    const predictions = await Promise.all(runs.map(({ folder }) => readPrediction(folder, stem)));
    const pairs = predictions.flatMap(({ data }, index) =>
      predictions.slice(0, index).map((other) => differingShare(data, other.data)),
    );
    rated.push({
      stem,
      scores: runs.map(({ byStem }) => byStem.get(stem)!),
      disagreement: pairs.length === 0 ? 0 : pairs.reduce((sum, share) => sum + share, 0) / pairs.length,
    });
  }
  const repair = repairsMasks(split, results);
  const panels: Panel[] = [];
  for (const chosen of chooseImages(rated, names)) panels.push(await readPanel(chosen));
  return panels;

  async function readPanel({ stem, reason }: ChosenImage): Promise<Panel> {
    const item = dataset.items.find((one) => one.stem === stem)!;
    const [photo, truth] = await Promise.all([readPhoto(item.imagePath), readTruth(item, labelSet, repair)]);
    return {
      split,
      stem,
      reason,
      width: truth.width,
      height: truth.height,
      photo: photo.data,
      truth: truth.data,
      predictions: await Promise.all(
        runs.map(async ({ run, byStem, folder }) => ({
          run,
          f: byStem.get(stem)!,
          labels: (await readPrediction(folder, stem)).data,
        })),
      ),
    };
  }
}
