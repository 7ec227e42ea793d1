import sharp from 'sharp';
import { describe, expect, it } from 'vitest';
import { Random } from '../random/random.ts';
import { Grey16PngEncoder } from './grey16-png.ts';

async function encode(values: Uint16Array, width: number, rows: number): Promise<Buffer> {
  const encoder = new Grey16PngEncoder(width, values.length / width);
  const parts = encoder.start();
  for (let at = 0; at < values.length; at += rows * width) {
    parts.push(...(await encoder.add(values.subarray(at, at + rows * width))));
  }
  return Buffer.concat([...parts, ...(await encoder.end())]);
}

describe('Grey16PngEncoder', () => {
  it.each([
    [1, 1, 1],
    [7, 5, 2],
    [300, 301, 64],
  ])('%d×%d in bands of %d rows', async (width, height, rows) => {
    const random = new Random(1);
    const values = Uint16Array.from({ length: width * height }, () => Math.floor(random.uniform(0, 65536)));
    values.set([0, 65535, 256, 255].slice(0, values.length));
    const png = await encode(values, width, rows);
    expect(await sharp(png).metadata()).toMatchObject({ width, height, channels: 1, depth: 'ushort', format: 'png' });
    const { data } = await sharp(png)
      .toColourspace('grey16')
      .raw({ depth: 'ushort' })
      .toBuffer({ resolveWithObject: true });
    expect(new Uint16Array(data.buffer, data.byteOffset, data.length / 2)).toEqual(values);
  });

  it('refuses incomplete rows and images', async () => {
    const encoder = new Grey16PngEncoder(4, 2);
    await expect(encoder.add(new Uint16Array(6))).rejects.toThrow('6 values are no whole rows of 4 pixels');
    await encoder.add(new Uint16Array(4));
    await expect(encoder.end()).rejects.toThrow('1 of 2 rows were added');
  });
});
