import { runInNewContext } from 'node:vm';
import sharp from 'sharp';
import { describe, expect, it } from 'vitest';
import { decodePalettePng } from './palette-png.ts';
import { encodePng } from './png-encoder.ts';

function pattern(length: number): Uint8Array {
  return Uint8Array.from({ length }, (_, i) => (i * 37 + (i >> 3)) & 255);
}

function grey(): { width: number; height: number; channels: 1; data: Uint8Array } {
  return { width: 1, height: 1, channels: 1, data: new Uint8Array(1) };
}

describe('encodePng', () => {
  it.each([
    [1, 'b-w'],
    [3, 'srgb'],
    [4, 'srgb'],
  ] as const)('writes %i channels that others read', async (channels, space) => {
    const [width, height] = [61, 47];
    const data = pattern(width * height * channels);
    const png = await encodePng({ width, height, channels, data });
    const image = sharp(png);
    expect(await image.metadata()).toMatchObject({ format: 'png', width, height, channels, space });
    expect(new Uint8Array(await image.toColourspace(space).raw().toBuffer())).toEqual(data);
  });

  it('takes bytes of another realm', async () => {
    const data: Uint8Array = runInNewContext('Uint8Array.of(1, 2, 3)');
    expect(await encodePng({ width: 1, height: 1, data })).toEqual(
      await encodePng({ width: 1, height: 1, data: Uint8Array.of(1, 2, 3) }),
    );
  });

  it('derives the channels of photos and label maps from their length', async () => {
    const photo = { width: 5, height: 3, data: pattern(45) };
    expect(await encodePng(photo)).toEqual(await encodePng({ ...photo, channels: 3 }));
    await expect(encodePng({ ...photo, data: pattern(44) })).rejects.toThrow(
      /44 bytes, which is neither 1, 3 nor 4 per pixel/,
    );
  });

  it('stores indices into a palette', async () => {
    const data = pattern(30).map((value) => value % 3);
    const palette = [
      [0, 0, 0],
      [255, 0, 0],
      [0, 128, 255],
    ] as const;
    const png = await encodePng({ width: 6, height: 5, channels: 1, data }, { palette });
    expect(decodePalettePng(png)).toEqual({ width: 6, height: 5, data, palette: palette.map((color) => [...color]) });
  });

  it('writes images of several megabytes', async () => {
    const data = pattern(1500 * 1000 * 4);
    const png = await encodePng({ width: 1500, height: 1000, channels: 4, data });
    expect(Buffer.compare(await sharp(png).raw().toBuffer(), Buffer.from(data))).toBe(0);
  });

  it('spreads its work over many turns of the event loop', async () => {
    const data = new Uint8Array(1500 * 1000 * 4);
    let turn = 0;
    let timer = setImmediate(function count() {
      turn++;
      timer = setImmediate(count);
    });
    const turns = new Set<number>();
    const read = data.subarray.bind(data);
    data.subarray = (from, to) => {
      turns.add(turn);
      return read(from, to);
    };
    await encodePng({ width: 1500, height: 1000, channels: 4, data });
    clearImmediate(timer);
    expect(turns.size).toBeGreaterThan(20);
  });

  it.each([
    [
      { width: 2, height: 2, channels: 3 as const, data: new Uint8Array(11) },
      {},
      /2×2 with 3 channels needs 12 bytes.* has 11/,
    ],
    [{ width: 2, height: 2, channels: 1 as const, data: new Uint8Array(5) }, {}, /with 1 channel needs 4 bytes/],
    [
      { width: 1, height: 1, channels: 3 as const, data: new Uint8Array(3) },
      { palette: [[0, 0, 0]] as const },
      /a palette needs one channel/,
    ],
    [{ width: 0, height: 1, channels: 1 as const, data: new Uint8Array(0) }, {}, /the width of a PNG must be/],
    [
      { width: 2, height: 1, channels: 1 as const, data: Uint8Array.of(0, 3) },
      { palette: [[0, 0, 0]] as const },
      /the index 3 is beyond the palette/,
    ],
    [grey(), { palette: [] }, /a palette has 1 to 256 colours, not 0/],
    [grey(), { palette: Array(257).fill([1, 2, 3]) }, /a palette has 1 to 256 colours, not 257/],
    [grey(), { palette: [[1, 2, 3, 4]] as never }, /colour 0 of the palette has 4 values, not 3/],
    [{ width: 1, height: 1, channels: 2 as never, data: new Uint8Array(2) }, {}, /channels, not 2/],
    [{ width: 1, height: 1, data: new Float32Array(1) as never }, {}, /must be a Uint8Array .* not a Float32Array/],
  ])('refuses %o', async (image, options, message) => {
    await expect(encodePng(image, options)).rejects.toThrow(message);
  });
});
