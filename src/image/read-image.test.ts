import { mkdir, readFile, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import sharp, { type Color, type Sharp } from 'sharp';
import { describe, expect, test } from 'vitest';
import { bmpBytes } from '../../test/bmp-fixture.ts';
import { jpegBytes, maskBytes, noiseRgb, schematicFace, temporaryFolder } from '../../test/dataset-fixture.ts';
import { crc32 } from '../formats/crc.ts';
import { FaceparseError } from '../text/errors.ts';
import { decodePhoto, readMask, readPhoto, readPhotoSize } from './read-image.ts';

async function fileOf(name: string, bytes: Uint8Array | string): Promise<string> {
  const path = join(await temporaryFolder(), name);
  await writeFile(path, bytes);
  return path;
}

function flat(width: number, height: number, color: Color, channels: 3 | 4 = 3): Sharp {
  return sharp({ create: { width, height, channels, background: color } });
}

/** An uncompressed RGB TIFF of 8×8 pixels whose bytes are all 0x55. */
function tiffBytes({ bits = 8, sampleFormat = 1, channels = 3 }): Buffer {
  const data = Buffer.alloc((64 * channels * bits) / 8, 0x55);
  const tags = [
    [256, 8],
    [257, 8],
    [258, bits],
    [259, 1],
    [262, 2],
    [273, 0],
    [277, channels],
    [278, 8],
    [279, data.length],
    [339, sampleFormat],
  ];
  const lists = 8 + 2 + 12 * tags.length + 4;
  const head = Buffer.alloc(lists + 4 * channels);
  head.write('II*\0', 'latin1');
  head.writeUInt32LE(8, 4);
  head.writeUInt16LE(tags.length, 8);
  for (const [index, [tag, value]] of tags.entries()) {
    const at = 10 + 12 * index;
    const list = tag === 258 ? lists : tag === 339 ? lists + 2 * channels : undefined;
    head.writeUInt16LE(tag, at);
    head.writeUInt16LE(list === undefined ? 4 : 3, at + 2);
    head.writeUInt32LE(list === undefined ? 1 : channels, at + 4);
    head.writeUInt32LE(list ?? (tag === 273 ? head.length : value), at + 8);
    if (list !== undefined) for (let i = 0; i < channels; i++) head.writeUInt16LE(value, list + 2 * i);
  }
  return Buffer.concat([head, data]);
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
    [
      'SVG',
      '<svg xmlns="http://www.w3.org/2000/svg" width="9" height="9"/>',
      /is an SVG drawing, which faceparse does not/,
    ],
    ['PDF', '%PDF-1.7 ...', /is a PDF document, not an image; replace it/],
    ['text', 'hello', /is a text file, not an image/],
    ['JPEG XL', '\xff\x0a........', /is a JPEG XL image, which faceparse does not read; convert it to JPEG or PNG/],
  ])('%s is refused before a decoder sees it', async (_, text, message) => {
    const path = await fileOf('a.jpg', Buffer.from(text, 'latin1'));
    expect(await failure(readPhoto(path))).toMatch(message);
    expect(await failure(readPhotoSize(path))).toMatch(message);
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
    await symlink(join(folder, 'gone.jpg'), join(folder, 'link.jpg'));
    expect(await failure(readPhoto(join(folder, 'link.jpg')))).toMatch(/link\.jpg: is a broken link; restore/);
    expect(await failure(readPhoto(await fileOf('nil.jpg', '')))).toContain('is empty (0 bytes)');
    expect(await failure(readPhoto(join(folder, 'dir.jpg')))).toContain('is a folder');
  });
});

