import { chmod, cp, mkdir, readdir, readFile, rename, rm, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { zipSync } from 'fflate';
import { describe, expect, test } from 'vitest';
import { jpegBytes, temporaryFolder } from '../../../test/dataset-fixture.ts';
import { partBytes, put, type RawNames, writeRawDownload, zipFolder } from '../../../test/raw-download-fixture.ts';
import { decodePalettePng } from '../../formats/png/palette-png.ts';
import { readMask, readPhoto } from '../../image/read-image.ts';
import { celebamask19 } from '../../labels/celebamask-19.ts';
import { openDataset } from '../dataset/dataset.ts';
import { type PrepareOptions, prepareCelebAMaskHq } from './prepare.ts';

async function rawSample(names?: RawNames): Promise<{ root: string; source: string; out: string }> {
  const root = await temporaryFolder();
  return { root, source: await writeRawDownload(join(root, 'raw'), names), out: join(root, 'out') };
}

function prepare(source: string, out: string, more: Partial<PrepareOptions> = {}) {
  return prepareCelebAMaskHq({ source, out, size: 16, ...more });
}

const stems = async (folder: string): Promise<string[]> =>
  (await readdir(join(folder, 'masks'))).map((name) => name.slice(0, -4)).sort();

/** The ids of mask 00000 at six places, the same for every form of the download. */
async function sampleIds(out: string): Promise<number[]> {
  const { data } = await readMask(join(out, 'masks/00000.png'));
  const places = [
    [0, 8],
    [5, 8],
    [5, 3],
    [13, 3],
    [13, 5],
    [5, 13],
  ];
  return places.map(([x, y]) => data[y * 16 + x]);
}
const rightIds = [0, 1, 13, 13, 8, 17];

describe('prepareCelebAMaskHq', () => {
  test('merges parts in the order of their ids, whatever the PNG form', async () => {
    const { source, out } = await rawSample();
    const progress: string[] = [];
    const onProgress = (done: number, total: number): unknown => progress.push(`${done}/${total}`);
    expect(await prepare(source, out, { onProgress })).toEqual({
      pairs: 3,
      size: 16,
      failures: [],
      leftAlone: [],
      unknownParts: [],
      partsWithoutPhoto: 0,
      missingPhotos: [],
      withoutSkin: [2000],
      unreadable: [],
    });
    expect(progress).toEqual(['1/3', '2/3', '3/3']);
    const { items } = await openDataset(out);
    expect(items.map(({ stem }) => stem)).toEqual(['00000', '00001', '02000']);
    expect(await sampleIds(out)).toEqual(rightIds);
    const mask = decodePalettePng(await readFile(join(out, 'masks/00000.png')));
    expect(mask.palette).toEqual(celebamask19.classes.map(({ color }) => color));
    expect((await readMask(join(out, 'masks/02000.png'))).data[15 * 16]).toBe(18);
    const photo = await readPhoto(items[0].imagePath);
    expect([photo.width, photo.height]).toEqual([16, 16]);
  });

  test('another size takes the nearest label, and 512 is the default', async () => {
    const { root, source } = await rawSample();
    await prepare(source, join(root, 'small'), { size: 8, ids: { first: 1, last: 1 } });
    const small = decodePalettePng(await readFile(join(root, 'small/masks/00001.png')));
    const expected = Uint8Array.from({ length: 64 }, (_, i) => (i < 32 && i % 8 < 4 ? 1 : 0));
    expect(small.data).toEqual(expected);
    const result = await prepareCelebAMaskHq({ source, out: join(root, 'large'), ids: { first: 1, last: 1 } });
    expect(result).toMatchObject({ pairs: 1, size: 512 });
    const large = decodePalettePng(await readFile(join(root, 'large/masks/00001.png')));
    expect([large.width, large.data[255 * 512 + 255], large.data[255 * 512 + 256]]).toEqual([512, 1, 0]);
    expect(await readdir(join(root, 'large/images'))).toEqual(['00001.jpg']);
  });

  test.each<[string, RawNames]>([
    ['the name of older versions', { photos: 'CelebAMask-HQ-img' }],
    ['names without punctuation', { photos: 'CelebAMaskHQ-img', parts: 'CelebAMaskHQ-mask-anno' }],
    ['short names', { photos: 'images', parts: 'masks' }],
    ['names that say nothing', { photos: 'a', parts: 'b' }],
    ['parts next to the folder of the photos', { photos: 'CelebAMask-HQ/CelebA-HQ-img' }],
    ['zero-padded photos and short parts', { photo: (n) => `00${n}.jpg`, part: (n, p) => `${n}_${p}.png` }],
    ['upper case', { photo: (n) => `${n}.JPG`, part: (n, p) => `${n % 2}/${n}_${p.toUpperCase()}.PNG` }],
    ['everything in one folder', { photos: '.', parts: '.', part: (n, p) => `${n}_${p}.png` }],
  ])('recognizes %s', async (_, names) => {
    const { source, out } = await rawSample(names);
    expect(await prepare(source, out)).toMatchObject({ pairs: 3, failures: [], leftAlone: [] });
    expect(await sampleIds(out)).toEqual(rightIds);
  });

  test('photos may be JPEG, PNG and WebP side by side', async () => {
    const { source, out } = await rawSample();
    await rename(join(source, 'CelebA-HQ-img/1.jpg'), join(source, 'CelebA-HQ-img/1.PNG'));
    await rename(join(source, 'CelebA-HQ-img/2000.jpg'), join(source, 'CelebA-HQ-img/2000.jpeg'));
    expect(await prepare(source, out)).toMatchObject({ pairs: 3, failures: [] });
  });

  test.each(['CelebAMask-HQ/', ''])('reads a zip with the prefix "%s" like the folder', async (prefix) => {
    const { root, source, out } = await rawSample();
    await put(source, 'README.txt', 'read me');
    const zip = join(root, 'CelebAMask-HQ.zip');
    await writeFile(zip, await zipFolder(source, prefix));
    await prepare(source, out);
    const result = await prepare(zip, join(root, 'from-zip'));
    expect(result).toMatchObject({ pairs: 3, failures: [], leftAlone: [`${prefix}README.txt`] });
    for (const name of await readdir(out, { recursive: true })) {
      if (!name.includes('.')) continue;
      expect(await readFile(join(root, 'from-zip', name)), name).toEqual(await readFile(join(out, name)));
    }
  });

  test('finds the download below a folder, and counts what it leaves alone', async () => {
    const { root, source, out } = await rawSample();
    for (const name of ['README.txt', 'CelebAMask-HQ-attribute-anno.txt', 'CelebAMask-HQ-pose-anno.txt']) {
      await put(source, name, 'text');
    }
    await put(source, 'CelebA-HQ-img/.DS_Store', 'x');
    await put(source, 'CelebAMask-HQ-mask-anno/0/00000_beard.png', 'x');
    await put(source, 'CelebAMask-HQ-mask-anno/0/00007_skin.png', await partBytes(16, [0, 0, 4, 4]));
    await put(root, 'unrelated/1.txt', 'x');
    const result = await prepare(root, out);
    expect(result.pairs).toBe(3);
    expect(result.leftAlone).toEqual([
      'raw/CelebA-HQ-img/.DS_Store',
      'raw/CelebAMask-HQ-attribute-anno.txt',
      'raw/CelebAMask-HQ-pose-anno.txt',
      'raw/README.txt',
    ]);
    expect(result.unknownParts).toEqual(['raw/CelebAMask-HQ-mask-anno/0/00000_beard.png']);
    expect(result).toMatchObject({ partsWithoutPhoto: 1, missingPhotos: [7] });
    const ranged = await prepare(root, `${out}2`, { ids: { first: 0, last: 1 } });
    expect(ranged).toMatchObject({ partsWithoutPhoto: 0, missingPhotos: [], withoutSkin: [] });
  });

  test('names unknown parts next to the photos too, as parts and once', async () => {
    const { source, out } = await rawSample({ photos: '.', parts: '.', part: (n, p) => `${n}_${p}.png` });
    await put(source, '1_left-eye.png', 'x');
    expect(await prepare(source, out)).toMatchObject({ unknownParts: ['1_left-eye.png'], leftAlone: [] });
  });

  test('if no face is usable, names the photos that are missing', async () => {
    const { source, out } = await rawSample();
    await rm(join(source, 'CelebA-HQ-img/1.jpg'));
    for (const number of [0, 2000]) await put(source, `CelebA-HQ-img/${number}.jpg`, 'x');
    await expect(prepare(source, out)).rejects.toThrow(
      /none of the 2 faces[\s\S]*There are parts of 1 photo that the download does not contain: 1\./,
    );
  });

  test.each<[string, (source: string) => Promise<unknown>, RegExp, string[]]>([
    [
      'a face without parts',
      (s) => rm(join(s, 'CelebAMask-HQ-mask-anno/1'), { recursive: true }),
      /2000\.jpg has no annotation: .*CelebAMask-HQ-mask-anno contains no 02000_<part>\.png; unpack/,
      ['00000', '00001'],
    ],
    [
      'a part of another size',
      async (s) => put(s, 'CelebAMask-HQ-mask-anno/0/00000_nose.png', await partBytes(8, [0, 0, 4, 4])),
      /00000_nose\.png: is 8×8, but the other parts of this face are 16×16|is 16×16, but the other parts .* 8×8/,
      ['00001', '02000'],
    ],
    [
      'a damaged part',
      (s) => put(s, 'CelebAMask-HQ-mask-anno/0/00001_hair.png', 'no image'),
      /00001_hair\.png: /,
      ['00000', '02000'],
    ],
    [
      'a cut photo',
      async (s) => put(s, 'CelebA-HQ-img/1.jpg', (await jpegBytes(32, 32)).subarray(0, 500)),
      /1\.jpg: /,
      ['00000', '02000'],
    ],
    [
      'a photo that is not square',
      async (s) => put(s, 'CelebA-HQ-img/1.jpg', await jpegBytes(32, 24)),
      /1\.jpg: is 32×24, but the photos are square/,
      ['00000', '02000'],
    ],
    [
      'a dangling link',
      async (s) => {
        await rm(join(s, 'CelebA-HQ-img/1.jpg'));
        await symlink('nowhere', join(s, 'CelebA-HQ-img/1.jpg'));
      },
      /1\.jpg: /,
      ['00000', '02000'],
    ],
    [
      'two photos of one number',
      async (s) => put(s, 'CelebA-HQ-img/00001.png', await jpegBytes(32, 32)),
      /two photos have the number 1: .*1\.jpg and .*00001\.png|two photos have the number 1: .*00001\.png and .*1\.jpg/,
      ['00000', '02000'],
    ],
    [
      'a part that is there twice',
      async (s) => put(s, 'CelebAMask-HQ-mask-anno/0/0_skin.png', await partBytes(16, [0, 0, 4, 4])),
      /one part is there twice: .*_skin\.png and .*_skin\.png; keep one/,
      ['00001', '02000'],
    ],
  ])('%s leaves out one face and no other', async (_, change, message, rest) => {
    const { root, source, out } = await rawSample();
    await change(source);
    const { pairs, failures } = await prepare(source, out);
    expect(pairs).toBe(2);
    expect(failures).toEqual([{ number: expect.any(Number), message: expect.stringMatching(message) }]);
    expect(await stems(out)).toEqual(rest);
    expect((await readdir(join(out, 'images'))).length).toBe(2);
    expect((await readdir(root)).sort()).toEqual(['out', 'raw']);
  });

  test('a damaged entry of a zip leaves out one face', async () => {
    const { root, source, out } = await rawSample();
    const bytes = Buffer.from(await zipFolder(source));
    bytes[bytes.indexOf('CelebA-HQ-img/1.jpg') + 300] ^= 255;
    await writeFile(join(root, 'a.zip'), bytes);
    const { failures } = await prepare(join(root, 'a.zip'), out);
    expect(failures).toEqual([
      { number: 1, message: expect.stringMatching(/a\.zip: CelebA-HQ-img\/1\.jpg: is damaged in the zip; download/) },
    ]);
  });

  test.each<[string, (source: string) => Promise<unknown>, RegExp]>([
    [
      'no annotations',
      (s) => rm(join(s, 'CelebAMask-HQ-mask-anno'), { recursive: true }),
      /raw contains photos but no parts <number>_<part>\.png; use the unpacked folder CelebAMask-HQ/,
    ],
    [
      'no photos',
      (s) => rm(join(s, 'CelebA-HQ-img'), { recursive: true }),
      /raw contains parts but no photos <number>\.jpg; use the unpacked/,
    ],
    [
      'a folder of something else',
      async (s) => {
        await rm(s, { recursive: true });
        await mkdir(s);
      },
      /raw contains neither photos <number>\.jpg nor parts/,
    ],
    [
      'a folder with the zip',
      async (s) => {
        await rm(s, { recursive: true });
        await put(s, 'CelebAMask-HQ.ZIP', 'zip');
      },
      /raw contains no photos, but CelebAMask-HQ\.ZIP; use .*raw\/CelebAMask-HQ\.ZIP/,
    ],
    [
      'the folder of the photos',
      async (s) => {
        await rename(join(s, 'CelebA-HQ-img'), `${s}2`);
        await rm(s, { recursive: true });
        await rename(`${s}2`, s);
      },
      /raw contains photos but no parts .*; use the folder above it, which contains CelebAMask-HQ-mask-anno\/ too/,
    ],
    [
      'merged masks',
      async (s) => {
        await rename(join(s, 'CelebA-HQ-img'), join(s, 'images'));
        await rm(join(s, 'CelebAMask-HQ-mask-anno'), { recursive: true });
        await cp(join(s, 'images'), join(s, 'masks'), { recursive: true });
      },
      /contains no parts .* but .*masks with one image per face; merged masks need no preparation/,
    ],
    [
      'two folders of photos',
      (s) => cp(join(s, 'CelebA-HQ-img'), join(s, 'celeba_hq_img'), { recursive: true }),
      /contains photos twice: .*CelebA-HQ-img and .*celeba_hq_img; use the folder of one download/,
    ],
    [
      'every photo damaged',
      async (s) => {
        for (const name of await readdir(join(s, 'CelebA-HQ-img'))) await put(s, `CelebA-HQ-img/${name}`, 'x');
      },
      /none of the 3 faces in .*raw is usable:\n {2}.*0\.jpg: /,
    ],
  ])('%s is an error, and nothing is left', async (_, change, message) => {
    const { root, source, out } = await rawSample();
    await change(source);
    await expect(prepare(source, out)).rejects.toThrow(message);
    expect(await readdir(root)).toEqual(['raw']);
  });

  test('wrong use: range, size, filled folder, source', async () => {
    const { root, source, out } = await rawSample();
    await expect(prepare(source, out, { ids: { first: 0, last: 3 } })).rejects.toThrow(
      /2 of the 4 photos 0 to 3; 2\.jpg is missing/,
    );
    await expect(prepare(source, out, { ids: { first: 3, last: 0 } })).rejects.toThrow(/ids 3 to 0 are not a valid/);
    await expect(prepare(source, out, { size: 0.5 })).rejects.toThrow(/size 0\.5 is invalid; use an integer from 8/);
    await expect(prepare(source, source)).rejects.toThrow(/exists and is not empty/);
    await expect(prepare(join(root, 'nowhere'), out)).rejects.toThrow(/nowhere: not found; check the path/);
    await put(root, 'a.zip', 'no zip');
    await expect(prepare(join(root, 'a.zip'), out)).rejects.toThrow(/a\.zip: not a zip, or truncated/);
  });

  test.skipIf(process.getuid?.() === 0)('a folder without permission is named, the rest goes on', async () => {
    const { source, out } = await rawSample();
    await chmod(join(source, 'CelebAMask-HQ-mask-anno/1'), 0);
    const { pairs, unreadable } = await prepare(source, out);
    await chmod(join(source, 'CelebAMask-HQ-mask-anno/1'), 0o755);
    expect(pairs).toBe(2);
    expect(unreadable).toEqual([expect.stringMatching(/mask-anno\/1 cannot be listed/)]);
  });

  test('refuses a hostile zip', async () => {
    const { root, out } = await rawSample();
    await writeFile(join(root, 'bomb.zip'), zipSync({ 'CelebA-HQ-img/0.jpg': new Uint8Array(4 << 20) }));
    await expect(prepare(join(root, 'bomb.zip'), out)).rejects.toThrow(/bomb\.zip: the entry .* unpacks \d+ bytes/);
    await writeFile(join(root, 'up.zip'), zipSync({ '../CelebA-HQ-img/0.jpg': new Uint8Array(4) }));
    await expect(prepare(join(root, 'up.zip'), out)).rejects.toThrow(/leaves the folder through \.\./);
  });
});

describe('the official split', () => {
  const mapping = 'CelebA-HQ-to-CelebA-mapping.txt';
  const text = 'idx orig_idx orig_file\r\n0 162770 162771.jpg\r\n1 162771 162772.jpg\r\n2000 182638 182639.jpg\r\n';

  test.each(['folder', 'zip'])('goes by the mapping in the %s', async (form) => {
    const { root, source, out } = await rawSample();
    await put(source, mapping, text);
    if (form === 'zip') await writeFile(join(root, 'a.zip'), await zipFolder(source, 'CelebAMask-HQ/'));
    const result = await prepare(form === 'zip' ? join(root, 'a.zip') : source, out, { split: 'official' });
    expect(result).toMatchObject({ pairs: 3, splits: { train: 1, val: 1, test: 1 }, leftAlone: [] });
    expect(await Promise.all(['train', 'val', 'test'].map((name) => stems(join(out, name))))).toEqual([
      ['00000'],
      ['00001'],
      ['02000'],
    ]);
    expect(await sampleIds(join(out, 'train'))).toEqual(rightIds);
  });

  test('a split without photos gets no folder, and a failed face does not count', async () => {
    const { source, out } = await rawSample();
    await put(source, mapping, '0 1 000002.jpg\n1 2 000003.jpg\n2000 200000 200001.jpg\n');
    await put(source, 'CelebA-HQ-img/1.jpg', 'x');
    const result = await prepare(source, out, { split: 'official' });
    expect(result.splits).toEqual({ train: 1, val: 0, test: 1 });
    expect((await readdir(out)).sort()).toEqual(['test', 'train']);
  });

  test('needs the mapping, with every photo', async () => {
    const { source, out } = await rawSample();
    const run = () => prepare(source, out, { split: 'official' });
    await expect(run()).rejects.toThrow(/needs CelebA-HQ-to-CelebA-mapping\.txt, which is not next to .*CelebA-HQ-img/);
    await put(source, mapping, 'idx orig_idx orig_file\n0 1 000002.jpg\n');
    await expect(run()).rejects.toThrow(/mapping\.txt lists 1 of the 3 photos; photo 1 is missing/);
    await put(source, mapping, 'idx orig_idx orig_file\n0 a 000002.jpg\n');
    await expect(run()).rejects.toThrow(/mapping\.txt, line 2: "0 a 000002\.jpg" is not "number, index/);
    expect(await readdir(join(source, '..'))).toEqual(['raw']);
  });
});

describe('case 16: the raw download as it comes', () => {
  const folder = join(import.meta.dirname, '../../../test/cases/16-raw-download');

  test.each(['', 'CelebAMask-HQ'])('from "%s"', async (below) => {
    const out = join(await temporaryFolder(), 'out');
    const { leftAlone, ...rest } = await prepareCelebAMaskHq({ source: join(folder, below), out });
    expect(rest).toEqual({
      pairs: 3,
      size: 512,
      failures: [],
      unknownParts: [],
      partsWithoutPhoto: 0,
      missingPhotos: [],
      withoutSkin: [],
      unreadable: [],
    });
    expect(leftAlone.map((path) => path.replace(/^.*\//, ''))).toEqual([
      'CelebA-HQ-to-CelebA-mapping.txt',
      'CelebAMask-HQ-attribute-anno.txt',
      'CelebAMask-HQ-pose-anno.txt',
      'README.txt',
    ]);
    const ids = new Set((await readMask(join(out, 'masks/00000.png'))).data);
    expect([...ids].sort((a, b) => a - b)).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 17, 18]);
  });
});
