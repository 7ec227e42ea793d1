import { execFileSync, spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { zlibSync } from 'fflate';
import sharp from 'sharp';
import { describe, expect, test } from 'vitest';
import { FaceparseError } from '../../text/errors.ts';
import { crc32 } from '../crc.ts';
import { decodePalettePng, encodePalettePng, readPngPalette } from './palette-png.ts';

type Color = [number, number, number];

const fullPalette: Color[] = Array.from({ length: 256 }, (_, i) => [i, (i * 7) % 256, 255 - i]);

function noise(width: number, height: number, classes = 256): { width: number; height: number; data: Uint8Array } {
  const data = Uint8Array.from({ length: width * height }, (_, i) => ((i * 2654435761) >>> 11) % classes);
  return { width, height, data };
}

function chunk(type: string, body: ArrayLike<number>): number[] {
  const named = [...type].map((letter) => letter.charCodeAt(0)).concat(Array.from(body));
  return [...uint32(body.length), ...named, ...uint32(crc32(Uint8Array.from(named)))];
}

function uint32(value: number): number[] {
  return [value >>> 24, (value >>> 16) & 255, (value >>> 8) & 255, value & 255];
}

interface HandMade {
  width: number;
  height: number;
  bitDepth?: number;
  colorType?: number;
  interlace?: number;
  rows: number[];
  palette?: number[];
  idatCuts?: number;
}

/** A PNG put together by hand, so that the decoder meets what our own encoder never writes. */
function handMade({ width, height, bitDepth = 8, colorType = 3, interlace = 0, rows, ...more }: HandMade): Uint8Array {
  const stream = Array.from(zlibSync(Uint8Array.from(rows)));
  const part = Math.ceil(stream.length / (more.idatCuts ?? 1));
  const idats = Array.from({ length: more.idatCuts ?? 1 }, (_, i) => stream.slice(i * part, (i + 1) * part));
  return Uint8Array.from([
    ...[0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a],
    ...chunk('IHDR', [...uint32(width), ...uint32(height), bitDepth, colorType, 0, 0, interlace]),
    ...chunk('tEXt', [65, 0, 66]),
    ...(colorType === 3 ? chunk('PLTE', more.palette ?? [0, 0, 0, 9, 8, 7]) : []),
    ...idats.flatMap((body) => chunk('IDAT', body)),
    ...chunk('IEND', []),
  ]);
}

describe('round trip', () => {
  test('every index 0–255 survives', () => {
    const map = { width: 16, height: 16, data: Uint8Array.from({ length: 256 }, (_, i) => i) };
    const png = encodePalettePng(map, fullPalette);
    expect(decodePalettePng(png)).toEqual({ ...map, palette: fullPalette });
    expect(readPngPalette(png)).toEqual(fullPalette);
  });

  test.each([
    [1, 1],
    [1, 7],
    [13, 1],
    [31, 17],
    [512, 511],
  ])('%i×%i', (width, height) => {
    const map = noise(width, height);
    expect(Buffer.compare(decodePalettePng(encodePalettePng(map, fullPalette)).data, map.data)).toBe(0);
  });

  test('any map with any palette, from any place of a buffer', () => {
    const maps = fc
      .record({
        width: fc.integer({ min: 1, max: 40 }),
        height: fc.integer({ min: 1, max: 40 }),
        colors: byteTriples(),
      })
      .chain(({ width, height, colors }) =>
        fc
          .uint8Array({ minLength: width * height, maxLength: width * height, max: colors.length - 1 })
          .map((data) => ({ map: { width, height, data }, colors })),
      );
    fc.assert(
      fc.property(maps, fc.nat(9), ({ map, colors }, shift) => {
        const png = encodePalettePng(map, colors);
        const within = new Uint8Array(png.length + shift + 3);
        within.set(png, shift);
        const decoded = decodePalettePng(within.subarray(shift, shift + png.length));
        expect(decoded).toEqual({ ...map, palette: colors });
      }),
    );
  });

  test('the same map gives the same bytes', () => {
    expect(encodePalettePng(noise(64, 48), fullPalette)).toEqual(encodePalettePng(noise(64, 48), fullPalette));
  });
});

describe('what others write', () => {
  test.each([1, 2, 4, 8])('palette of %i bits', (bitDepth) => {
    const [width, height] = [11, 5];
    const values = noise(width, height, 2 ** bitDepth).data;
    const rows: number[] = [];
    for (let y = 0; y < height; y++) {
      const bits = [...values.subarray(y * width, (y + 1) * width)].map((v) => v.toString(2).padStart(bitDepth, '0'));
      const line = bits.join('');
      rows.push(0);
      for (let i = 0; i < line.length; i += 8) rows.push(Number.parseInt(line.slice(i, i + 8).padEnd(8, '1'), 2));
    }
    const palette = fullPalette.slice(0, 2 ** bitDepth);
    const png = handMade({ width, height, bitDepth, rows, palette: palette.flat(), idatCuts: 3 });
    expect(decodePalettePng(png)).toEqual({ width, height, data: values, palette });
  });

  test.each([false, true])('sharp: greyscale with all row filters, interlaced: %s', async (progressive) => {
    // Smooth slopes make libpng choose each of its filters somewhere.
    const [width, height] = [61, 43];
    const data = Uint8Array.from({ length: width * height }, (_, i) => {
      const [x, y] = [i % width, Math.floor(i / width)];
      return (x * x + 3 * y + (y % 7) * x + (y > 20 ? (i * 40503) >>> 3 : 0)) & 255;
    });
    const png = await sharp(data, { raw: { width, height, channels: 1 } })
      .toColourspace('b-w')
      .png({ progressive, adaptiveFiltering: true })
      .toBuffer();
    expect(png[28]).toBe(progressive ? 1 : 0);
    expect(decodePalettePng(png)).toEqual({ width, height, data, palette: [] });
    expect(readPngPalette(png)).toEqual([]);
  });

  test('each row filter undone as PNG §9 says', () => {
    const rows = [0, 10, 20, 250, 1, 5, 5, 5, 2, 1, 2, 3, 3, 4, 4, 4, 4, 1, 2, 3];
    const png = handMade({ width: 3, height: 5, colorType: 0, rows });
    // Average: 4+(0+6)/2=7, 4+(7+12)/2=13, 4+(13+18)/2=19; Paeth of (0,7,0)=7, (8,13,7)=13, (15,19,13)=19.
    expect([...decodePalettePng(png).data]).toEqual([10, 20, 250, 5, 10, 15, 6, 12, 18, 7, 13, 19, 8, 15, 22]);
  });

  test('ids without a colour are kept: judging them is the business of the data check', () => {
    const png = handMade({ width: 2, height: 1, rows: [0, 1, 200] });
    expect([...decodePalettePng(png).data]).toEqual([1, 200]);
  });
});

describe('what is refused', () => {
  test.each([
    [2, 8, 'an RGB PNG', 'convert its colours to class ids with faceparse data convert --palette FILE'],
    [6, 8, 'an RGBA PNG', 'convert its colours to class ids with faceparse data convert --palette FILE'],
    [4, 8, 'a grey+alpha PNG', 'save it without the alpha channel'],
    [0, 16, 'a 16-bit greyscale PNG', 'save the class ids unchanged in 8 bits'],
    [0, 1, 'a 1-bit greyscale PNG', 'save the class ids unchanged in 8 bits'],
    [2, 16, 'a 16-bit RGB PNG', 'convert its colours to class ids with faceparse data convert --palette FILE'],
    [3, 16, 'a 16-bit palette PNG', 'save the class ids unchanged in 8 bits'],
    [5, 8, 'a colour type 5 PNG', 'save the class ids unchanged in 8 bits'],
  ])('colour type %i with %i bits', (colorType, bitDepth, said, remedy) => {
    const png = handMade({ width: 1, height: 1, colorType, bitDepth, rows: [0, 0, 0, 0, 0, 0, 0] });
    expect(() => decodePalettePng(png)).toThrow(
      new FaceparseError(
        `${said}, but a mask must be an 8-bit palette or greyscale PNG whose values are class ids; ${remedy}`,
      ),
    );
  });

  test.each([
    ['', /^an empty file, but a mask/],
    ['\xff\xd8\xff\xe0', /^a JPEG, but a mask .*; JPEG compression changes the ids, so write the masks again/],
    ['RIFF\x10\0\0\0WEBPVP8L', /^a WebP image, but a mask/],
    ['GIF89a', /^a GIF image, but/],
    ['BM\x36\0', /^a BMP image, but/],
    ['II*\0\x08', /^a TIFF image, but/],
    ['\x93NUMPY\x01', /^a NumPy array, but/],
    ['\n<!DOCTYPE html>', /^a web page, but/],
    ['not an image at all', /^not a PNG, but a mask/],
  ])('another file: %j', (start, message) => {
    const bytes = Uint8Array.from(start, (char) => char.charCodeAt(0));
    expect(() => decodePalettePng(bytes)).toThrow(message);
    expect(() => readPngPalette(bytes)).toThrow(message);
  });

  test('more pixels than allowed, before anything is allocated', () => {
    const huge = handMade({ width: 0x7fffffff, height: 0x7fffffff, rows: [0, 0] });
    expect(() => decodePalettePng(huge)).toThrow(/2147483647×2147483647 pixels, but a mask may have at most 67108864/);
    const small = encodePalettePng(noise(4, 4), fullPalette);
    expect(() => decodePalettePng(small, { maxPixels: 15 })).toThrow(/4×4 pixels.*at most 15;/);
    expect(decodePalettePng(small, { maxPixels: 16 }).data.length).toBe(16);
  });

  test('a big header over little data, before anything is allocated', () => {
    const png = handMade({ width: 8000, height: 8000, rows: [0, 0] });
    expect(() => decodePalettePng(png)).toThrow(
      /truncated: its header declares 64008000 bytes of pixel rows, but at most/,
    );
  });

  test('rows missing, rows too many', () => {
    expect(() => decodePalettePng(handMade({ width: 2, height: 2, rows: [0, 1, 1] }))).toThrow(
      /declares 6 .*, but 3 follow/,
    );
    expect(() => decodePalettePng(handMade({ width: 2, height: 1, rows: [0, 1, 1, 0] }))).toThrow(/more than the 3/);
  });

  test('a deflate bomb is left early: its broken second half is never reached', () => {
    const stream = zlibSync(new Uint8Array(2 ** 26)).fill(0xaa, 2 ** 15);
    expect(stream.length).toBeGreaterThan(2 ** 15);
    const bomb = Uint8Array.from([
      ...encodePalettePng(noise(1, 1, 1), fullPalette).subarray(0, 33),
      ...chunk('PLTE', [0, 0, 0]),
      ...chunk('IDAT', stream),
      ...chunk('IEND', []),
    ]);
    expect(() => decodePalettePng(bomb)).toThrow(/more than the 2 bytes/);
  });

  test.each([
    ['no palette', handMade({ width: 1, height: 1, rows: [0, 0], palette: [] }), /palette has 0 bytes/],
    ['a broken palette', handMade({ width: 1, height: 1, rows: [0, 0], palette: [1, 2] }), /palette has 2 bytes/],
    ['no pixels', handMade({ width: 0, height: 5, rows: [] }), /header declares 0×5/],
    ['an unknown filter', handMade({ width: 1, height: 1, rows: [5, 0] }), /unknown filter 5/],
    ['an unknown interlacing', handMade({ width: 1, height: 1, interlace: 2, rows: [0, 0] }), /interlace 2/],
  ])('%s', (_, png, message) => {
    expect(() => decodePalettePng(png)).toThrow(message);
    expect(() => decodePalettePng(png)).toThrow(FaceparseError);
  });

  test('types of chunks that a terminal would obey', () => {
    const png = encodePalettePng(noise(2, 2), fullPalette.slice(0, 256));
    png.set([0x1b, 0x5b, 0x9b, 0x4a], png.indexOf('P'.charCodeAt(0), 8));
    expect(() => decodePalettePng(png)).toThrow(/the checksum of its "\\u001b\[\\u009bJ" chunk is wrong/);
  });

  test('every cut of a file', () => {
    const png = encodePalettePng(noise(9, 9), fullPalette.slice(0, 256));
    for (let length = 0; length < png.length; length++) {
      expect(() => decodePalettePng(png.subarray(0, length)), `${length} bytes`).toThrow(
        length < 8 ? /but a mask must be/ : /truncated/,
      );
    }
  });

  test('every flipped byte is noticed after the signature', () => {
    const png = encodePalettePng(noise(5, 5), fullPalette.slice(0, 256));
    for (let i = 8; i < png.length; i++) {
      const bad = png.slice();
      bad[i] ^= 0x55;
      expect(() => decodePalettePng(bad), `byte ${i}`).toThrow(FaceparseError);
    }
  });

  test('any bytes behind a valid signature and header give a FaceparseError or a map', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 60 }), fc.nat(17), (rows, width) => {
        const png = handMade({ width, height: 3, rows: [...rows] });
        try {
          expect(decodePalettePng(png).data.length).toBe(width * 3);
        } catch (error) {
          expect(error).toBeInstanceOf(FaceparseError);
        }
      }),
    );
  });
});

