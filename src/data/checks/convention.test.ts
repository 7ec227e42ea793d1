import { readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { maskBytes, schematicFace, temporaryFolder, writeDataset } from '../../../test/dataset-fixture.ts';
import { decodePalettePng } from '../../formats/png/palette-png.ts';
import type { LabelMap } from '../../image/image.ts';
import { celebamask19 } from '../../labels/celebamask-19.ts';
import { writeSyntheticDataset } from '../../synthetic/dataset.ts';
import { repairDataset } from '../dataset/repair.ts';
import { checkDataset } from './check-dataset.ts';

const mapIds = ({ width, height, data }: LabelMap, map: (id: number) => number): LabelMap => ({
  width,
  height,
  data: data.map(map),
});

/** Drawn faces with all parts, whose ids are changed. */
async function syntheticFaces(map: (id: number) => number): Promise<string> {
  const folder = await writeSyntheticDataset({
    folder: await temporaryFolder(),
    count: 5,
    size: 96,
    seed: 5,
    split: 'x',
  });
  for (const name of await readdir(join(folder, 'masks'))) {
    const file = join(folder, 'masks', name);
    await writeFile(file, maskBytes(mapIds(decodePalettePng(await readFile(file)), map)));
  }
  return folder;
}

async function facesOf(masks: readonly LabelMap[]): Promise<string> {
  return writeDataset(await temporaryFolder(), Object.fromEntries(masks.map((mask, index) => [`face-${index}`, mask])));
}

describe('ids that are 1 too high or too low', () => {
  it.each([
    [1, 'high: background is 1 instead of 0', 'subtract 1 from every id'],
    [-1, 'low: background is 255 and skin is 0', 'add 1 to every id'],
  ])('a shift by %i is one problem without advice about sides', async (shift, says, remedy) => {
    const folder = await syntheticFaces((id) => (id + shift) & 255);
    const { problems, swapped, misplaced } = await checkDataset(folder, celebamask19);
    expect(problems).toMatchObject([{ kind: 'shifted-ids', stem: '', file: join(folder, 'masks') }]);
    expect(problems[0].message).toBe(`contains masks whose ids are 1 too ${says}`);
    expect(problems[0].remedy).toContain(remedy);
    expect(problems[0].remedy).not.toContain('--swap-sides');
    expect([...swapped, ...misplaced]).toEqual([]);
    await expect(repairDataset(folder, `${folder}-out`, celebamask19)).rejects.toThrow(
      /are 1 too (high|low), which swapping|has label 19/,
    );
  });

  it('is found in a single mask by the id after the last one', async () => {
    const face = schematicFace({ swapped: true });
    face.data.fill(18, 31 * 32);
    const { problems } = await checkDataset(await facesOf([mapIds(face, (id) => id + 1)]), celebamask19);
    expect(problems.map(({ kind }) => kind)).toEqual(['shifted-ids']);
  });

  it('a stray label in faces without background is no shift', async () => {
    const folder = await syntheticFaces((id) => (id === 0 ? 13 : id));
    for (const name of await readdir(join(folder, 'masks'))) {
      const file = join(folder, 'masks', name);
      const mask = decodePalettePng(await readFile(file));
      mask.data[0] = 19;
      await writeFile(file, maskBytes(mask));
    }
    const { problems } = await checkDataset(folder, celebamask19);
    expect(new Set(problems.map(({ kind }) => kind))).toEqual(new Set(['stray-labels']));
  });
});

describe('sides of masks with stray labels', () => {
  const stray = () => {
    const face = schematicFace({ swapped: true });
    face.data[0] = 200;
    return face;
  };

  it('are not judged, because their repair would fail', async () => {
    const folder = await facesOf([schematicFace(), schematicFace(), stray()]);
    const { problems, swapped } = await checkDataset(folder, celebamask19);
    expect(problems.map(({ kind }) => kind)).toEqual(['stray-labels']);
    expect(swapped).toEqual([]);
  });

  it('come after the labels if the others are swapped', async () => {
    const other = schematicFace({ swapped: true });
    const { problems } = await checkDataset(await facesOf([other, other, other, stray()]), celebamask19);
    expect(problems.find(({ kind }) => kind === 'viewer-sides')?.remedy).toMatch(
      /^first correct the labels outside the label set, then swap the sides/,
    );
  });
});

describe('masks of 0 and 1', () => {
  const hair = () => mapIds(schematicFace(), (id) => (id === 13 ? 1 : 0));

  it.each([1, 4])('%i such masks are black-and-white masks', async (count) => {
    const { problems } = await checkDataset(await facesOf(Array.from({ length: count }, hair)), celebamask19);
    expect(problems).toMatchObject([{ kind: 'binary-mask', stem: '' }]);
    expect(problems[0].message).toMatch(
      /^contains masks with only the values 0 and 1 \(\d of \d masks?\): .*1 is skin/,
    );
    expect(problems[0].remedy).toContain('13 for hair');
  });

  it('one such mask among faces is fine', async () => {
    const { problems } = await checkDataset(await facesOf([schematicFace(), schematicFace(), hair()]), celebamask19);
    expect(problems).toEqual([]);
  });
});
