import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import sharp, { type Color, type Sharp } from 'sharp';
import { describe, expect, test } from 'vitest';
import { jpegBytes, maskBytes, noiseRgb, schematicFace, temporaryFolder } from '../../test/dataset-fixture.ts';
import { crc32 } from '../formats/crc.ts';
import { FaceparseError } from '../text/errors.ts';
import { readMask, readPhoto, readPhotoSize } from './read-image.ts';

async function fileOf(name: string, bytes: Uint8Array | string): Promise<string> {
  const path = join(await temporaryFolder(), name);
  await writeFile(path, bytes);
  return path;
}

function flat(width: number, height: number, color: Color, channels: 3 | 4 = 3): Sharp {
  return sharp({ create: { width, height, channels, background: color } });
}

async function failure(read: Promise<unknown>): Promise<string> {
  const error = await read.then(
    () => undefined,
    (thrown: unknown) => thrown,
  );
  expect(error).toBeInstanceOf(FaceparseError);
  return (error as Error).message;
}

describe('readPhoto', () => {
  test('gives the exact pixels of an RGB PNG', async () => {
    const rgb = noiseRgb(7, 5);
    const path = await fileOf(
      'a.png',
      await sharp(rgb, { raw: { width: 7, height: 5, channels: 3 } })
        .png()
        .toBuffer(),
    );
    const photo = await readPhoto(path);
    expect([photo.width, photo.height]).toEqual([7, 5]);
    expect(Buffer.from(photo.data).equals(rgb)).toBe(true);
  });

  test('applies the EXIF orientation, in the size too', async () => {
    // Red on the left, blue on the right; orientation 6 turns by 90° clockwise, so red comes to the top.
    const bytes = await sharp({ create: { width: 32, height: 16, channels: 3, background: 'blue' } })
      .composite([{ input: await flat(16, 16, 'red').png().toBuffer(), left: 0, top: 0 }])
      .withMetadata({ orientation: 6 })
      .jpeg()
      .toBuffer();
    const path = await fileOf('a.jpg', bytes);
    expect(await readPhotoSize(path)).toEqual({ width: 16, height: 32 });
    const photo = await readPhoto(path);
    expect([photo.width, photo.height]).toEqual([16, 32]);
    expect(photo.data[0]).toBeGreaterThan(200);
    expect(photo.data[photo.data.length - 1]).toBeGreaterThan(200);
  });

  test.each([
    ['grey JPEG', 'a.jpg', () => flat(4, 4, '#808080').toColourspace('b-w').jpeg().toBuffer(), 1],
    ['CMYK JPEG', 'a.jpg', () => flat(4, 4, '#808080').toColourspace('cmyk').jpeg().toBuffer(), 16],
    ['16-bit PNG', 'a.png', () => flat(4, 4, '#808080').toColourspace('rgb16').png().toBuffer(), 1],
    ['palette PNG', 'a.png', () => flat(4, 4, '#808080').png({ palette: true }).toBuffer(), 1],
    ['WebP', 'a.webp', () => flat(4, 4, '#808080').webp({ lossless: true }).toBuffer(), 1],
  ])('turns a %s into 8-bit RGB', async (_, name, make, tolerance) => {
    const photo = await readPhoto(await fileOf(name, await make()));
    expect(photo.data.length).toBe(4 * 4 * 3);
    for (const value of photo.data) expect(Math.abs(value - 128)).toBeLessThanOrEqual(tolerance);
  });

  test('lays transparency on white', async () => {
    const bytes = await flat(2, 2, { r: 0, g: 0, b: 0, alpha: 0 }, 4).png().toBuffer();
    expect([...(await readPhoto(await fileOf('a.png', bytes))).data]).toEqual(new Array(12).fill(255));
  });

  test.each([0.3, 0.6, 0.95])('a JPEG cut at %f of its length is an error that names the file', async (share) => {
    const bytes = await jpegBytes(64, 64);
    const path = await fileOf('cut.jpg', bytes.subarray(0, Math.floor(bytes.length * share)));
    expect(await failure(readPhoto(path))).toMatch(/cut\.jpg: is truncated or damaged \(.+\); replace it/);
  });

  test('a truncated PNG is an error', async () => {
    const bytes = await sharp(noiseRgb(64, 64), { raw: { width: 64, height: 64, channels: 3 } })
      .png()
      .toBuffer();
    const path = await fileOf('cut.png', bytes.subarray(0, bytes.length / 2));
    expect(await failure(readPhoto(path))).toContain('truncated or damaged');
  });

  test.each([
    ['SVG', '<svg xmlns="http://www.w3.org/2000/svg" width="9" height="9"/>'],
    ['text', 'hello'],
    ['GIF', 'GIF89a.........................'],
  ])('%s is refused before a decoder sees it', async (_, bytes) => {
    const path = await fileOf('a.jpg', bytes);
    expect(await failure(readPhoto(path))).toMatch(/a\.jpg: is not a JPEG, PNG or WebP image; convert/);
    expect(await failure(readPhotoSize(path))).toContain('is not a JPEG, PNG or WebP');
  });

  test('a bomb of 30000×30000 pixels is refused by its header', async () => {
    const bytes = Buffer.from(await flat(1, 1, 'red').png().toBuffer());
    bytes.writeUInt32BE(30_000, 16);
    bytes.writeUInt32BE(30_000, 20);
    bytes.writeUInt32BE(crc32(bytes.subarray(12, 29)), 29);
    const path = await fileOf('bomb.png', bytes);
    expect(await failure(readPhoto(path))).toContain('bomb.png: has more than 100000000 pixels; make it smaller');
    expect(await failure(readPhotoSize(path))).toContain('has more than 100000000 pixels');
  });

  test('a strip of 65536 pixels is refused', async () => {
    const path = await fileOf('strip.png', await flat(1, 65_536, 'red').png().toBuffer());
    expect(await failure(readPhoto(path))).toContain('strip.png: is 1×65536, more than 65535 pixels on one side');
  });

  test('missing, empty and folder are told apart', async () => {
    const folder = await temporaryFolder();
    await mkdir(join(folder, 'dir.jpg'));
    expect(await failure(readPhoto(join(folder, 'none.jpg')))).toMatch(/none\.jpg: not found/);
    expect(await failure(readPhoto(await fileOf('nil.jpg', '')))).toContain('is empty (0 bytes)');
    expect(await failure(readPhoto(join(folder, 'dir.jpg')))).toContain('is a folder');
  });
});

describe('readMask', () => {
  test('gives the indices of a palette PNG byte for byte', async () => {
    const face = schematicFace();
    expect(await readMask(await fileOf('m.png', maskBytes(face)))).toEqual(face);
  });

  test.each([
    ['RGB', () => flat(4, 4, 'red').png().toBuffer(), 'an RGB PNG, but a mask must be'],
    ['16-bit', () => flat(4, 4, 'red').toColourspace('grey16').png().toBuffer(), '16-bit'],
    ['JPEG', () => jpegBytes(4, 4), 'JPEG'],
    ['cut', async () => maskBytes(schematicFace()).subarray(0, 900), 'truncated'],
  ])('%s is an error that names the file', async (name, make, reason) => {
    const message = await failure(readMask(await fileOf(`${name}.png`, await make())));
    expect(message).toContain(`${name}.png: is not usable as a mask: `);
    expect(message).toContain(reason);
  });
});
