import { checkDataset } from '../data/dataset/check.ts';
import type { Dataset } from '../data/dataset/dataset.ts';
import type { Engine } from '../engine/engine.ts';
import { celebamask19 } from '../labels/celebamask-19.ts';
import type { LabelSet } from '../labels/label-set.ts';
import type { ScoreSummary } from '../metrics/face-score.ts';
import type { Weights } from '../models/weights-file.ts';
import { FaceParser } from '../parser/face-parser.ts';
import { FaceparseError } from '../text/errors.ts';
import { evaluateParser, type ScoredImage } from './evaluation.ts';
import { shownImages } from './run-images.ts';

/** Reads all validation images, so that a fault is told now and not at the first validation. @throws FaceparseError for the first */
export async function checkValidationSet(
  { folder }: Dataset,
  labelSet: LabelSet,
  signal: AbortSignal | undefined,
): Promise<void> {
  const fileSet = labelSet.mergeFrom ? celebamask19 : labelSet;
  const { problems } = await checkDataset(folder, fileSet, { ...(signal && { signal }) });
  const [problem] = problems;
  if (problem) throw new FaceparseError(`${problem.file}: ${problem.message}; ${problem.remedy}`);
}

/** What a validation gives: the scores, and the first images, which are shown. */
export interface Validation {
  readonly summary: ScoreSummary;
  readonly shown: readonly ScoredImage[];
}

/** Scores weights on the first `limit` images of a dataset, or on all. @throws the reason of `signal` when it is aborted */
export async function scoreWeights(
  weights: Weights,
  engine: Engine,
  dataset: Dataset,
  options: {
    readonly limit?: number | undefined;
    readonly signal?: AbortSignal | undefined;
    /** Called with the share that is done, from 0 to 1. */
    readonly onProgress: (share: number) => void;
  },
): Promise<Validation> {
  const { limit, signal, onProgress } = options;
  const shown: ScoredImage[] = [];
  const parser = await FaceParser.create(weights, engine);
  try {
    const summary = await evaluateParser(parser, dataset, {
      ...(limit && { limit }),
      ...(signal && { signal }),
      onImage: (image, done, total) => {
        if (shown.length < shownImages) shown.push(image);
        onProgress(done / total);
      },
    });
    return { summary, shown };
  } finally {
    await parser.dispose();
  }
}
