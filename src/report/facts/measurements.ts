import type { DatasetItem } from '../../data/dataset/dataset.ts';
import { openDataset, resolveSplit } from '../../data/dataset/dataset.ts';
import type { EngineChoice } from '../../engine/select-engine.ts';
import { evaluateParser, type ScoredImage } from '../../evaluation/evaluate-parser.ts';
import type { LabelMap } from '../../image/image.ts';
import { ignoreLabel, type LabelSet } from '../../labels/label-set.ts';
import type { ImageScore, ScoreSummary } from '../../metrics/face-score.ts';
import { FaceParser } from '../../node/face-parser.ts';
import type { Averaging } from '../../parser/grid/averaging.ts';

/** Scores of a network on the validation pairs, as a report shows them. */
export interface Measurements {
  readonly labelSet: LabelSet;
  readonly summary: ScoreSummary;
  /** F of each image, in the order of the dataset. */
  readonly images: readonly { readonly item: DatasetItem; readonly score: ImageScore }[];
  /** The images with the lowest F, lowest first. */
  readonly worst: readonly ScoredImage[];
  /** Share of the wrong pixels within `borderReach` pixels of a class boundary in the ground truth, 0 to 1. */
  readonly wrongNearBorders: number;
}

/** Annotations are ambiguous this close to a class boundary, in pixels of the mask. */
export const borderReach = 3;

export interface MeasureOptions {
  /** Folder that contains val/. */
  readonly data: string;
  /** Number of worst images to keep. */
  readonly worst: number;
  readonly engine?: EngineChoice;
  /** Views of each photo to average predictions over; default: the photo alone. */
  readonly averaging?: Averaging;
  readonly signal?: AbortSignal;
  readonly onProgress?: (done: number, total: number) => void;
}

/**
 * Scores weights on the validation pairs.
 *
 * @throws FaceparseError if the data or the weights are unusable
 */
export async function measure(weightsFile: string, options: MeasureOptions): Promise<Measurements> {
  const { data, worst: most, engine, averaging, signal, onProgress } = options;
  const dataset = await openDataset(await resolveSplit(data, 'val'), { requireMasks: true });
  const parser = await FaceParser.load(weightsFile, { ...engine, detector: false, ...(averaging && { averaging }) });
  const images: { item: DatasetItem; score: ImageScore }[] = [];
  let worst: ScoredImage[] = [];
  const wrong = { all: 0, near: 0 };
  try {
    const summary = await evaluateParser(parser, dataset, {
      ...(signal && { signal }),
      onImage: (image, done, total) => {
        images.push({ item: image.item, score: image.score });
        worst = [...worst, image].sort((a, b) => a.score.f - b.score.f).slice(0, most);
        const counted = countWrong(image.truth, image.prediction);
        wrong.all += counted.all;
        wrong.near += counted.near;
        onProgress?.(done, total);
      },
    });
    const wrongNearBorders = wrong.all === 0 ? 0 : wrong.near / wrong.all;
    return { labelSet: parser.labelSet, summary, images, worst, wrongNearBorders };
  } finally {
    await parser.dispose();
  }
}

/** Counts the wrong pixels, and those with another ground-truth class within `borderReach` pixels (in a square). */
export function countWrong(truth: LabelMap, prediction: LabelMap): { all: number; near: number } {
  const { width, height, data } = truth;
  const hasBorderNear = (x: number, y: number, id: number) => {
    for (let row = Math.max(0, y - borderReach); row <= Math.min(height - 1, y + borderReach); row++) {
      for (let column = Math.max(0, x - borderReach); column <= Math.min(width - 1, x + borderReach); column++) {
        const other = data[row * width + column];
        if (other !== id && other !== ignoreLabel) return true;
      }
    }
    return false;
  };
  const wrong = { all: 0, near: 0 };
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      const id = data[y * width + x];
      if (id === ignoreLabel || id === prediction.data[y * width + x]) continue;
      wrong.all++;
      if (hasBorderNear(x, y, id)) wrong.near++;
    }
  }
  return wrong;
}
