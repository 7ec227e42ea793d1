import type { Dataset } from '../../data/dataset/dataset.ts';
import { detectSwap } from '../../data/dataset/left-right.ts';
import { fileLabelSet } from '../../data/dataset/mask-faults.ts';
import { runConcurrently } from '../../data/dataset/run-concurrently.ts';
import { type DatasetStatistics, datasetStatistics } from '../../data/dataset/statistics.ts';
import { readMask } from '../../image/read-image.ts';
import type { LabelSet } from '../../labels/label-set.ts';

/** Facts about the training masks. */
export interface DataFacts {
  readonly statistics: DatasetStatistics;
  /** Number of masks with left and right swapped. */
  readonly swapped: number;
}

/** Counts classes and swapped masks of training pairs. */
export async function readDataFacts(
  { folder, items }: Dataset,
  set: LabelSet,
  options: { readonly signal?: AbortSignal; readonly onProgress?: (done: number, total: number) => void } = {},
): Promise<DataFacts> {
  const { signal, onProgress } = options;
  const common = { ...(signal && { signal }) };
  const half = (offset: number) => (done: number, total: number) => onProgress?.(offset * total + done, 2 * total);
  const statistics = await datasetStatistics(folder, set, {
    ...common,
    items,
    merge: set.mergeFrom !== undefined,
    onProgress: half(0),
  });
  // Merged masks contain celebamask-19 ids, which distinguish left and right.
  const sided = fileLabelSet(set);
  const swapped = await runConcurrently(
    items,
    async ({ maskPath }) => detectSwap(await readMask(maskPath!), sided).swapped,
    { ...common, onProgress: half(1) },
  );
  return { statistics, swapped: swapped.filter(Boolean).length };
}
