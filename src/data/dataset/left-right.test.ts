import { existsSync } from 'node:fs';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { schematicFace } from '../../../test/dataset-fixture.ts';
import type { LabelMap } from '../../image/image.ts';
import { readMask } from '../../image/read-image.ts';
import { celebamask19 } from '../../labels/celebamask-19.ts';
import { face8 } from '../../labels/face-8.ts';
import { openDataset } from './dataset.ts';
import { detectSwap, detectViewerSides, repairSwap, swapViewerSides } from './left-right.ts';

const allPairs = [
  [4, 5],
  [6, 7],
  [8, 9],
];

/** Mirror the image without exchanging labels, which is how swapped masks come about. */
function mirrorPixels({ width, height, data }: LabelMap): LabelMap {
  return { width, height, data: data.map((_, i) => data[i - (i % width) + (width - 1 - (i % width))]) };
}

describe('detectSwap', () => {
  test('a correct face is left alone, its mirrored photo is swapped', () => {
    const face = schematicFace();
    expect(detectSwap(face, celebamask19)).toMatchObject({ swapped: false, pairs: [] });
    expect(detectSwap(mirrorPixels(face), celebamask19)).toMatchObject({ swapped: true, pairs: allPairs });
    expect(repairSwap(face, celebamask19)).toBe(face);
  });

  test.each([
    [
      'no eyes (glasses)',
      [4, 5],
      [
        [6, 7],
        [8, 9],
      ],
    ],
    [
      'no brows',
      [6, 7],
      [
        [4, 5],
        [8, 9],
      ],
    ],
    ['one eye', [4], allPairs],
    ['one ear', [9], allPairs],
    [
      'no ears',
      [8, 9],
      [
        [4, 5],
        [6, 7],
      ],
    ],
    ['no nose, one ear', [2, 8], allPairs],
  ])('swapped face with %s', (_, without, pairs) => {
    const found = detectSwap(schematicFace({ swapped: true, without }), celebamask19);
    expect(found).toMatchObject({ swapped: true, pairs });
  });

  test('a lone ear on the wrong side is exchanged alone', () => {
    const face = schematicFace({ without: [8] });
    const slip = { ...face, data: face.data.map((id) => (id === 9 ? 8 : id)) };
    const found = detectSwap(slip, celebamask19);
    expect(found).toMatchObject({ swapped: false, pairs: [[8, 9]] });
    expect(found.evidence.at(-1)).toMatchObject({ part: 'ear', by: 'nose', reversed: true });
    expect(repairSwap(slip, celebamask19)).toEqual(face);
  });

  test('a lone eye close to the nose, as in a profile, says nothing', () => {
    const data = new Uint8Array(100 * 10);
    data[5 * 100 + 50] = 2;
    data[5 * 100 + 59] = 5;
    expect(detectSwap({ width: 100, height: 10, data }, celebamask19)).toEqual({
      swapped: false,
      pairs: [],
      evidence: [],
    });
    data[5 * 100 + 65] = 5;
    data[5 * 100 + 59] = 0;
    expect(detectSwap({ width: 100, height: 10, data }, celebamask19)).toMatchObject({
      swapped: false,
      pairs: [[4, 5]],
    });
  });

  test('where eyes and brows disagree only the reversed pair is exchanged', () => {
    const face = schematicFace();
    const brows = { ...face, data: face.data.map((id) => (id === 6 ? 7 : id === 7 ? 6 : id)) };
    expect(detectSwap(brows, celebamask19)).toMatchObject({ swapped: true, pairs: [[6, 7]] });
  });

  test('empty masks and label sets without pairs are never swapped', () => {
    const empty = { width: 4, height: 4, data: new Uint8Array(16) };
    expect(detectSwap(empty, celebamask19)).toEqual({ swapped: false, pairs: [], evidence: [] });
    expect(detectSwap(schematicFace({ swapped: true }), face8)).toEqual({ swapped: false, pairs: [], evidence: [] });
  });

  test('a repaired mask needs no repair, and keeps every pixel up to its side (property)', () => {
    const maps = fc
      .record({ width: fc.integer({ min: 1, max: 12 }), height: fc.integer({ min: 1, max: 6 }) })
      .chain(({ width, height }) =>
        fc
          .uint8Array({ minLength: width * height, maxLength: width * height, max: 18 })
          .map((data) => ({ width, height, data: new Uint8Array(data) })),
      );
    const sideless = (id: number): number => (id >= 4 && id <= 9 ? id & ~1 : id);
    fc.assert(
      fc.property(maps, (map) => {
        const repaired = repairSwap(map, celebamask19);
        expect(detectSwap(repaired, celebamask19).pairs).toEqual([]);
        expect(repaired.data.map(sideless)).toEqual(map.data.map(sideless));
      }),
    );
  });
});

const real = '../shared/data/celebamask-mini';

describe.skipIf(!existsSync(real))(`celebamask-mini (skipped without ${real})`, () => {
  const countSwaps = async (split: string): Promise<{ swapped: number; misplaced: number; disagreeing: number }> => {
    const { items } = await openDataset(`${real}/${split}`);
    const total = { swapped: 0, misplaced: 0, disagreeing: 0 };
    for (const { maskPath } of items) {
      const { swapped, pairs, evidence } = detectSwap(await readMask(maskPath!), celebamask19);
      if (swapped) total.swapped++;
      else if (pairs.length > 0) total.misplaced++;
      if (swapped && evidence.some(({ reversed }) => !reversed)) total.disagreeing++;
    }
    return total;
  };

  test('67 of the 1000 training masks are swapped', async () => {
    expect(await countSwaps('train')).toEqual({ swapped: 67, misplaced: 7, disagreeing: 0 });
  });

  test('no validation mask is swapped', async () => {
    expect(await countSwaps('val')).toEqual({ swapped: 0, misplaced: 0, disagreeing: 0 });
  });
});

describe('detectViewerSides', () => {
  const [right, swapped] = [schematicFace(), schematicFace({ swapped: true })].map((map) =>
    detectSwap(map, celebamask19),
  );
  const unknown = detectSwap(schematicFace({ without: [4, 5, 6, 7] }), celebamask19);

  test.each([
    ['all are swapped', [swapped, swapped, swapped], { judged: 3, swapped: 3 }],
    ['most are swapped', [swapped, right, swapped, unknown], { judged: 3, swapped: 2 }],
    ['half are swapped', [swapped, right, swapped, right], undefined],
    ['two masks show the order', [swapped, swapped, unknown, unknown], undefined],
    ['there is no mask', [], undefined],
  ])('%s', (_, findings, expected) => {
    expect(detectViewerSides(findings)).toEqual(expected);
  });

  test('swapViewerSides swaps all pairs, but not in a mask of the other convention', () => {
    const bare = schematicFace({ swapped: true, without: [2, 4, 5, 6, 7, 9] });
    expect(swapViewerSides(bare, celebamask19)).toEqual(schematicFace({ without: [2, 4, 5, 6, 7, 8] }));
    expect(swapViewerSides(schematicFace({ swapped: true }), celebamask19)).toEqual(schematicFace());
    expect(swapViewerSides(schematicFace(), celebamask19)).toEqual(schematicFace());
  });
});
