import { type Dataset, type DatasetItem, openDataset } from '../data/dataset/dataset.ts';
import type { EngineChoice } from '../engine/select-engine.ts';
import type { LabelMap, Photo } from '../image/image.ts';
import { resizeLabels, resizePhoto } from '../image/resize.ts';
import type { LabelSet } from '../labels/label-set.ts';
import { getLabelSet } from '../labels/registry.ts';
import { countOf } from '../text/counts.ts';
import { FaceparseError } from '../text/errors.ts';
import {
  type Compared,
  compareProbabilities,
  type Disagreement,
  markDisagreement,
  measureDisagreement,
} from './disagreement.ts';
import { type JudgingRun, type JudgingRuns, readJudgingRuns } from './judging-runs.ts';
import { type MeanPrediction, Predictors } from './predictors.ts';
import { readJudgedPair } from './read-pair.ts';
import { type MaskScore, scoreMask, usualConfidence } from './score-mask.ts';
import { type Suspect, type SuspectFinding, type SuspectPictures, type SuspectSearch, toLookAt } from './suspect.ts';
import { trainingCommands } from './training-commands.ts';

/** Longest side at which masks are judged and at which they are shown, in pixels. Judging a thousand masks should take minutes. */
const judgedSide = 256;
const shownSide = 512;

/** Regions that explain a score: with a score of their own of at least this, and at most so many. */
const leastExplanation = 0.1;
const mostExplanations = 5;

export interface FindSuspectsOptions {
  /** Folders of trained runs. */
  readonly runs: readonly string[];
  /** Number of suspects with pictures; default 0. */
  readonly pictures?: number;
  readonly engine?: EngineChoice;
  readonly signal?: AbortSignal;
  readonly onProgress?: (done: number, total: number) => void;
}

/** A pair and the runs that never saw it. */
interface Assignment {
  readonly item: DatasetItem;
  readonly runs: readonly JudgingRun[];
}

interface Measured extends Assignment {
  readonly asInFile: Disagreement;
  readonly repaired?: { readonly parts: readonly string[]; readonly disagreement: Disagreement };
  /** Pixels of the mask file for each compared pixel. */
  readonly scale: number;
}

/**
 * Ranks the masks of a dataset by how much they contradict networks that never saw them. Files are only read.
 *
 * Every pair is judged by those of the runs of which it can be proven that they never saw it (see `findSeenPairs`); several are
 * averaged. Masks are judged as they are in the files, in the classes of the runs, by `scoreMask`.
 *
 * @throws FaceparseError (exit code 2) if a path is not the folder of a run, runs have different label sets, or no pair can be
 *   judged; the reason of `signal` if it is aborted
 *
 * @example (await findSuspects('data/train', { runs: ['runs/fold0', 'runs/fold1'] })).suspects[0].stem
 */
export async function findSuspects(folder: string, options: FindSuspectsOptions): Promise<SuspectSearch> {
  const failures: string[] = [];
  const dataset = await openDataset(folder, { onFailure: ({ message }) => void failures.push(message) });
  const runs = await readJudgingRuns(options.runs, dataset);
  const assigned = assign(dataset, runs.judging);
  const unjudged = dataset.items
    .map(({ stem }) => stem)
    .filter((stem) => !assigned.some(({ item }) => item.stem === stem));
  const commands = trainingCommands(folder, runs, unjudged);
  if (assigned.length === 0) throw nothingToJudge(dataset, runs, commands);
  const set = getLabelSet(runs.judging[0].config.data.labels);
  const predictors = new Predictors(options.engine ?? {});
  try {
    const search = { set, predictors, options };
    const measured = await measureAll(assigned, search, failures);
    const suspects = rank(measured, set);
    const pictures = await drawAll(toLookAt(suspects).slice(0, options.pictures ?? 0), assigned, search);
    return {
      folder,
      labelSet: set,
      pairs: dataset.items.length,
      runs: runs.judging.map(({ folder: run, file, unseen }) => ({ run, weights: file, pairs: unseen.size })),
      unused: runs.unused.map(({ folder: run, reason }) => ({ run, reason })),
      unjudged,
      commands,
      failures,
      suspects,
      pictures,
    };
  } finally {
    await predictors.dispose();
  }
}

function nothingToJudge(
  { folder, items }: Dataset,
  { unused }: JudgingRuns,
  commands: readonly string[],
): FaceparseError {
  const how =
    commands.length > 0
      ? ['train runs that each hold out a part of the pairs, and check with all of them:', ...commands]
      : ['give runs that were trained on other pairs'];
  return new FaceparseError(
    `no run can judge any of the ${countOf(items.length, 'pair')} of ${folder}, because a network must never have seen a pair to judge its mask:`,
    { exitCode: 2, faults: [...unused.map(({ folder: run, reason }) => `${run}: ${reason}`), ...how] },
  );
}

