import { cp, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { schematicFace, temporaryFolder, writeDataset } from '../../test/dataset-fixture.ts';
import { openDataset } from '../data/dataset/dataset.ts';
import { foldOf, holdOut } from '../data/dataset/folds.ts';
import { type DataRecord, describeData, type RunEnvironment } from '../training/record/environment.ts';
import { findSeenPairs } from './seen-pairs.ts';

const names = Array.from({ length: 12 }, (_, i) => `face-${i}`);

/** A dataset of noise photos; every folder has others, unless it is a copy. */
async function writeFolder(parent: string, name: string, stems: readonly string[]): Promise<string> {
  return writeDataset(join(parent, name), Object.fromEntries(stems.map((stem) => [stem, schematicFace()])));
}

const environmentOf = (trainingData: DataRecord, more: Partial<RunEnvironment> = {}) =>
  ({ initialWeights: 'random, seed 0', trainingData, ...more }) as RunEnvironment;

async function recordOf(folder: string, folds?: number, fold = 0): Promise<DataRecord> {
  return describeData(holdOut(await openDataset(folder), { folds, fold }));
}

async function seenIn(folder: string, environment: RunEnvironment): Promise<string[] | string> {
  const found = await findSeenPairs(environment, await openDataset(folder));
  return 'unknown' in found ? found.unknown : [...found.seen].sort();
}

describe('findSeenPairs', () => {
  it('finds all pairs of the folder, or those outside of the fold', async () => {
    const train = await writeFolder(await temporaryFolder(), 'train', names);
    expect(await seenIn(train, environmentOf(await recordOf(train)))).toEqual([...names].sort());
    const outside = names.filter((name) => foldOf(name, 3) !== 1).sort();
    const held = environmentOf(await recordOf(train, 3, 1));
    expect(await seenIn(train, held)).toEqual(outside);
    // A copy of a folder that is gone is known by its names.
    await rename(train, `${train}-moved`);
    expect(await seenIn(`${train}-moved`, held)).toEqual(outside);
  });

  it('adds the pairs of resumed parts and of the runs that the weights come from', async () => {
    const train = await writeFolder(await temporaryFolder(), 'train', names);
    const [one, two] = [await recordOf(train, 3, 0), await recordOf(train, 3, 1)];
    const all = [...names].sort();
    const part = { step: 4, trainingData: two } as NonNullable<RunEnvironment['resumes']>[number];
    expect(await seenIn(train, environmentOf(one, { resumes: [part] }))).toEqual(all);
    const initialRun = { name: 'a', initialWeights: 'random, seed 1', trainingData: [two] };
    const init = { initialWeights: 'best.safetensors, SHA-256 x', initialRun };
    expect(await seenIn(train, environmentOf(one, init))).toEqual(all);
  });

  it('does not know what weights from elsewhere saw', async () => {
    const train = await writeFolder(await temporaryFolder(), 'train', names);
    const record = await recordOf(train, 3, 0);
    const unknown = /it started from encoder\.pth, SHA-256 x; no run folder records which pairs these weights saw/;
    expect(await seenIn(train, environmentOf(record, { initialWeights: 'encoder.pth, SHA-256 x' }))).toMatch(unknown);
    const initialRun = { name: 'a', initialWeights: 'encoder.pth, SHA-256 x', trainingData: [record] };
    expect(await seenIn(train, environmentOf(record, { initialWeights: 'a, SHA-256 y', initialRun }))).toMatch(unknown);
  });

  it('compares the photos of another folder, since names are not unique', async () => {
    const parent = await temporaryFolder();
    const train = await writeFolder(parent, 'train', names);
    const environment = environmentOf(await recordOf(train));
    const val = await writeFolder(parent, 'val', ['other-0', 'other-1']);
    expect(await seenIn(val, environment)).toEqual([]);
    // The photo of the first pair of a folder depends on its position only.
    const same = await writeFolder(parent, 'same', ['face-0', 'new', 'face-7']);
    expect(await seenIn(same, environment)).toEqual(['face-0']);
    await cp(join(train, 'images', 'face-7.jpg'), join(same, 'images', 'face-7.jpg'));
    expect(await seenIn(same, environment)).toEqual(['face-0', 'face-7']);
  });

  it('does not know the pairs of a folder that has changed or is gone', async () => {
    const parent = await temporaryFolder();
    const train = await writeFolder(parent, 'train', names);
    const val = await writeFolder(parent, 'val', ['other-0', 'other-1']);
    const environment = environmentOf(await recordOf(train));
    for (const part of ['images/face-3.jpg', 'masks/face-3.png']) await rm(join(train, part));
    const changed = /trained on the 12 pairs of \S+, but that folder does not contain the same pairs any more/;
    expect(await seenIn(val, environment)).toMatch(changed);
    expect(await seenIn(train, environment)).toMatch(changed);
    await rm(train, { recursive: true });
    expect(await seenIn(val, environment)).toMatch(
      /but that folder no longer exists, so it is unknown which pairs it saw/,
    );
  });
});
