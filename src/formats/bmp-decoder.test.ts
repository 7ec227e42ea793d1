import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { type BmpForm, bmpBytes } from '../../test/bmp-fixture.ts';
import { decodeBmp, readBmpSize } from './bmp-decoder.ts';

const maxPixels = 1e6;
const [width, height] = [13, 5];
const palette = Array.from({ length: 256 }, (_, i) => [i, 255 - i, (7 * i) % 256] as const);

function colorsOf(bytes: Uint8Array): number[][] {
  const { channels, data } = decodeBmp(bytes, { maxPixels });
  return Array.from({ length: data.length / channels }, (_, i) => [...data.subarray(i * channels, (i + 1) * channels)]);
}

function expected(color: (x: number, y: number) => readonly number[]): (readonly number[])[] {
  return Array.from({ length: width * height }, (_, i) => color(i % width, Math.floor(i / width)));
}

describe('decodeBmp', () => {
  for (const topDown of [false, true]) {
    it.each([1, 4, 8] as const)(`reads palette indices of %i bits, top-down: ${topDown}`, (bits) => {
      const index = (x: number, y: number) => (x + 3 * y) % 2 ** bits;
      const form = { bits, topDown, palette: palette.slice(0, 2 ** bits) };
      expect(colorsOf(bmpBytes(width, height, form, index))).toEqual(expected((x, y) => palette[index(x, y)]));
    });

    it.each<[string, BmpForm, (x: number, y: number) => number, (x: number, y: number) => number[]]>([
      ['24 bits', { bits: 24 }, (x, y) => (x << 16) | (y << 8) | 200, (x, y) => [x, y, 200]],
      ['32 bits, unused byte', { bits: 32 }, (x, y) => (x << 16) | (y << 8) | 9, (x, y) => [x, y, 9]],
      ['16 bits, 5-5-5', { bits: 16 }, (x) => (x << 10) | (31 << 5), (x) => [Math.round((255 * x) / 31), 255, 0]],
      [
        '16 bits, 5-6-5',
        { bits: 16, masks: [0xf800, 0x7e0, 0x1f, 0] },
        (x, y) => (x << 11) | (y << 5) | 31,
        (x, y) => [Math.round((255 * x) / 31), Math.round((255 * y) / 63), 255],
      ],
      [
        '32 bits with alpha in another order',
        { bits: 32, masks: [0xff, 0xff00, 0xff0000, 0xff000000] },
        (x, y) => (128 << 24) | (3 << 16) | (y << 8) | x,
        (x, y) => [x, y, 3, 128],
      ],
      [
        'an alpha channel that is 0 everywhere is unused',
        { bits: 32, masks: [0xff0000, 0xff00, 0xff, 0xff000000] },
        (x, y) => (x << 16) | y,
        (x, y) => [x, 0, y, 255],
      ],
    ])(`reads %s, top-down: ${topDown}`, (_, form, value, color) => {
      expect(colorsOf(bmpBytes(width, height, { ...form, topDown }, value))).toEqual(expected(color));
    });
  }

  it('reads run lengths of 8 bits: runs, literals, padding, jumps, ends of rows', () => {
    // Rows from the bottom: 3×1, 1×2; a jump by one pixel and one row; literals 3 4 5 with a padding byte; the end.
    const bytes = Uint8Array.from([3, 1, 1, 2, 0, 0, 0, 2, 1, 1, 0, 3, 3, 4, 5, 0, 0, 1]);
    const form = { bits: 8 as const, palette: palette.slice(0, 6), encoded: { compression: 1, bytes } };
    const rows = [
      [0, 3, 4, 5],
      [0, 0, 0, 0],
      [1, 1, 1, 2],
    ];
    expect(colorsOf(bmpBytes(4, 3, form))).toEqual(rows.flat().map((index) => palette[index]));
  });

  it('reads run lengths of 4 bits', () => {
    const bytes = Uint8Array.from([5, 0x12, 0, 0, 0, 5, 0x34, 0x51, 0x20, 0, 0, 1]);
    const form = { bits: 4 as const, palette: palette.slice(0, 16), encoded: { compression: 2, bytes } };
    const rows = [
      [3, 4, 5, 1, 2],
      [1, 2, 1, 2, 1],
    ];
    expect(colorsOf(bmpBytes(5, 2, form))).toEqual(rows.flat().map((index) => palette[index]));
  });

  it('refuses every truncation, and never reads beyond the file', () => {
    const whole = bmpBytes(width, height, { bits: 24 }, (x, y) => x * y);
    // The padding of the last row may be missing: 13 pixels are 39 bytes, padded to 40.
    for (let length = 0; length < whole.length - 1; length++) {
      expect(() => decodeBmp(whole.subarray(0, length), { maxPixels }), `${length}`).toThrow(/^BMP: /);
    }
    expect(colorsOf(whole.subarray(0, whole.length - 1))).toHaveLength(width * height);
  });

  it('survives every changed byte of the header', () => {
    const whole = bmpBytes(width, height, { bits: 8, palette }, (x, y) => x + y);
    for (let at = 0; at < 54; at++) {
      for (const value of [0, 1, 127, 128, 255]) {
        const bytes = Buffer.from(whole);
        bytes[at] = value;
        try {
          const { data } = decodeBmp(bytes, { maxPixels });
          expect(data.length).toBeLessThanOrEqual(4 * maxPixels);
        } catch (error) {
          expect((error as Error).name).toBe('FaceparseError');
        }
      }
    }
  });

  it('refuses large sizes before it allocates, runs that leave the image, unknown colors and embedded JPEGs', () => {
    const huge = bmpBytes(1, 1, { bits: 24 });
    huge.writeInt32LE(2 ** 31 - 1, 18);
    expect(() => decodeBmp(huge, { maxPixels })).toThrow('more pixels than the pixel limit of 1000000');
    const runs = (bytes: number[]) => ({
      ...{ bits: 8 as const, palette: palette.slice(0, 6), encoded: { compression: 1, bytes: Uint8Array.from(bytes) } },
    });
    expect(() => decodeBmp(bmpBytes(4, 1, runs([5, 1, 0, 1])), { maxPixels })).toThrow(
      'run lengths that leave the image',
    );
    expect(() => decodeBmp(bmpBytes(4, 1, runs([4, 9, 0, 1])), { maxPixels })).toThrow('color 9 of a palette of 6');
    expect(() => decodeBmp(bmpBytes(4, 1, runs([1, 1])), { maxPixels })).toThrow('cut in its run lengths');
    const jpeg = bmpBytes(4, 1, { bits: 24 });
    jpeg.writeUInt32LE(4, 30);
    expect(() => decodeBmp(jpeg, { maxPixels })).toThrow('24 bits per pixel and compression 4');
  });

  it('reads the size from the header', () => {
    expect(readBmpSize(bmpBytes(width, height, { bits: 24, topDown: true }))).toEqual({ width, height });
  });

  const python = '/usr/bin/python3';
  const pillow = spawnSync(python, ['-c', 'import PIL']).status === 0;
  it.skipIf(!pillow)('reads what Pillow writes (skipped without python3-pil)', () => {
    const folder = mkdtempSync(join(tmpdir(), 'faceparse-bmp-'));
    const script = `
from PIL import Image
rings = Image.radial_gradient('L').resize((33, 21))
rgb = Image.merge('RGB', (rings, rings.rotate(90), rings.rotate(180)))
for mode in ('1', 'L', 'P', 'RGB'):
    image = rgb.convert(mode)
    image.save(mode + '.bmp')
    open(mode + '.rgb', 'wb').write(image.convert('RGB').tobytes())
`;
    try {
      const { status, stderr } = spawnSync(python, ['-c', script], { cwd: folder, encoding: 'utf8' });
      expect(status, stderr).toBe(0);
      for (const mode of ['1', 'L', 'P', 'RGB']) {
        const image = decodeBmp(readFileSync(join(folder, `${mode}.bmp`)), { maxPixels });
        expect([image.width, image.height, image.channels]).toEqual([33, 21, 3]);
        expect(Buffer.from(image.data).equals(readFileSync(join(folder, `${mode}.rgb`))), mode).toBe(true);
      }
    } finally {
      rmSync(folder, { recursive: true });
    }
  });
});
