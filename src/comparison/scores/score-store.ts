import { createHash } from 'node:crypto';
import { readFile, stat } from 'node:fs/promises';
import { dirname } from 'node:path';
import { z } from 'zod';
import type { Dataset } from '../../data/dataset/dataset.ts';
import { writeFileAtomic } from '../../files/atomic-write.ts';
import { makeFolder } from '../../files/make-folder.ts';
import type { ScoreSummary } from '../../metrics/face-score.ts';

/** Scores of a run on a split, as they are kept for the next time. */
export interface StoredScores {
  /** What they depend on: weights, pairs and settings of the evaluation. */
  readonly key: string;
  readonly images: readonly StoredImage[];
  readonly summary: ScoreSummary;
  readonly networkMilliseconds: number;
}

/** An image of a split. */
export interface StoredImage {
  readonly stem: string;
  readonly f: number;
  readonly boundaryF?: number;
  /** Pixels of each class in the truth, by id. */
  readonly pixels: readonly number[];
}

const share = z.number().min(0).max(1);
const count = z.number().int().min(0);
const ratios = { precision: share, recall: share, f1: share, iou: share };

const storedSchema = z.object({
  key: z.string(),
  images: z.array(z.object({ stem: z.string(), f: share, boundaryF: share.optional(), pixels: z.array(count) })).min(1),
  summary: z.object({
    images: count,
    fPerImage: share,
    perClass: z.array(
      z.object({
        id: count,
        truthPixels: count,
        predictedPixels: count,
        truePositives: count,
        images: count,
        meanImageF1: share,
        ...ratios,
      }),
    ),
    macro: z.object({ withBackground: z.object(ratios), withoutBackground: z.object(ratios) }),
    pixelAccuracy: share,
    confusion: z.array(count),
  }),
  networkMilliseconds: z.number().min(0),
});

/** The pairs of a dataset by names, sizes and times of change, which do not need to be read. */
async function describePairs({ items }: Dataset): Promise<string[]> {
  const describe = async (path: string | undefined) => {
    if (path === undefined) return '';
    const { size, mtimeMs } = await stat(path);
    return `${size} ${Math.round(mtimeMs)}`;
  };
  const found: string[] = [];
  for (const { stem, imagePath, maskPath } of items) {
    found.push(`${stem}: ${await describe(imagePath)}, ${await describe(maskPath)}`);
  }
  return found;
}

/** The key of scores: it changes if the pairs do, or anything else that is given. */
export async function scoresKey(dataset: Dataset, settings: Readonly<Record<string, unknown>>): Promise<string> {
  const parts = JSON.stringify([1, settings, await describePairs(dataset)]);
  return createHash('sha256').update(parts).digest('hex');
}

/** Reads stored scores; undefined if there are none with this key, or the file is damaged. */
export async function readScores(path: string, key: string): Promise<StoredScores | undefined> {
  const text = await readFile(path, 'utf8').catch(() => undefined);
  if (text === undefined) return undefined;
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return undefined;
  }
  const { success, data } = storedSchema.safeParse(value);
  if (!success || data.key !== key) return undefined;
  const { images, summary, ...others } = data;
  return {
    ...others,
    images: images.map(({ boundaryF, ...image }) => ({ ...image, ...(boundaryF !== undefined && { boundaryF }) })),
    summary: { ...summary, confusion: Float64Array.from(summary.confusion) },
  };
}

/** Writes scores, for `readScores`. */
export async function writeScores(path: string, scores: StoredScores): Promise<void> {
  const { summary } = scores;
  await makeFolder(dirname(path));
  const value = { ...scores, summary: { ...summary, confusion: [...summary.confusion] } };
  await writeFileAtomic(path, `${JSON.stringify(value)}\n`);
}