describe('photos as people have them', () => {
  const cases = join(import.meta.dirname, '../../test/cases');
  const raw = { raw: { width: 40, height: 24, channels: 3 as const } };
  const gradient = Buffer.from(
    Uint8Array.from(
      { length: 40 * 24 * 3 },
      (_, i) => [6 * (Math.floor(i / 3) % 40), 10 * Math.floor(i / 120), 90][i % 3],
    ),
  );

  test('warnings of the decoder are no errors: a phone that breaks a rule of JPEG', async () => {
    const read = (name: string) => readPhoto(join(cases, '01-samsung-sos', name));
    expect(Buffer.from((await read('samsung.jpg')).data).equals((await read('plain.jpg')).data)).toBe(true);
    expect(await readPhotoSize(join(cases, '01-samsung-sos/samsung.jpg'))).toEqual({ width: 512, height: 512 });
  });

  test.each([
    ['floating-point', { bits: 32, sampleFormat: 3 }, /with floating-point samples; save it as RGB with 8 or 16 bits/],
    ['32-bit', { bits: 32 }, /with 32-bit samples/],
    ['signed', { bits: 16, sampleFormat: 2 }, /with signed samples/],
    ['five-channel', { bits: 8, channels: 5 }, /with 5 channels/],
    ['64-bit floating-point', { bits: 64, sampleFormat: 3 }, /uses a feature that is not supported/],
  ])('a %s TIFF is refused instead of read as black or white', async (_, form, message) => {
    expect(await failure(decodePhoto(tiffBytes(form), 'a.tif'))).toMatch(message);
  });

  test.each([8, 16])('a TIFF with %i bits per channel is read', async (bits) => {
    const { data } = await decodePhoto(tiffBytes({ bits }), 'a.tif');
    expect([...new Set(data)]).toEqual([0x55]);
  });

  test('a JPEG that lacks only its end marker is read; one that lacks pixels is not', async () => {
    for (const [space, chromaSubsampling] of [
      ['srgb', '4:2:0'],
      ['srgb', '4:4:4'],
      ['b-w', '4:4:4'],
    ]) {
      const jpeg = await sharp(noiseRgb(61, 47), { raw: { width: 61, height: 47, channels: 3 } })
        .toColourspace(space)
        .jpeg({ chromaSubsampling })
        .toBuffer();
      const whole = await decodePhoto(jpeg, 'a.jpg');
      for (const cut of [1, 2]) expect(await decodePhoto(jpeg.subarray(0, -cut), 'a.jpg')).toEqual(whole);
      for (const cut of [4, 6, 20, 300, jpeg.length >> 1]) {
        expect(await failure(decodePhoto(jpeg.subarray(0, -cut), 'a.jpg'))).toMatch(/premature end/);
      }
    }
  });

  test('a progressive JPEG without its end marker may lack a scan and is refused', async () => {
    const jpeg = await sharp(noiseRgb(61, 47), { raw: { width: 61, height: 47, channels: 3 } })
      .jpeg({ progressive: true })
      .toBuffer();
    expect(
      await failure(decodePhoto(jpeg.subarray(0, jpeg.lastIndexOf('\xff\xda', undefined, 'latin1')), 'a.jpg')),
    ).toMatch(/premature end/);
    expect(await failure(decodePhoto(jpeg.subarray(0, -2), 'a.jpg'))).toMatch(/premature end/);
  });

  test('a file is judged by its own warnings, whatever is decoded at the same time', async () => {
    const samsung = await readFile(join(cases, '01-samsung-sos/samsung.jpg'));
    const whole = await jpegBytes(400, 400);
    const files = [samsung, whole.subarray(0, 0.7 * whole.length), whole, samsung.subarray(0, 0.7 * samsung.length)];
    const verdict = (bytes: Buffer) =>
      decodePhoto(bytes, 'a.jpg').then(
        () => 'read',
        (error: Error) => error.message,
      );
    const alone: string[] = [];
    for (const bytes of files) alone.push(await verdict(bytes));
    expect(alone).toEqual(['read', expect.stringMatching(/premature end/), 'read', expect.stringMatching(/damaged/)]);
    const mixed = Array.from({ length: 200 }, (_, index) => index % files.length);
    const together = await Promise.all(mixed.map((index) => verdict(files[index])));
    expect(together).toEqual(mixed.map((index) => alone[index]));
  });

  test('bytes between the segments of a JPEG and after its end are no errors', async () => {
    const plain = await sharp(gradient, raw).jpeg().toBuffer();
    const data = plain.lastIndexOf(Buffer.from([0xff, 0xd9]));
    const odd = [
      Buffer.concat([plain.subarray(0, data), Buffer.alloc(5, 1), plain.subarray(data)]),
      Buffer.concat([plain, Buffer.from('<!-- appended by a gallery -->')]),
    ];
    const whole = await decodePhoto(plain, 'plain');
    for (const bytes of odd) expect(await decodePhoto(bytes, 'odd')).toEqual(whole);
  });

  test('a PNG with a wrong checksum of its text, or a colour profile that libpng dislikes, is read', async () => {
    const png = await sharp(gradient, raw).png().toBuffer();
    const text = Buffer.concat([Buffer.from([0, 0, 0, 3]), Buffer.from('tEXta\0b'), Buffer.from([1, 2, 3, 4])]);
    const bytes = Buffer.concat([png.subarray(0, 33), text, png.subarray(33)]);
    expect(Buffer.from((await decodePhoto(bytes, 'a')).data).equals(gradient)).toBe(true);
  });

  test.each([0.2, 0.5, 0.8, 0.97])(
    'a JPEG without its end is refused, even if an end marker was appended (%f)',
    async (share) => {
      const whole = await sharp(noiseRgb(64, 64), { raw: { width: 64, height: 64, channels: 3 } })
        .jpeg()
        .toBuffer();
      const cut = whole.subarray(0, Math.floor(whole.length * share));
      await expect(decodePhoto(cut, 'cut')).rejects.toThrow(/^cut: is truncated or damaged/);
      await expect(decodePhoto(Buffer.concat([cut, Buffer.from([0xff, 0xd9])]), 'cut')).rejects.toThrow(/damaged/);
    },
  );

  test.each(['webp', 'gif', 'tiff', 'avif', 'png'] as const)('a truncated %s is refused', async (format) => {
    const whole = await sharp(noiseRgb(64, 64), { raw: { width: 64, height: 64, channels: 3 } })
      .toFormat(format)
      .toBuffer();
    for (const share of [0.3, 0.6, 0.9]) {
      const cut = whole.subarray(0, Math.floor(whole.length * share));
      await expect(decodePhoto(cut, 'cut'), `${share}`).rejects.toThrow(/^cut: is truncated or damaged \((?!source)/);
    }
  });

  test.each<[string, () => Promise<Buffer>, number]>([
    ['GIF', () => sharp(gradient, raw).gif().toBuffer(), 40],
    ['TIFF', () => sharp(gradient, raw).tiff({ compression: 'lzw' }).toBuffer(), 0],
    ['AVIF', () => sharp(gradient, raw).avif({ lossless: true }).toBuffer(), 4],
    ['WebP', () => sharp(gradient, raw).webp({ lossless: true }).toBuffer(), 0],
    ['BMP', async () => bmpBytes(40, 24, { bits: 24 }, (x, y) => ((6 * x) << 16) | ((10 * y) << 8) | 90), 0],
  ])('%s is read by its content, under any name', async (_, make, tolerance) => {
    for (const name of ['a.jpg', 'a', 'A.PNG', 'a.bmp']) {
      const path = await fileOf(name, await make());
      const photo = await readPhoto(path);
      expect([photo.width, photo.height]).toEqual([40, 24]);
      expect(await readPhotoSize(path)).toEqual({ width: 40, height: 24 });
      const largest = photo.data.reduce((most, value, i) => Math.max(most, Math.abs(value - gradient[i])), 0);
      expect(largest).toBeLessThanOrEqual(tolerance);
    }
  });

  test('the first image of an animation is read', async () => {
    const frames = ['red', 'blue'].map((color) => ({
      create: { width: 8, height: 8, channels: 3 as const, background: color },
    }));
    const inputs = await Promise.all(frames.map((frame) => sharp(frame).png().toBuffer()));
    for (const format of ['gif', 'webp'] as const) {
      const bytes = await sharp(inputs, { join: { animated: true } })
        .toFormat(format)
        .toBuffer();
      expect((await sharp(bytes).metadata()).pages).toBe(2);
      const { width, height, data } = await decodePhoto(bytes, 'animation');
      expect([width, height, data[0] > 200, data[2] < 60]).toEqual([8, 8, true, true]);
    }
  });

  test('AVIF from another encoder is read; HEIC is named with a way out where libvips cannot decode it', async () => {
    expect(await readPhotoSize(join(cases, '03-formats/photo.avif'))).toEqual({ width: 512, height: 512 });
    expect((await readPhoto(join(cases, '03-formats/photo.avif'))).data).toHaveLength(512 * 512 * 3);
    const message = await failure(readPhoto(join(cases, '03-formats/iphone.heic')));
    expect(message).toMatch(
      /iphone\.heic: is (?:a HEIC image, which the installed libvips cannot decode; export it|truncated)/,
    );
  });

  test('a page that was saved under the name of a photo is named', async () => {
    expect(await failure(readPhoto(join(cases, '03-formats/html.jpg')))).toContain('is an HTML page, not an image');
  });

  test('a BMP with transparency is blended with white', async () => {
    const bytes = bmpBytes(2, 1, { bits: 32, masks: [0xff0000, 0xff00, 0xff, 0xff000000] }, (x) =>
      x === 0 ? 0xff000000 : 0,
    );
    expect([...(await decodePhoto(bytes, 'a.bmp')).data]).toEqual([0, 0, 0, 255, 255, 255]);
  });

  test('a damaged or too large BMP is an error like others', async () => {
    const bytes = bmpBytes(8, 8, { bits: 24 });
    await expect(decodePhoto(bytes.subarray(0, 99), 'a.bmp')).rejects.toThrow(
      /^a\.bmp: is truncated or damaged \(BMP: 99 of 246 bytes\); replace/,
    );
    bytes.writeInt32LE(1e6, 18);
    bytes.writeInt32LE(1e6, 22);
    await expect(decodePhoto(bytes, 'a.bmp')).rejects.toThrow(
      'a.bmp: is 1000000×1000000, more than 100 megapixels; make it smaller',
    );
  });

  type Pixels = { data: Buffer; width: number; height: number };
  const plain = ({ data, ...size }: Pixels) => sharp(data, { raw: { ...size, channels: 3 } });
  test.each<[string, (pixels: Pixels) => Sharp]>([
    ['RGB', plain],
    ['grey', (pixels) => plain(pixels).greyscale()],
    ['alpha', (pixels) => plain(pixels).ensureAlpha()],
  ])('%s images are turned upright by their EXIF orientation', async (_, encode) => {
    const formats = { png: {}, tiff: { compression: 'lzw' }, webp: { lossless: true } };
    for (const [format, options] of Object.entries(formats)) {
      const make = (pixels: Pixels) => encode(pixels).toFormat(format as 'png', options);
      const upright = await decodePhoto(await make({ data: gradient, width: 40, height: 24 }).toBuffer(), 'a');
      for (let orientation = 1; orientation <= 8; orientation++) {
        // What a camera stores that was held like this: the upright pixels, turned back.
        const turned = await plain({ data: gradient, width: 40, height: 24 })
          .png()
          .withMetadata({ orientation: inverse[orientation] })
          .toBuffer();
        const { data, info } = await sharp(turned).autoOrient().raw().toBuffer({ resolveWithObject: true });
        const bytes = await make({ data, width: info.width, height: info.height })
          .withExif({})
          .withMetadata({ orientation })
          .toBuffer();
        const photo = await decodePhoto(bytes, 'a');
        expect([photo.width, photo.height], `${format} ${orientation}`).toEqual([40, 24]);
        const largest = photo.data.reduce((most, value, at) => Math.max(most, Math.abs(value - upright.data[at])), 0);
        expect(largest, `${format} ${orientation}`).toBeLessThanOrEqual(1);
      }
    }
  });
});

/** The EXIF orientation that undoes another. */
const inverse = [0, 1, 2, 3, 4, 5, 8, 7, 6];

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
