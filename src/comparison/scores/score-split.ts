import { rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import type { Dataset } from '../../data/dataset/dataset.ts';
import type { EngineChoice } from '../../engine/select-engine.ts';
import { evaluateParser } from '../../evaluation/evaluate-parser.ts';
import { writeError, writeFileAtomic } from '../../files/atomic-write.ts';
import { hashFile } from '../../files/hash-file.ts';
import { makeFolder } from '../../files/make-folder.ts';
import type { LabelMap } from '../../image/image.ts';
import { encodeLabelPng } from '../../image/label-png.ts';
import { readMask } from '../../image/read-image.ts';
import { ignoreLabel, type LabelSet } from '../../labels/label-set.ts';
import { BoundaryScore } from '../../metrics/boundary-score.ts';
import { median } from '../../metrics/median.ts';
import { FaceParser, resolveWeights } from '../../node/face-parser.ts';
import { readScores, type StoredImage, type StoredScores, scoresKey, writeScores } from './score-store.ts';

/** What to score and where to keep the result. */
export interface SplitToScore {
  /** The run folder, whose best weights are scored. */
  readonly run: string;
  readonly dataset: Dataset;
  /** Classes to score in. */
  readonly labelSet: LabelSet;
  /** Tolerance of boundary F in pixels. */
  readonly boundaryTolerance: number;
  /** Whether masks with exchanged sides are repaired, as in training. */
  readonly repair: boolean;
  /** The predictions go into this folder, one PNG per image; the scores beside it into `FOLDER.json`. */
  readonly folder: string;
  readonly engine?: EngineChoice;
  readonly signal?: AbortSignal;
  readonly onProgress?: (done: number, total: number) => void;
}

/** The path of a prediction. */
function predictionPath(folder: string, stem: string): string {
  return join(folder, `${stem}.png`);
}

/** The prediction of an image that has been scored. */
export function readPrediction(folder: string, stem: string): Promise<LabelMap> {
  return readMask(predictionPath(folder, stem));
}

/** Whether every prediction of stored scores is still there. */
async function hasPredictions({ images }: StoredScores, folder: string): Promise<boolean> {
  for (const { stem } of images) {
    const size = await stat(predictionPath(folder, stem)).then(
      (info) => info.size,
      () => 0,
    );
    if (size === 0) return false;
  }
  return true;
}

/**
 * Scores the best weights of a run on a split and keeps scores and predictions, or reads them if nothing has changed.
 *
 * @throws FaceparseError if a pair cannot be scored, or the classes of the network cannot be merged into those of the label set
 */
export async function scoreSplit(options: SplitToScore): Promise<StoredScores> {
  const { run, dataset, labelSet, boundaryTolerance, repair, folder, engine = {}, signal, onProgress } = options;
  const weights = await resolveWeights(run);
  const { name, classes, mergeFrom } = labelSet;
  const key = await scoresKey(dataset, {
    weights: await hashFile(weights),
    labels: [name, classes, mergeFrom],
    boundaryTolerance,
    repair,
  });
  const file = `${folder}.json`;
  const stored = await readScores(file, key);
  if (stored && (await hasPredictions(stored, folder))) return stored;
  await makeFolder(folder);
  // Predictions that belong to no scores are incomplete.
  await rm(file, { force: true }).catch((cause) => {
    throw writeError(file, cause);
  });
  const boundaries = new BoundaryScore(classes.length, boundaryTolerance);
  const images: StoredImage[] = [];
  const times: number[] = [];
  const parser = await FaceParser.load(weights, { ...engine, detector: false });
  try {
    const summary = await evaluateParser(parser, dataset, {
      repair,
      labelSet,
      ...(signal && { signal }),
      onImage: async ({ item, truth, prediction, score, timing }, done, total) => {
        const { f: boundaryF } = boundaries.score(truth, prediction);
        images.push({
          stem: item.stem,
          f: score.f,
          ...(boundaryF !== undefined && { boundaryF }),
          pixels: countPixels(truth, classes.length),
        });
        times.push(timing.network);
        await writeFileAtomic(predictionPath(folder, item.stem), encodeLabelPng(prediction, labelSet));
        onProgress?.(done, total);
      },
    });
    const scores = { key, images, summary, networkMilliseconds: median(times) };
    await writeScores(file, scores);
    return scores;
  } finally {
    await parser.dispose();
  }
}

function countPixels({ data }: LabelMap, classes: number): number[] {
  const counts = new Array<number>(classes).fill(0);
  for (const id of data) if (id !== ignoreLabel) counts[id]++;
  return counts;
}
