import { copyFile, mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import sharp from 'sharp';
import { describe, expect, test } from 'vitest';
import { jpegBytes, maskBytes, schematicFace, temporaryFolder, writeDataset } from '../../../test/dataset-fixture.ts';
import { celebamask19 } from '../../labels/celebamask-19.ts';
import { checkDataset } from './check-dataset.ts';
import { formatCheckReport } from './report.ts';

async function goodDataset(): Promise<string> {
  return writeDataset(await temporaryFolder(), { a: schematicFace(), b: schematicFace({ without: [4, 6] }) });
}

/** The faults of a good dataset after one change, as `kind stem message`. */
async function faultsAfter(change: (folder: string) => Promise<unknown>): Promise<string[]> {
  const folder = await goodDataset();
  await change(folder);
  const { problems } = await checkDataset(folder, celebamask19);
  return problems.map(({ kind, stem, message }) => `${kind} ${stem} ${message.replaceAll(folder, 'DATA')}`);
}

describe('checkDataset', () => {
  test('a good dataset has no problem, and every pair is reported as progress', async () => {
    const folder = await goodDataset();
    const seen: number[] = [];
    const result = await checkDataset(folder, celebamask19, { onProgress: (done) => seen.push(done) });
    expect(result).toEqual({ folder, pairs: 2, problems: [], swapped: [], misplaced: [], duplicates: [] });
    expect(seen).toEqual([1, 2]);
    expect(formatCheckReport(result)).toBe(`${folder}: 2 pairs of photo and mask\n\nno problems found`);
  });

  test.each<[string, (folder: string) => Promise<unknown>, RegExp]>([
    ['photo without mask', (f) => rm(join(f, 'masks/a.png')), /^missing-mask a has no mask DATA\/masks\/a\.png$/],
    ['mask without photo', (f) => rm(join(f, 'images/a.jpg')), /^missing-photo a has no photo a\.jpg/],
    [
      'two photos of one stem',
      (f) => copyFile(join(f, 'images/a.jpg'), join(f, 'images/a.jpeg')),
      /^duplicate-photo a shares its name with DATA\/images\/a\.jpg$/,
    ],
    [
      'truncated JPEG',
      async (f) => writeFile(join(f, 'images/a.jpg'), (await jpegBytes(32, 32)).subarray(0, 500)),
      /^unreadable-photo a is truncated or damaged/,
    ],
    [
      'RGB mask',
      async (f) => writeFile(join(f, 'masks/a.png'), await sharp(join(f, 'images/a.jpg')).png().toBuffer()),
      /^unreadable-mask a is not usable as a mask: an RGB PNG/,
    ],
    [
      '16-bit mask',
      async (f) =>
        writeFile(
          join(f, 'masks/a.png'),
          await sharp(join(f, 'images/a.jpg')).toColourspace('grey16').png().toBuffer(),
        ),
      /^unreadable-mask a is not usable as a mask: a 16-bit/,
    ],
    [
      'truncated mask',
      async (f) => writeFile(join(f, 'masks/a.png'), (await readFile(join(f, 'masks/a.png'))).subarray(0, 900)),
      /^unreadable-mask a is not usable as a mask: the PNG is truncated/,
    ],
    [
      'sizes differ',
      async (f) => writeFile(join(f, 'images/a.jpg'), await jpegBytes(32, 30)),
      /^size-mismatch a is 32×32, but its photo is 32×30$/,
    ],
    [
      'empty mask',
      async (f) => writeFile(join(f, 'masks/a.png'), maskBytes({ width: 32, height: 32, data: new Uint8Array(1024) })),
      /^empty-mask a is empty: every pixel is background \(0\)$/,
    ],
    [
      'label 200',
      async (f) => {
        const { width, height, data } = schematicFace();
        data.set([200, 200, 19], 0);
        await writeFile(join(f, 'masks/a.png'), maskBytes({ width, height, data }));
      },
      /^stray-labels a has label 19 in 1 pixel, label 200 in 2 pixels, but the ids of celebamask-19 are 0 to 18$/,
    ],
  ])('%s', async (_, change, fault) => {
    const faults = await faultsAfter(change);
    expect(faults).toHaveLength(1);
    expect(faults[0]).toMatch(fault);
  });

  test('an empty folder is a problem, a missing one an error', async () => {
    const folder = await temporaryFolder();
    await expect(checkDataset(folder, celebamask19)).rejects.toThrow(/has no folder images\//);
    await mkdir(join(folder, 'images'));
    const result = await checkDataset(folder, celebamask19);
    expect(result.problems).toMatchObject([
      { kind: 'empty-dataset', message: 'contains no photos, and masks/ no masks' },
    ]);
    expect(formatCheckReport(result)).not.toContain('no problems found');
  });

  test('swapped masks and lone misplaced parts are listed apart', async () => {
    const face = schematicFace({ without: [8] });
    const slip = { ...face, data: face.data.map((id) => (id === 9 ? 8 : id)) };
    const folder = await writeDataset(await temporaryFolder(), {
      fine: schematicFace(),
      slip,
      turned: schematicFace({ swapped: true, without: [8, 9] }),
    });
    const result = await checkDataset(folder, celebamask19);
    expect(result.swapped).toMatchObject([{ stem: 'turned', parts: ['eye', 'brow'] }]);
    expect(result.misplaced).toMatchObject([{ stem: 'slip', parts: ['ear'] }]);
    const report = formatCheckReport(result);
    expect(report).toContain('in reversed order): 1\n  turned  eye, brow');
    expect(report).toContain('0 problems, 2 masks to repair');
  });

  test('an aborted signal ends the check', async () => {
    const folder = await goodDataset();
    await expect(checkDataset(folder, celebamask19, { signal: AbortSignal.abort(new Error('stop')) })).rejects.toThrow(
      'stop',
    );
  });
});

test('formatCheckReport names the first of each kind, counts the rest, and says each remedy once', () => {
  const problems = Array.from({ length: 12 }, (_, i) => ({
    kind: 'missing-mask' as const,
    stem: `s${i}`,
    file: `images/s${i}.jpg`,
    message: `has no mask masks/s${i}.png`,
    remedy: 'add the mask or remove the photo',
  }));
  const report = formatCheckReport(
    { folder: 'DATA', pairs: 0, problems, swapped: [], misplaced: [], duplicates: [] },
    { limit: 2 },
  );
  expect(report.split('\n')).toEqual([
    'DATA: 0 pairs of photo and mask',
    '',
    'photo without a mask: 12',
    '  images/s0.jpg has no mask masks/s0.png',
    '  images/s1.jpg has no mask masks/s1.png',
    '  … and 10 more',
    '  → add the mask or remove the photo',
    '',
    '12 problems, 0 masks to repair',
  ]);
});
