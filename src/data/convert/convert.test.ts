import { copyFile, mkdir, readdir, readFile, rename, rm, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import sharp, { type Sharp } from 'sharp';
import { describe, expect, test } from 'vitest';
import { maskInOrder } from '../../../test/class-order-fixture.ts';
import { jpegBytes, maskBytes, temporaryFolder, writeDataset } from '../../../test/dataset-fixture.ts';
import type { LabelMap } from '../../image/image.ts';
import { readMask } from '../../image/read-image.ts';
import { celebamask19 } from '../../labels/celebamask-19.ts';
import { classOrders, getClassOrder } from '../../labels/class-orders.ts';
import { mirrorTable } from '../../labels/mirror.ts';
import { drawSyntheticFace } from '../../synthetic/face.ts';
import { openDataset } from '../dataset/dataset.ts';
import { type ConvertOptions, convertDataset } from './convert.ts';
import type { Palette } from './table-file.ts';

const faces = Array.from({ length: 6 }, (_, seed) => drawSyntheticFace(seed, 64).labels);

/** A dataset of masks with the stems 0, 1, … */
async function dataset(masks: readonly LabelMap[]): Promise<{ root: string; folder: string; out: string }> {
  const root = await temporaryFolder();
  const folder = await writeDataset(join(root, 'data'), Object.fromEntries(masks.entries()));
  return { root, folder, out: join(root, 'out') };
}

/** Writes masks as RGB PNGs in the palette of celebamask-19. */
async function writeColors(folder: string, masks: readonly LabelMap[]): Promise<void> {
  for (const [stem, { width, height, data }] of masks.entries()) {
    const rgb = Buffer.from([...data].flatMap((id) => celebamask19.classes[id].color));
    const image = sharp(rgb, { raw: { width, height, channels: 3 } });
    await image.png().toFile(join(folder, 'masks', `${stem}.png`));
  }
}

/** A chunk of a PNG with its length and checksum. */
function chunkOf(png: Buffer, type: string): Buffer {
  const start = png.indexOf(type, 0, 'latin1') - 4;
  return png.subarray(start, start + 12 + png.readUInt32BE(start));
}

const palette: Palette = {
  file: 'palette.txt',
  ids: new Map(celebamask19.classes.map(({ id, color: [r, g, b] }) => [(r << 16) | (g << 8) | b, id])),
};

const run = (folder: string, out: string, more: Partial<ConvertOptions>) => convertDataset({ folder, out, ...more });

describe('convertDataset', () => {
  test.each(classOrders.map((order) => [order.name, order] as const))('from %s', async (_, order) => {
    const { folder, out } = await dataset(faces.map((map) => maskInOrder(map, order)));
    const result = await run(folder, out, { order });
    expect(result).toMatchObject({
      pairs: 6,
      failures: [],
      photosWithoutMask: 0,
      sides: { exchanged: 0 },
      implausible: { judged: 6, count: 0 },
    });
    const lacking = celebamask19.classes.filter(({ name }) => !order.classes.includes(name));
    for (const [stem, face] of faces.entries()) {
      const mask = await readMask(join(out, 'masks', `${stem}.png`));
      for (const [i, id] of face.data.entries()) {
        if (!lacking.some((one) => one.id === id) && mask.data[i] !== id) expect(mask.data[i]).toBe(id);
      }
      expect(await readFile(join(out, 'images', `${stem}.jpg`))).toEqual(
        await readFile(join(folder, 'images', `${stem}.jpg`)),
      );
    }
    expect((await openDataset(out)).items.length).toBe(6);
  });

  test('FaceSynthetics: beard becomes skin, facewear is ignored, 255 stays', async () => {
    const { folder, out } = await dataset([{ width: 5, height: 1, data: Uint8Array.of(0, 14, 18, 255, 13) }]);
    const result = await run(folder, out, { order: getClassOrder('facesynthetics') });
    expect([...(await readMask(join(out, 'masks/0.png'))).data]).toEqual([0, 1, 255, 255, 13]);
    expect(result.pixels).toEqual({ background: 1, skin: 1, hair: 1, ignore: 2 });
  });

  test('a table of ids, also for 255 and for all other ids', async () => {
    const { folder, out } = await dataset([{ width: 4, height: 1, data: Uint8Array.of(200, 7, 9, 255) }]);
    const ids = new Map([
      [200, 0],
      [7, 13],
      [255, 1],
    ]);
    await expect(run(folder, out, { table: { name: 'table.txt', ids } })).rejects.toThrow(
      /none of the 1 masks .*\n {2}.*0\.png: has the id 9 in 1 pixel, not in table\.txt; check which program/,
    );
    await run(folder, out, { table: { name: 'table.txt', ids, other: 255 } });
    expect([...(await readMask(join(out, 'masks/0.png'))).data]).toEqual([0, 13, 255, 1]);
  });

  test('colour masks by a palette, exactly', async () => {
    const { folder, out } = await dataset(faces);
    await writeColors(folder, faces);
    expect(await run(folder, out, { palette })).toMatchObject({ pairs: 6, failures: [], implausible: { count: 0 } });
    for (const [stem, face] of faces.entries()) {
      expect((await readMask(join(out, 'masks', `${stem}.png`))).data).toEqual(face.data);
    }
  });

  test('colour masks with alpha, a colour profile, as palette PNG and in grey', async () => {
    const { folder, out } = await dataset(faces.slice(0, 3));
    await writeColors(folder, faces.slice(0, 3));
    const write = async (stem: number, change: (image: Sharp) => Sharp): Promise<void> => {
      const path = join(folder, 'masks', `${stem}.png`);
      await writeFile(path, await change(sharp(await readFile(path))).toBuffer());
    };
    await write(0, (image) => image.ensureAlpha(0.5).png());
    await write(2, (image) => image.png({ palette: true, colours: 256, dither: 0 }));
    // The profile of another colour space, added to the exact colours.
    const path = join(folder, 'masks/1.png');
    const exact = await readFile(path);
    const profile = chunkOf(await sharp(exact).withIccProfile('p3').png().toBuffer(), 'iCCP');
    await writeFile(path, Buffer.concat([exact.subarray(0, 33), profile, exact.subarray(33)]));
    expect((await sharp(path).metadata()).icc).toBeDefined();
    expect(await run(folder, out, { palette })).toMatchObject({ pairs: 3, failures: [] });
    for (const stem of [0, 1, 2]) {
      expect((await readMask(join(out, 'masks', `${stem}.png`))).data).toEqual(faces[stem].data);
    }
    const grey = await dataset([faces[0]]);
    const pixels = Buffer.from([...faces[0].data].map((id) => 10 * id));
    await sharp(pixels, { raw: { width: 64, height: 64, channels: 1 } })
      .toColourspace('b-w')
      .png()
      .toFile(join(grey.folder, 'masks/0.png'));
    const ids = new Map(celebamask19.classes.map(({ id }) => [10 * id * 0x010101, id]));
    await run(grey.folder, grey.out, { palette: { file: 'p', ids } });
    expect((await readMask(join(grey.out, 'masks/0.png'))).data).toEqual(faces[0].data);
  });

  test('unknown colours are named and counted, and the others go on', async () => {
    const { folder, out } = await dataset(faces.slice(0, 2));
    await writeColors(folder, faces.slice(0, 2));
    const { width, height } = faces[1];
    const rgb = await sharp(join(folder, 'masks/1.png')).raw().toBuffer();
    for (let k = 0; k < 5; k++) rgb.set([1, 2, k < 3 ? 3 : 4], 3 * k);
    await sharp(rgb, { raw: { width, height, channels: 3 } })
      .png()
      .toFile(join(folder, 'masks/1.png'));
    const { pairs, failures } = await run(folder, out, { palette });
    expect(pairs).toBe(1);
    expect(failures).toEqual([
      {
        file: join(folder, 'masks/1.png'),
        message: expect.stringMatching(
          /1\.png: has the colours 1,2,3 in 3 pixels, 1,2,4 in 2 pixels, not in palette\.txt; add them there/,
        ),
      },
    ]);
    expect(await readdir(join(out, 'images'))).toEqual(['0.jpg']);
  });

  test('a palette in another order: colours first, then the order', async () => {
    const order = getClassOrder('bisenet');
    const { folder, out } = await dataset(faces);
    await writeColors(folder, faces);
    const ids = new Map(
      [...palette.ids].map(([color, id]) => [color, order.classes.indexOf(celebamask19.classes[id].name)]),
    );
    await run(folder, out, { palette: { file: 'p', ids }, order });
    expect((await readMask(join(out, 'masks/3.png'))).data).toEqual(faces[3].data);
  });

  test('tells exchanged sides, and exchanges them', async () => {
    const mirror = mirrorTable(celebamask19);
    const order = getClassOrder('bisenet');
    const wrong = faces.map((map) => maskInOrder({ ...map, data: map.data.map((id) => mirror[id]) }, order));
    const { root, folder, out } = await dataset(wrong);
    const { sides } = await run(folder, out, { order });
    expect(sides.judged).toBeGreaterThan(3);
    expect(sides.exchanged).toBe(sides.judged);
    const right = await run(folder, join(root, 'right'), { order, swapSides: true });
    expect(right.sides.exchanged).toBe(0);
    expect((await readMask(join(root, 'right/masks/2.png'))).data).toEqual(faces[2].data);
  });

  test('tells a wrong order, the right one, and masks that need no conversion', async () => {
    const bisenet = getClassOrder('bisenet');
    const list1 = getClassOrder('list1');
    const { root, folder, out } = await dataset(faces.map((map) => maskInOrder(map, bisenet)));
    await expect(run(folder, out, { order: list1 })).rejects.toMatchObject({
      exitCode: 2,
      message: expect.stringMatching(
        /6 of 6 converted masks would not look like a face.*look like face-parsing\.pytorch; try --from face-parsing\.pytorch; to convert anyway, add --force/,
      ),
    });
    await expect(readdir(out)).rejects.toThrow(/ENOENT/);
    expect(await run(folder, out, { order: list1, force: true })).toMatchObject({
      implausible: { judged: 6, count: 6 },
      looksLike: 'face-parsing.pytorch',
    });
    await expect(run(folder, join(root, 'no'), { order: getClassOrder('lapa') })).rejects.toThrow(
      /none of the 6 masks[\s\S]*The masks look like face-parsing\.pytorch; try --from face-parsing\.pytorch\./,
    );
    const ready = await dataset(faces);
    await expect(run(ready.folder, ready.out, { order: bisenet })).rejects.toThrow(
      /the masks already have celebamask-19 ids and need no conversion; to convert anyway/,
    );
    await expect(readdir(ready.out)).rejects.toThrow(/ENOENT/);
    expect((await run(ready.folder, ready.out, { order: bisenet, force: true })).looksLike).toBe('celebamask-19');
  });

  test('one unusual face among masks of celebamask-19 does not hide that they need no conversion', async () => {
    const flipped = { ...faces[0], data: faces[0].data.slice().reverse() };
    const { folder, out } = await dataset([flipped, ...faces.slice(1)]);
    await expect(run(folder, out, { order: getClassOrder('bisenet') })).rejects.toThrow(
      /already have celebamask-19 ids/,
    );
  });

  test('if no mask has the name of a photo, says what both folders contain', async () => {
    const { folder, out } = await dataset(faces.slice(0, 2));
    for (const stem of [0, 1]) await rename(join(folder, `masks/${stem}.png`), join(folder, `masks/mask_${stem}.png`));
    await expect(run(folder, out, { order: getClassOrder('lapa') })).rejects.toThrow(
      /no photo with a mask; images\/ contains 0\.jpg, 1\.jpg, masks\/ contains mask_0\.png, mask_1\.png; name each mask like its photo/,
    );
  });

  test('converts every split of a data folder; photos without masks are counted', async () => {
    const order = getClassOrder('lapa');
    const { root, folder, out } = await dataset(faces.map((map) => maskInOrder(map, order)));
    await mkdir(join(root, 'all'));
    await rename(folder, join(root, 'all/train'));
    await writeDataset(join(root, 'all/val'), { a: maskInOrder(faces[0], order) });
    await writeFile(join(root, 'all/val/images/b.jpg'), await jpegBytes(64, 64));
    expect(await run(join(root, 'all'), out, { order })).toMatchObject({ pairs: 7, photosWithoutMask: 1 });
    expect((await readdir(out)).sort()).toEqual(['train', 'val']);
    expect(await readdir(join(out, 'val/images'))).toEqual(['a.jpg']);
  });

  test('a damaged mask is left out; no masks, a filled folder and RGB without palette are errors', async () => {
    const order = getClassOrder('lapa');
    const { folder, out } = await dataset(faces.slice(0, 2).map((map) => maskInOrder(map, order)));
    await writeFile(join(folder, 'masks/0.png'), maskBytes(faces[0]).subarray(0, 100));
    const { pairs, failures } = await run(folder, out, { order });
    expect([pairs, failures.length]).toEqual([1, 1]);
    expect(failures[0].message).toMatch(/0\.png: /);
    await expect(run(folder, out, { order })).rejects.toThrow(/exists and is not empty/);
    await writeColors(folder, faces.slice(0, 2));
    await expect(run(folder, `${out}2`, { order })).rejects.toThrow(
      /an RGB PNG.*; list its colours and their classes in a file for --palette/,
    );
    await rm(join(folder, 'masks'), { recursive: true });
    await expect(run(folder, `${out}2`, { order })).rejects.toThrow(
      /data has no photo with a mask; put one PNG for each photo/,
    );
  });

  test('masks with a suffix, masks without photo, JPEG masks and other files', async () => {
    const order = getClassOrder('lapa');
    const { folder, out } = await dataset(faces.slice(0, 3).map((map) => maskInOrder(map, order)));
    for (const stem of [0, 1]) await rename(join(folder, `masks/${stem}.png`), join(folder, `masks/${stem}_mask.png`));
    await rename(join(folder, 'masks/2.png'), join(folder, 'masks/9_mask.png'));
    await writeFile(join(folder, 'masks/2.jpg'), await jpegBytes(64, 64));
    await writeFile(join(folder, 'images/readme.txt'), 'text');
    const result = await run(folder, out, { order });
    expect(result).toMatchObject({ pairs: 2, photosWithoutMask: 1, masksWithoutPhoto: 1 });
    expect(result.leftAlone.map(({ path }) => path)).toEqual([join(folder, 'images/readme.txt')]);
    expect(result.failures.map(({ message }) => message)).toEqual([expect.stringMatching(/2\.jpg: is not a PNG/)]);
    expect((await readdir(join(out, 'masks'))).sort()).toEqual(['0.png', '1.png']);
  });

  test('masks with one name are left out and named', async () => {
    const order = getClassOrder('lapa');
    const { folder, out } = await dataset(faces.slice(0, 2).map((map) => maskInOrder(map, order)));
    await copyFile(join(folder, 'masks/0.png'), join(folder, 'masks/0.PNG'));
    const { pairs, failures } = await run(folder, out, { order });
    expect(pairs).toBe(1);
    expect(failures.map(({ message }) => message)).toEqual([
      expect.stringMatching(/0\.PNG and .*0\.png have one name; keep one of them/),
    ]);
  });

  test('a photo that is a broken link is left out and named', async () => {
    const order = getClassOrder('lapa');
    const { folder, out } = await dataset(faces.slice(0, 2).map((map) => maskInOrder(map, order)));
    await rm(join(folder, 'images/0.jpg'));
    await symlink('nowhere.jpg', join(folder, 'images/0.jpg'));
    const { pairs, failures } = await run(folder, out, { order });
    expect(pairs).toBe(1);
    expect(failures.map(({ message }) => message)).toEqual([
      expect.stringMatching(/0\.jpg: is missing or a broken link/),
    ]);
    expect(await readdir(join(out, 'masks'))).toEqual(['1.png']);
  });

  test('a JPEG called .png is no colour mask', async () => {
    const { folder, out } = await dataset([faces[0]]);
    await writeFile(join(folder, 'masks/0.png'), await jpegBytes(64, 64));
    await expect(run(folder, out, { palette })).rejects.toThrow(
      /0\.png: is a JPEG, which changes the colours of a mask/,
    );
  });
});
