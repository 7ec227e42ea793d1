import { realpath, stat } from 'node:fs/promises';
import { findNearDuplicates } from '../data/checks/duplicates.ts';
import { thumbnailOf } from '../data/checks/thumbnail.ts';
import { type Dataset, type DatasetItem, openDataset } from '../data/dataset/dataset.ts';
import { foldOf } from '../data/dataset/folds.ts';
import { hashFile } from '../files/hash-file.ts';
import { readPhoto } from '../image/read-image.ts';
import { countOf } from '../text/counts.ts';
import { FaceparseError } from '../text/errors.ts';
import {
  allTrainingData,
  type DataRecord,
  hashStems,
  initialRuns,
  type RunEnvironment,
} from '../training/record/environment.ts';

/** The stems of a dataset that a run was trained on, or why they are unknown. */
export type SeenPairs = { readonly seen: ReadonlySet<string> } | { readonly unknown: string };

/** The pairs of a folder that a record is about, if the folder held them all. */
function usedOf(items: Dataset['items'], { heldOut }: DataRecord): Dataset['items'] {
  return heldOut ? items.filter(({ stem }) => foldOf(stem, heldOut.folds) !== heldOut.fold) : items;
}

/** The stems of `items` whose photo file has the same bytes as one of `others`, under any name. */
async function copiedStems(items: Dataset['items'], others: Dataset['items']): Promise<string[]> {
  const sizeOf = async ({ imagePath }: DatasetItem) => (await stat(imagePath)).size;
  const bySize = new Map<number, DatasetItem[]>();
  for (const other of others) {
    const size = await sizeOf(other);
    bySize.set(size, [...(bySize.get(size) ?? []), other]);
  }
  const hashes = new Map<string, Promise<string>>();
  const hashOf = ({ imagePath }: DatasetItem): Promise<string> => {
    const hash = hashes.get(imagePath) ?? hashFile(imagePath);
    hashes.set(imagePath, hash);
    return hash;
  };
  const copied: string[] = [];
  for (const item of items) {
    for (const other of bySize.get(await sizeOf(item)) ?? []) {
      if ((await hashOf(item)) !== (await hashOf(other))) continue;
      copied.push(item.stem);
      break;
    }
  }
  return copied;
}

/** Whether two files show the same photo, also after it was resized or compressed again. */
async function isSamePhoto(a: DatasetItem, b: DatasetItem): Promise<boolean> {
  const [one, other] = [a.imagePath, b.imagePath];
  const [{ size }, { size: otherSize }] = await Promise.all([stat(one), stat(other)]);
  if (size === otherSize && (await hashFile(one)) === (await hashFile(other))) return true;
  const [first, second] = await Promise.all(
    [a, b].map(async ({ stem, imagePath }) => ({
      stem,
      file: imagePath,
      thumbnail: thumbnailOf(await readPhoto(imagePath)),
    })),
  );
  return (await findNearDuplicates([first!], [second!])).length > 0;
}

/**
 * The stems of a dataset whose photo another folder has: resized or compressed again under the same name, or the same file under
 * any name. Photos that cannot be read count as the same.
 */
async function sharedStems(dataset: Dataset, others: Dataset['items']): Promise<Set<string>> {
  const byStem = new Map(others.map((item) => [item.stem, item]));
  const shared = new Set<string>();
  for (const item of dataset.items) {
    const other = byStem.get(item.stem);
    if (other && (await isSamePhoto(item, other).catch(() => true))) shared.add(item.stem);
  }
  const rest = dataset.items.filter(({ stem }) => !shared.has(stem));
  for (const stem of await copiedStems(rest, others)) shared.add(stem);
  return shared;
}

/** The pairs of a record, read from its folder; undefined if the folder does not contain them any more. */
async function recordedItems(record: DataRecord): Promise<Dataset['items'] | undefined> {
  try {
    const used = usedOf((await openDataset(record.folder)).items, record);
    return hashStems(used) === record.stemsSha256 ? used : undefined;
  } catch (error) {
    if (error instanceof FaceparseError) return undefined;
    throw error;
  }
}

/** What a training on the pairs of a record saw of a dataset. */
async function seenOf(record: DataRecord, dataset: Dataset): Promise<SeenPairs> {
  const [own, recorded] = await Promise.all(
    [dataset.folder, record.folder].map((folder) => realpath(folder).catch(() => undefined)),
  );
  const items = recorded === undefined || recorded === own ? undefined : await recordedItems(record);
  if (items) return { seen: await sharedStems(dataset, items) };
  // The folder itself, or a copy of a folder that is gone: the names tell.
  const used = usedOf(dataset.items, record);
  if (hashStems(used) === record.stemsSha256) {
    const seen = new Set(used.map(({ stem }) => stem));
    // A copy under another name may be in another fold.
    const rest = dataset.items.filter(({ stem }) => !seen.has(stem));
    for (const stem of await copiedStems(rest, used)) seen.add(stem);
    return { seen };
  }
  const pairs = `the ${countOf(record.pairs, 'pair')} of ${record.folder}`;
  const now =
    recorded === undefined ? 'that folder no longer exists' : 'that folder does not contain the same pairs any more';
  return { unknown: `it was trained on ${pairs}, but ${now}, so it is unknown which pairs it saw` };
}

const randomStart = /^random, seed \d+$/;

/**
 * Finds the pairs of a dataset that a run was trained on, in all its parts and in the runs that its initial weights come from.
 *
 * Records count only as far as they can be verified: the names of the recorded pairs must still be those of the recorded folder,
 * or else those of the dataset. Pairs are the same if both name and
 * photo are, or if the photo is the same file under another name.
 *
 * @returns why it is unknown, if the pairs or the initial weights of one of these runs are
 *
 * @example await findSeenPairs(await readEnvironment('runs/a/environment.json'), await openDataset('data/train'))
 */
export async function findSeenPairs(environment: RunEnvironment, dataset: Dataset): Promise<SeenPairs> {
  const earlier = initialRuns(environment);
  const start = earlier.at(-1)?.initialWeights ?? environment.initialWeights;
  if (!randomStart.test(start)) {
    return { unknown: `it started from ${start}; no run folder records which pairs these weights saw` };
  }
  const seen = new Set<string>();
  for (const record of [...allTrainingData(environment), ...earlier.flatMap(({ trainingData }) => trainingData)]) {
    const found = await seenOf(record, dataset);
    if ('unknown' in found) return found;
    for (const stem of found.seen) seen.add(stem);
  }
  return { seen };
}
