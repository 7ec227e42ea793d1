import { cp, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { schematicFace, temporaryFolder, writeDataset } from '../../test/dataset-fixture.ts';
import { openDataset } from '../data/dataset/dataset.ts';
import { foldOf, holdOut } from '../data/dataset/folds.ts';
import { type DataRecord, describeData, type RunEnvironment } from '../training/record/environment.ts';
import { findSeenPairs } from './seen-pairs.ts';

const names = Array.from({ length: 12 }, (_, i) => `face-${i}`);

/** A dataset of noise photos, which depend on the position of their pair only; the pairs before position `from` are left out. */
async function writeFolder(parent: string, name: string, stems: readonly string[], from = 0): Promise<string> {
  const left = Array.from({ length: from }, (_, i) => `left-${i}`);
  const all = Object.fromEntries([...left, ...stems].map((stem) => [stem, schematicFace()]));
  const folder = await writeDataset(join(parent, name), all);
  for (const stem of left) {
    for (const file of [`images/${stem}.jpg`, `masks/${stem}.png`]) await rm(join(folder, file));
  }
  return folder;
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
    const val = await writeFolder(parent, 'val', ['other-0', 'face-7'], names.length);
    expect(await seenIn(val, environment)).toEqual([]);
    await cp(join(train, 'images', 'face-7.jpg'), join(val, 'images', 'face-7.jpg'));
    expect(await seenIn(val, environment)).toEqual(['face-7']);
  });

  it('knows copies of a photo under other names, in another folder and in another fold', async () => {
    const parent = await temporaryFolder();
    const train = await writeFolder(parent, 'train', names);
    const renamed = await writeFolder(parent, 'renamed', ['a', 'b']);
    expect(await seenIn(renamed, environmentOf(await recordOf(train)))).toEqual(['a', 'b']);
    const held = names.filter((name) => foldOf(name, 3) === 1);
    const used = names.find((name) => foldOf(name, 3) !== 1)!;
    await cp(join(train, 'images', `${used}.jpg`), join(train, 'images', `${held[0]}.jpg`));
    const seen = await seenIn(train, environmentOf(await recordOf(train, 3, 1)));
    expect(seen).toContain(held[0]);
    expect(seen).not.toContain(held[1]);
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
