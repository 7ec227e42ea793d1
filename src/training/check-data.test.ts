import { readFile, truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { beforeEach, describe, expect, it } from 'vitest';
import { maskBytes, schematicFace, temporaryFolder, writeDataset } from '../../test/dataset-fixture.ts';
import { makeUpTable } from '../../test/labels-fixture.ts';
import { type Dataset, openDataset } from '../data/dataset/dataset.ts';
import { decodeDataset } from '../data/decoded/decode-dataset.ts';
import { celebamask19 } from '../labels/celebamask-19.ts';
import { face8 } from '../labels/face-8.ts';
import { getLabelSet } from '../labels/registry.ts';
import { checkLabelledPixels, checkValidationSet, countRepairs, describeRepairs } from './check-data.ts';

const face = schematicFace();
const filled = (id: number) => ({ ...face, data: new Uint8Array(face.data.length).fill(id) });
let dataset: Dataset;
let folder: string;

beforeEach(async () => {
  folder = await temporaryFolder();
  const names = Array.from({ length: 14 }, (_, index) => `p${String(index).padStart(2, '0')}`);
  dataset = await openDataset(await writeDataset(folder, Object.fromEntries(names.map((name) => [name, face]))));
});

const check = (set = celebamask19) =>
  checkValidationSet(dataset, set, undefined).catch((error: Error) => error.message);
const mask = (index: number) => dataset.items[index].maskPath!;

describe('checkValidationSet', () => {
  it('accepts faces, and labels that are ignored in part', async () => {
    const data = face.data.slice();
    data.fill(255, 0, 100);
    await writeFile(mask(0), maskBytes({ ...face, data }));
    expect(await check()).toBeUndefined();
    // Masks of a merged set hold the ids of celebamask-19.
    expect(await check(face8)).toBeUndefined();
  });

  it('finds masks of which a label set drops everything', async () => {
    const set = getLabelSet(makeUpTable());
    expect(await check(set)).toBeUndefined();
    await writeFile(mask(3), maskBytes(filled(3)));
    expect(await check(set)).toMatch(
      /p03\.png has no pixel to score: make-up drops all of its classes; remove the pair/,
    );
  });

  it.each<[string, (path: string) => Promise<unknown>, RegExp]>([
    ['a mask that is cut', (path) => truncate(path, 100), /p03\.png: .*(truncated|damaged)/],
    [
      'a mask of another size',
      (path) => writeFile(path, maskBytes({ ...face, height: 16, data: face.data.slice(512) })),
      /p03\.png is 32×16, but its photo is 32×32; resize/,
    ],
    [
      'a label outside of the set',
      (path) => writeFile(path, maskBytes(filled(19))),
      /p03\.png has the label 19, but the ids of celebamask-19 are 0 to 18; correct/,
    ],
    [
      'nothing but ignored pixels',
      (path) => writeFile(path, maskBytes(filled(255))),
      /p03\.png has no pixel to score: all are 255 \(ignored\); redraw/,
    ],
    [
      'nothing but background',
      (path) => writeFile(path, maskBytes(filled(0))),
      /p03\.png is empty: every pixel is background \(0\); redraw/,
    ],
  ])('names the file of %s', async (_, spoil, message) => {
    await spoil(mask(3));
    const told = await check();
    expect(told).toMatch(message);
    expect(told).not.toContain('\n');
  });

  it('names the first ten of all bad files, photos too, and their number', async () => {
    for (let index = 0; index < 11; index++) await writeFile(mask(index), maskBytes(filled(99)));
    await writeFile(dataset.items[12].imagePath, (await readFile(dataset.items[12].imagePath)).subarray(0, 200));
    const lines = String(await check()).split('\n');
    expect(lines[0]).toBe(`12 bad files in ${folder}:`);
    expect(lines).toHaveLength(12);
    expect(lines[1]).toContain(join('masks', 'p00.png'));
    expect(lines.at(-1)).toBe('  … and 2 more');
  });
});

describe('checkLabelledPixels', () => {
  const decode = (repair = false) => decodeDataset(dataset, { size: 32, labelSet: celebamask19, repair });

  it('is silent about masks with pixels to learn from, and names those without any', async () => {
    expect(checkLabelledPixels(await decode(), folder)).toBeUndefined();
    for (const index of [1, 5]) await writeFile(mask(index), maskBytes(filled(255)));
    expect(checkLabelledPixels(await decode(), folder)).toBe(
      '2 of 14 training masks have no pixel to learn from, because all are 255 (ignored): p01, p05',
    );
  });

  it('refuses masks of which none has any', async () => {
    for (const { maskPath } of dataset.items) await writeFile(maskPath!, maskBytes(filled(255)));
    const decoded = await decode();
    expect(() => checkLabelledPixels(decoded, folder)).toThrow(
      /no training mask in \S+ has a pixel to learn from: all pixels are 255 \(ignored\) in p00, p01, p02 and 11 more; run `faceparse data check /,
    );
  });

  it('counts repairs as a whole and of a part, and doubts them where most masks need them', async () => {
    const record = async () => ({ folder, pairs: 14, stemsSha256: '', repaired: countRepairs(await decode(true))! });
    expect(countRepairs(await decode())).toBeUndefined();
    expect(describeRepairs({ folder, pairs: 14, stemsSha256: '' })).toBeUndefined();
    expect(await record()).toMatchObject({ repaired: { whole: 0, part: 0 } });
    expect(describeRepairs(await record())).toBeUndefined();
    const swapped = maskBytes(schematicFace({ swapped: true }));
    await writeFile(mask(0), swapped);
    await writeFile(mask(1), swapped);
    const onePart = schematicFace({ without: [8, 9] });
    for (let y = 13; y < 19; y++) onePart.data.fill(8, y * 32 + 1, y * 32 + 3);
    await writeFile(mask(2), maskBytes(onePart));
    expect(await record()).toMatchObject({ repaired: { whole: 2, part: 1 } });
    expect(describeRepairs(await record())).toBe(
      'left and right labels exchanged in 2 of 14 training masks, and of a single part in 1 more (data.repair)',
    );
    for (let index = 2; index < 10; index++) await writeFile(mask(index), swapped);
    expect(describeRepairs(await record())).toMatch(
      /^left and right labels exchanged in 10 of 14 .*another convention: validation masks are not repaired, .*data check /,
    );
  });
});
