import { existsSync } from 'node:fs';
import { copyFile, mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import sharp from 'sharp';
import { describe, expect, test } from 'vitest';
import { jpegBytes, maskBytes, schematicFace, temporaryFolder, writeDataset } from '../../../test/dataset-fixture.ts';
import { decodePalettePng, encodePalettePng } from '../../formats/png/palette-png.ts';
import { celebamask19 } from '../../labels/celebamask-19.ts';
import { classOrderTable, getClassOrder } from '../../labels/class-orders.ts';
import { writeSyntheticDataset } from '../../synthetic/dataset.ts';
import { checkDataset, checkSplits, listSplits } from './check-dataset.ts';
import { formatCheckReport, formatSplitsReport } from './report.ts';

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

const nothingFound = { problems: [], swapped: [], misplaced: [], duplicates: [] };

describe('checkDataset', () => {
  test('a good dataset has no problem, and every pair is reported as progress', async () => {
    const folder = await goodDataset();
    const seen: number[] = [];
    const result = await checkDataset(folder, celebamask19, { onProgress: (done) => seen.push(done) });
    expect(result).toEqual({ folder, pairs: 2, maskSuffix: '', leftAlone: [], ...nothingFound });
    expect(seen).toEqual([1, 2]);
    expect(formatCheckReport(result)).toBe(`${folder}: 2 pairs of photo and mask\n\nno problems found`);
  });

  test.each<[string, (folder: string) => Promise<unknown>, RegExp]>([
    ['photo without mask', (f) => rm(join(f, 'masks/a.png')), /^missing-mask a has no mask DATA\/masks\/a\.png$/],
    [
      'mask without photo',
      (f) => rm(join(f, 'images/a.jpg')),
      /^missing-photo a has no photo of this name in DATA\/images$/,
    ],
    [
      'mask that is a JPEG',
      async (f) => {
        await rm(join(f, 'masks/a.png'));
        await copyFile(join(f, 'images/a.jpg'), join(f, 'masks/a.jpg'));
      },
      /^mask-format a is a JPEG image, not a PNG$/,
    ],
    [
      'two photos of one stem',
      (f) => copyFile(join(f, 'images/a.jpg'), join(f, 'images/a.jpeg')),
      /^duplicate-photo a shares its name with DATA\/images\/a\.jpg$/,
    ],
    [
      'two masks of one stem',
      (f) => copyFile(join(f, 'masks/a.png'), join(f, 'masks/a.PNG')),
      /^duplicate-mask a shares its name with DATA\/masks\/a\.png$/,
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

  test('if most masks are swapped, that is a convention and not for repair', async () => {
    const swapped = schematicFace({ swapped: true });
    const folder = await writeDataset(await temporaryFolder(), {
      a: swapped,
      b: swapped,
      c: schematicFace(),
      d: { ...schematicFace({ without: [4, 5, 6, 7] }) },
    });
    const result = await checkDataset(folder, celebamask19);
    expect(result.problems).toMatchObject([{ kind: 'viewer-sides', stem: '', file: join(folder, 'masks') }]);
    expect(result.problems[0].message).toContain('(2 of 3 masks with both eyes or brows)');
    expect(result.swapped.map(({ stem }) => stem)).toEqual(['a', 'b']);
    const report = formatCheckReport(result);
    expect(report).toContain(`faceparse data check ${folder} --repair-out NEW_FOLDER --swap-sides`);
    expect(report).toContain('1 problem');
    expect(report).not.toContain('writes corrected masks');
  });

  test('the class order of another program is named, and nothing in it is called swapped', async () => {
    const folder = join(
      await writeSyntheticDataset({ folder: await temporaryFolder(), count: 5, size: 96, seed: 5, split: 'x' }),
    );
    const order = getClassOrder('lapa');
    const table = new Uint8Array(256);
    // Classes that the order lacks are background there.
    for (const [id, to] of classOrderTable(order).entries()) if (id < order.classes.length) table[to] = id;
    for (const name of await readdir(join(folder, 'masks'))) {
      const file = join(folder, 'masks', name);
      const { width, height, data } = decodePalettePng(await readFile(file));
      await writeFile(file, maskBytes({ width, height, data: data.map((id) => table[id]) }));
    }
    const result = await checkDataset(folder, celebamask19);
    expect(result.problems.map(({ kind }) => kind)).toEqual(['class-order']);
    expect(result.problems[0].remedy).toContain(`faceparse data convert ${folder} --from lapa`);
    expect([...result.swapped, ...result.misplaced]).toEqual([]);
  });

  test('a mask with any of these problems is not judged for swapped sides', async () => {
    const { width, height, data } = schematicFace({ swapped: true });
    const folder = await writeDataset(await temporaryFolder(), { a: schematicFace() });
    await writeFile(join(folder, 'images/b.jpg'), await jpegBytes(32, 32, 9));
    // Left and right have exchanged ids, but the palette knows the classes.
    const palette = celebamask19.classes.map(({ color }) => color);
    const exchanged = palette.map((_, id) => palette[[0, 1, 2, 3, 5, 4, 7, 6, 9, 8][id] ?? id]);
    await writeFile(join(folder, 'masks/b.png'), encodePalettePng({ width, height, data }, exchanged));
    const result = await checkDataset(folder, celebamask19);
    expect(result.problems).toMatchObject([{ kind: 'palette-order', stem: 'b' }]);
    expect(result.swapped).toEqual([]);
  });

  test('photos that repeat another one are listed apart from the problems', async () => {
    const folder = await goodDataset();
    await writeFile(join(folder, 'images/b.jpg'), await sharp(join(folder, 'images/a.jpg')).flop().toBuffer());
    const result = await checkDataset(folder, celebamask19);
    const original = join(folder, 'images/a.jpg');
    expect(result.problems).toEqual([]);
    expect(result.duplicates).toMatchObject([{ stem: 'b', original, mirrored: true }]);
    expect(formatCheckReport(result)).toContain(
      `nearly the same photo: 1\n  ${join(folder, 'images/b.jpg')} mirrors ${original}\n  → keep one of each`,
    );
    expect(formatCheckReport(result)).toContain('0 problems, 1 repeated photo');
  });

  test('an aborted signal ends the check', async () => {
    const folder = await goodDataset();
    await expect(checkDataset(folder, celebamask19, { signal: AbortSignal.abort(new Error('stop')) })).rejects.toThrow(
      'stop',
    );
  });
});

describe('checkSplits', () => {
  test('checks every split, and finds photos of one in another', async () => {
    const data = await temporaryFolder();
    for (const split of ['val', 'extra', 'train']) {
      await writeDataset(join(data, split), { [`${split}-a`]: schematicFace(), [`${split}-b`]: schematicFace() });
    }
    await mkdir(join(data, 'notes'));
    // writeDataset gives every split the same two photos.
    await writeFile(join(data, 'extra/images/extra-b.jpg'), await jpegBytes(32, 32, 5));
    expect(await listSplits(data)).toEqual(['train', 'val', 'extra']);
    const result = await checkSplits(data, celebamask19);
    expect(result.splits.map(({ folder, duplicates }) => [folder, duplicates])).toEqual(
      ['train', 'val', 'extra'].map((split) => [join(data, split), []]),
    );
    expect(result.duplicatesAcross.map(({ stem, original }) => [stem, original])).toEqual([
      ['val-a', join(data, 'train/images/train-a.jpg')],
      ['val-b', join(data, 'train/images/train-b.jpg')],
      ['extra-a', join(data, 'train/images/train-a.jpg')],
    ]);
    const report = formatSplitsReport(result, { limit: 1 });
    expect(report).toMatch(/train: 2 pairs.*val: 2 pairs.*extra: 2 pairs/s);
    expect(report).toMatch(
      /\n\nnearly the same photo in two splits: 3\n {2}\S*val-a\.jpg repeats \S*train-a\.jpg\n {2}… and 2 more\n/,
    );
  });

  test('a folder without splits is an error, and a split has none', async () => {
    const folder = await goodDataset();
    expect(await listSplits(folder)).toEqual([]);
    expect(await listSplits(join(folder, 'missing'))).toEqual([]);
    await expect(checkSplits(await temporaryFolder(), celebamask19)).rejects.toThrow('has no folder images/');
  });
});

const real = '../shared/data/celebamask-mini/val';

test.skipIf(!existsSync(real))(`the validation split is clean (skipped without ${real})`, async () => {
  const result = await checkDataset(real, celebamask19);
  expect(result).toEqual({ folder: real, pairs: 100, maskSuffix: '', leftAlone: [], ...nothingFound });
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
    { folder: 'DATA', pairs: 0, maskSuffix: '', leftAlone: [], ...nothingFound, problems },
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
    '12 problems',
  ]);
});