describe('what the encoder refuses', () => {
  const one = { width: 1, height: 1, data: Uint8Array.of(0) };
  test.each([
    ['a data length', { ...one, data: new Uint8Array(2) }, fullPalette, /1×1 requires 1 class ids, but 2/],
    ['no width', { ...one, width: 0, data: new Uint8Array(0) }, fullPalette, /width must be a positive integer, not 0/],
    ['a fractional height', { ...one, height: 1.5 }, fullPalette, /height must be a positive integer, not 1.5/],
    ['no palette', one, [], /1 to 256 colours, but 0/],
    ['a colour past 255', one, [[0, 256, 0]] as Color[], /three integers 0–255/],
    ['a colour of two', one, [[0, 1]] as unknown as Color[], /three integers 0–255/],
  ])('%s', (_, map, palette, message) => {
    expect(() => encodePalettePng(map, palette)).toThrow(message);
  });

  test('an id without a colour, with its place', () => {
    const map = { width: 2, height: 2, data: Uint8Array.of(0, 1, 1, 2) };
    expect(() => encodePalettePng(map, fullPalette.slice(0, 2))).toThrow(/class id 2 at x 1, y 1 .* palette of 2/);
  });
});

const pil = spawnSync('/usr/bin/python3', ['-c', 'import PIL'], { encoding: 'utf8' });