/** The pairs that can be judged; those of the same runs follow each other, so that few networks are loaded at a time. */
function assign({ items }: Dataset, judging: readonly JudgingRun[]): Assignment[] {
  const assigned = items.map((item) => ({ item, runs: judging.filter(({ unseen }) => unseen.has(item.stem)) }));
  const key = ({ runs }: Assignment) => runs.map((run) => judging.indexOf(run)).join(' ');
  return assigned
    .filter(({ runs }) => runs.length > 0)
    .sort((a, b) => (key(a) < key(b) ? -1 : key(a) > key(b) ? 1 : 0));
}

interface Search {
  readonly set: LabelSet;
  readonly predictors: Predictors;
  readonly options: FindSuspectsOptions;
}

function atSize(map: LabelMap, { width, height }: MeanPrediction): LabelMap {
  return map.width === width && map.height === height ? map : resizeLabels(map, width, height);
}

/** A pair with its prediction, at a size of at most `maxSide`. */
async function compare(
  { item, runs }: Assignment,
  { set, predictors, options }: Search,
  maxSide: number,
): Promise<{
  readonly photo: Photo;
  readonly compared: Compared;
  readonly repaired?: { readonly parts: readonly string[]; readonly compared: Compared };
}> {
  const { photo, truth, repaired } = await readJudgedPair(item, set);
  const prediction = await predictors.predict(runs, photo, { maxSide, signal: options.signal });
  const against = (map: LabelMap) =>
    compareProbabilities(atSize(map, prediction), prediction.probabilities, set.classes.length);
  return {
    photo,
    compared: against(truth),
    ...(repaired && { repaired: { parts: repaired.parts, compared: against(repaired.truth) } }),
  };
}

async function measureAll(assigned: readonly Assignment[], search: Search, failures: string[]): Promise<Measured[]> {
  const { signal, onProgress } = search.options;
  const classes = search.set.classes.length;
  const measured: Measured[] = [];
  for (const [index, assignment] of assigned.entries()) {
    signal?.throwIfAborted();
    try {
      const { photo, compared, repaired } = await compare(assignment, search, judgedSide);
      const { width, height } = compared.truth;
      measured.push({
        ...assignment,
        asInFile: measureDisagreement(compared, classes),
        ...(repaired && {
          repaired: { parts: repaired.parts, disagreement: measureDisagreement(repaired.compared, classes) },
        }),
        scale: (photo.width * photo.height) / (width * height),
      });
    } catch (error) {
      // A bad file is reported and skipped; the check of the folder says more about it.
      if (!(error instanceof FaceparseError)) throw error;
      failures.push(error.message);
    }
    onProgress?.(index + 1, assigned.length);
  }
  return measured;
}

function rank(measured: readonly Measured[], set: LabelSet): Suspect[] {
  const usual = usualConfidence(
    measured.map(({ asInFile }) => asInFile),
    set.classes.length,
  );
  const suspects = measured.map(({ item, runs, asInFile, repaired, scale }): Suspect => {
    const judge = (one: Disagreement) => {
      const { score, regions } = scoreMask(one, usual);
      return { score, findings: explain(regions, set, scale) };
    };
    return {
      stem: item.stem,
      image: item.imagePath,
      mask: item.maskPath!,
      ...judge(asInFile),
      runs: runs.map(({ folder }) => folder),
      ...(repaired && { repaired: { parts: repaired.parts, ...judge(repaired.disagreement) } }),
    };
  });
  return suspects.sort((a, b) => b.score - a.score || (a.stem < b.stem ? -1 : 1));
}

function explain(regions: MaskScore['regions'], { classes }: LabelSet, scale: number): SuspectFinding[] {
  return regions
    .filter(({ score }) => score >= leastExplanation)
    .slice(0, mostExplanations)
    .map(({ labelled, predicted, pixels, score }) => ({
      labelled: classes[labelled].name,
      predicted: classes[predicted].name,
      pixels: Math.round(pixels * scale),
      score,
    }));
}

async function drawAll(
  suspects: readonly Suspect[],
  assigned: readonly Assignment[],
  search: Search,
): Promise<SuspectPictures[]> {
  const byStem = new Map(assigned.map((assignment) => [assignment.item.stem, assignment]));
  const pictures: SuspectPictures[] = [];
  for (const suspect of suspects) {
    search.options.signal?.throwIfAborted();
    const { photo, compared } = await compare(byStem.get(suspect.stem)!, search, shownSide);
    const { truth, prediction } = compared;
    pictures.push({
      suspect,
      photo: resizePhoto(photo, truth.width, truth.height),
      truth,
      prediction,
      disagreement: markDisagreement(compared),
    });
  }
  return pictures;
}
