import { existsSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { maskInOrder } from '../../../test/class-order-fixture.ts';
import { schematicFace, temporaryFolder, writeDataset } from '../../../test/dataset-fixture.ts';
import { statisticsChart } from '../../charts/statistics-chart.ts';
import type { LabelMap } from '../../image/image.ts';
import { celebamask19 } from '../../labels/celebamask-19.ts';
import { getClassOrder } from '../../labels/class-orders.ts';
import { face8 } from '../../labels/face-8.ts';
import { drawSyntheticFace } from '../../synthetic/face.ts';
import { datasetStatistics, formatPercent, formatStatisticsTable } from './statistics.ts';

/** A 10×10 mask with the given pixel counts, background elsewhere. */
function maskOf(counts: Record<number, number>): LabelMap {
  const ids = Object.entries(counts).flatMap(([id, pixels]) => new Array<number>(pixels).fill(Number(id)));
  const data = new Uint8Array(100);
  data.set(ids);
  return { width: 10, height: 10, data };
}

async function sample(): Promise<string> {
  return writeDataset(await temporaryFolder(), {
    a: maskOf({ 1: 50, 13: 10 }),
    b: maskOf({ 1: 30, 13: 20 }),
    c: maskOf({ 1: 10, 12: 1 }),
  });
}

const faces = [0, 1, 2, 3].map((seed) => drawSyntheticFace(seed, 64).labels);
const changed = (map: LabelMap, change: (id: number) => number): LabelMap => ({ ...map, data: map.data.map(change) });

describe('doubt', () => {
  const doubtOf = async (masks: readonly LabelMap[], merge = false): Promise<string | undefined> => {
    const folder = await writeDataset(await temporaryFolder(), Object.fromEntries(masks.entries()));
    return (await datasetStatistics(folder, merge ? face8 : celebamask19, { merge })).doubt;
  };

  test.each<[string, (map: LabelMap) => LabelMap, RegExp]>([
    ['all 255', (map) => changed(map, () => 255), /^all pixels are 255 \(ignored\) in 4 of 4 masks$/],
    [
      '0 and 255',
      (map) => changed(map, (id) => (id === 13 ? 255 : 0)),
      /^at most two classes, as in a binary mask, in 4 of 4 masks$/,
    ],
    [
      '0 and 1',
      (map) => changed(map, (id) => (id === 13 ? 1 : 0)),
      /^at most two classes, as in a binary mask, in 4 of 4 masks$/,
    ],
    [
      'another order',
      (map) => maskInOrder(map, getClassOrder('bisenet')),
      /^the masks seem to have the class order of face-parsing\.PyTorch/,
    ],
    [
      'no order',
      (map) => changed(map, (id) => (id * 7) % 19),
      /^parts are not where they are in a face in \d of \d judged masks$/,
    ],
  ])('of masks with %s', async (_, change, expected) => {
    expect(await doubtOf(faces.map(change))).toMatch(expected);
    expect(await doubtOf(faces.map(change), true)).toMatch(expected);
  });

  test('none of right masks, nor if one of them is odd', async () => {
    expect(await doubtOf(faces)).toBeUndefined();
    expect(await doubtOf(faces, true)).toBeUndefined();
    expect(await doubtOf([changed(faces[0], () => 255), ...faces.slice(1)])).toBeUndefined();
  });
});

describe('datasetStatistics', () => {
  test('counts pixels, presence, mean and median by hand', async () => {
    const statistics = await datasetStatistics(await sample(), celebamask19);
    expect(statistics).toMatchObject({ labelSet: 'celebamask-19', images: 3, pixels: 300 });
    expect(statistics.meanClassesPerImage).toBeCloseTo(3);
    const [skin, hair, lip, hat] = [1, 13, 12, 14].map((id) => statistics.classes[id]);
    expect(skin).toMatchObject({ name: 'skin', pixels: 90, share: 0.3, images: 3, medianPixels: 30 });
    expect(skin.meanShareWherePresent).toBeCloseTo(0.3);
    expect(hair).toMatchObject({ pixels: 30, share: 0.1, images: 2, medianPixels: 15 });
    expect(hair.meanShareWherePresent).toBeCloseTo(0.15);
    expect(lip).toMatchObject({ pixels: 1, images: 1, medianPixels: 1 });
    expect(hat).toMatchObject({ pixels: 0, share: 0, images: 0, meanShareWherePresent: 0, medianPixels: 0 });
    expect(statistics.classes.reduce((sum, { share }) => sum + share, 0)).toBeCloseTo(1);
  });

  test('merges celebamask-19 masks into face-8', async () => {
    const { classes } = await datasetStatistics(await sample(), face8, { merge: true });
    const skin = classes.find(({ name }) => name === 'skin');
    const mouth = classes.find(({ name }) => name === 'mouth');
    expect(classes).toHaveLength(8);
    expect(skin).toMatchObject({ pixels: 90, images: 3 });
    expect(mouth).toMatchObject({ pixels: 1, images: 1 });
    expect(classes[0].pixels).toBe(300 - 91);
  });

  test('ignored pixels count in no share, merged or not', async () => {
    const folder = await writeDataset(await temporaryFolder(), {
      a: maskOf({ 1: 30, 13: 10, 255: 20 }),
      b: maskOf({ 255: 100 }),
    });
    const statistics = await datasetStatistics(folder, celebamask19);
    expect(statistics).toMatchObject({ images: 2, pixels: 80, ignoredPixels: 120 });
    expect(statistics.classes[1]).toMatchObject({
      pixels: 30,
      share: 30 / 80,
      meanShareWherePresent: 30 / 80,
      images: 1,
    });
    expect(statistics.meanClassesPerImage).toBe(1.5);
    expect(formatStatisticsTable(statistics)).toContain(
      '\n60.0 % of all pixels are ignored (255); shares are of the rest\n',
    );
    const merged = await datasetStatistics(folder, face8, { merge: true });
    expect(merged).toMatchObject({ pixels: 80, ignoredPixels: 120 });
    expect(merged.classes[1].share).toBe(30 / 80);
  });

  test('masks of ignored pixels alone give shares of 0', async () => {
    const folder = await writeDataset(await temporaryFolder(), { a: maskOf({ 255: 100 }) });
    const statistics = await datasetStatistics(folder, celebamask19);
    expect(statistics).toMatchObject({ pixels: 0, ignoredPixels: 100, meanClassesPerImage: 0 });
    expect(statistics.classes.every(({ share, images }) => share === 0 && images === 0)).toBe(true);
    expect(await statisticsChart(statistics)).not.toContain('NaN');
  });

  test('ids of celebamask-19 need --merge to be counted as another set', async () => {
    const folder = await writeDataset(await temporaryFolder(), { a: maskOf({ 13: 100 }) });
    await expect(datasetStatistics(folder, face8)).rejects.toThrow(
      /a\.png: has label 13 .* not in face-8; add --merge if the masks contain ids of celebamask-19$/,
    );
  });

  test('a label outside the set is an error that names file and label, merged or not', async () => {
    const folder = await writeDataset(await temporaryFolder(), { bad: maskOf({ 200: 3 }) });
    for (const merge of [false, true]) {
      const set = merge ? face8 : celebamask19;
      const run = datasetStatistics(folder, set, { merge });
      await expect(run).rejects.toThrow(
        /bad\.png: has label 200 \(3 pixels\), which is not in .*; run faceparse data check /,
      );
    }
  });
});

test.each([
  [0, '0 %'],
  [1, '100 %'],
  [0.31234, '31.2 %'],
  [0.0408, '4.08 %'],
  [0.004, '0.40 %'],
  [0.000086, '0.0086 %'],
  [1e-9, '<0.0001 %'],
])('formatPercent(%f) is %s', (share, text) => {
  expect(formatPercent(share)).toBe(text);
});

test('the table is aligned and marks absent classes', async () => {
  const statistics = await datasetStatistics(await sample(), celebamask19);
  const lines = formatStatisticsTable(statistics).split('\n');
  expect(lines).toHaveLength(4 + 19);
  expect(lines[0]).toMatch(/: 3 masks, celebamask-19, 3\.0 classes per image$/);
  expect(new Set(lines.slice(2).map((line) => line.length)).size).toBe(1);
  expect(lines[4 + 13].split(/ {2,}/)).toEqual(['13', 'hair', '10.0 %', '2', '66.7 %', '15.0 %', '15']);
  expect(lines[4 + 14].trim().split(/ {2,}/)).toEqual(['14', 'hat', '0 %', '0', '0 %', '–', '–']);
});

test('the chart is an SVG with every class, its colour and its numbers', async () => {
  const svg = await statisticsChart(await datasetStatistics(await sample(), celebamask19));
  expect(svg).toMatch(/^<svg .*<\/svg>$/s);
  for (const { name } of celebamask19.classes) expect(svg).toContain(`>${name}</text>`);
  expect(svg).toContain('>30.0 %</text>');
  expect(svg).toContain('>66.7 %</text>');
  expect(svg).toMatch(/fill="(rgb\(204,0,0\)|#cc0000|#CC0000)"/);
  expect(svg).not.toMatch(/NaN|undefined/);
});

test('the chart of one small face set has no NaN either', async () => {
  const folder = await writeDataset(await temporaryFolder(), { a: schematicFace() });
  expect(await statisticsChart(await datasetStatistics(folder, face8, { merge: true }))).not.toContain('NaN');
});

const real = '../shared/data/celebamask-mini/train';

test.skipIf(!existsSync(real))(`the training split has the known shares (skipped without ${real})`, async () => {
  const { classes, meanClassesPerImage } = await datasetStatistics(real, celebamask19);
  const of = (name: string) => classes.find((entry) => entry.name === name)!;
  expect(meanClassesPerImage).toBeCloseTo(13.4, 1);
  const percent = (name: string): number => Math.round(of(name).share * 1000) / 10;
  expect(['hair', 'background', 'skin', 'neck', 'cloth', 'nose', 'hat'].map(percent)).toEqual([
    31, 28.8, 25.5, 4.1, 3.4, 2.1, 1.1,
  ]);
  const presence = ['l_eye', 'r_eye', 'l_brow', 'r_brow', 'l_ear', 'r_ear', 'ear_r', 'eye_g', 'hat', 'neck_l'];
  expect(presence.map((name) => of(name).images)).toEqual([970, 971, 968, 966, 533, 481, 234, 58, 53, 45]);
  expect(of('neck_l').medianPixels).toBe(130);
});