describe.skipIf(pil.status !== 0)('PIL agrees (skipped where /usr/bin/python3 has no PIL)', () => {
  test('reads mode, indices and palette as written; what it writes is read back', () => {
    const folder = mkdtempSync(join(tmpdir(), 'palette-png-'));
    try {
      const map = noise(37, 21, 19);
      const palette = fullPalette.slice(0, 19);
      const file = join(folder, 'mask.png');
      writeFileSync(file, encodePalettePng(map, palette));
      const script = [
        'import sys, json, base64, io',
        'from PIL import Image',
        'image = Image.open(sys.argv[1]); image.load()',
        "written = io.BytesIO(); image.save(written, 'PNG', optimize=True)",
        "print(json.dumps(dict(mode=image.mode, size=image.size, data=list(image.tobytes()), palette=image.getpalette('RGB')[:57], again=base64.b64encode(written.getvalue()).decode())))",
      ].join('\n');
      const seen = JSON.parse(execFileSync('/usr/bin/python3', ['-c', script, file], { encoding: 'utf8' }));
      expect(seen.mode).toBe('P');
      expect(seen.size).toEqual([37, 21]);
      expect(seen.data).toEqual([...map.data]);
      expect(seen.palette).toEqual(palette.flat());
      expect(decodePalettePng(Buffer.from(seen.again, 'base64')).data).toEqual(map.data);
    } finally {
      rmSync(folder, { recursive: true });
    }
  });
});

function byteTriples(): fc.Arbitrary<Color[]> {
  const byte = fc.integer({ min: 0, max: 255 });
  return fc.array(fc.tuple(byte, byte, byte), { minLength: 1, maxLength: 256 });
}
