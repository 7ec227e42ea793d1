import sharp from 'sharp';
import { describe, expect, it } from 'vitest';
import type { Photo } from '../image/image.ts';
import { celebamask19 } from '../labels/celebamask-19.ts';
import { imageGrid } from './image-grid.ts';

function flat(width: number, height: number, color: readonly [number, number, number]): Photo {
  const data = new Uint8Array(width * height * 3);
  for (let i = 0; i < data.length; i++) data[i] = color[i % 3]!;
  return { width, height, data };
}

async function decode(png: Buffer) {
  const { data, info } = await sharp(png).removeAlpha().raw().toBuffer({ resolveWithObject: true });
  const at = (x: number, y: number) => [...data.subarray((y * info.width + x) * 3, (y * info.width + x) * 3 + 3)];
  return { width: info.width, height: info.height, data, at };
}

const red = flat(8, 8, [200, 10, 10]);
const blue = flat(40, 20, [10, 10, 200]);

describe('imageGrid', () => {
  it('has the size of its cells, gaps and margins, and puts each image in its cell', async () => {
    const grid = await decode(await imageGrid([[red, blue], [blue]], { cellSize: 32 }));
    expect([grid.width, grid.height]).toEqual([14 + 32 + 6 + 32 + 14, 14 + 32 + 6 + 32 + 14]);
    expect(grid.at(14, 14)).toEqual([200, 10, 10]);
    expect(grid.at(45, 45)).toEqual([200, 10, 10]);
    expect(grid.at(48, 30)).toEqual([255, 255, 255]);
    // 40×20 in a square cell keeps its proportions: above it the cell is white.
    expect(grid.at(52 + 16, 16)).toEqual([255, 255, 255]);
    expect(grid.at(52 + 16, 30)).toEqual([10, 10, 200]);
    expect(grid.at(52 + 16, 52 + 16)).toEqual([255, 255, 255]);
  });

  it('enlarges small images without smoothing', async () => {
    const checks: Photo = { width: 2, height: 1, data: Uint8Array.of(0, 0, 0, 255, 255, 0) };
    const grid = await decode(await imageGrid([[checks]], { cellSize: 32 }));
    expect(grid.at(14 + 15, 14 + 16)).toEqual([0, 0, 0]);
    expect(grid.at(14 + 16, 14 + 16)).toEqual([255, 255, 0]);
  });

  it('draws captions and row captions without any font', async () => {
    const bare = await decode(await imageGrid([[red]], { cellSize: 64 }));
    const grid = await decode(await imageGrid([[red]], { cellSize: 64, captions: ['photo'], rowCaptions: ['1 é'] }));
    expect(grid.height - bare.height).toBe(22);
    expect(grid.width).toBeGreaterThan(bare.width);
    const dark = (fromX: number, fromY: number, toX: number, toY: number) => {
      let pixels = 0;
      for (let y = fromY; y < toY; y++) for (let x = fromX; x < toX; x++) if (grid.at(x, y)[1] < 128) pixels++;
      return pixels;
    };
    expect(dark(grid.width - 14 - 64, 10, grid.width - 14, 34)).toBeGreaterThan(20);
    expect(dark(10, 36, grid.width - 14 - 64 - 4, grid.height)).toBeGreaterThan(8);
  });

  it('shortens captions that are wider than their cell', async () => {
    const long = 'a caption that is far wider than a cell can be';
    const grid = await decode(await imageGrid([[red, red]], { cellSize: 48, captions: [long] }));
    for (let y = 0; y < 30; y++) {
      for (let x = 14 + 48 + 3; x < grid.width; x++) expect(grid.at(x, y)).toEqual([255, 255, 255]);
    }
  });

  it('shows every class of the legend in its colour', async () => {
    const grid = await decode(await imageGrid([[red, red, red]], { cellSize: 96, legend: celebamask19 }));
    const below = new Set<string>();
    for (let y = 14 + 96 + 4; y < grid.height; y++) {
      for (let x = 0; x < grid.width; x++) below.add(grid.at(x, y).join());
    }
    for (const { color, name } of celebamask19.classes) expect(below.has(color.join()), name).toBe(true);
  });

  it('refuses no images, images whose bytes contradict their size, and sizes out of range', async () => {
    await expect(imageGrid([])).rejects.toThrow(/at least one image/);
    await expect(imageGrid([[]])).rejects.toThrow(RangeError);
    await expect(imageGrid([[red, { ...red, height: 900 }]])).rejects.toThrow(/row 1, column 2 is 8×900/);
    await expect(imageGrid([[red]], { cellSize: 1e6 })).rejects.toThrow(/cell size is 1000000/);
    const many = Array.from({ length: 200 }, () => [red]);
    await expect(imageGrid(many, { cellSize: 1024 })).rejects.toThrow(/use fewer or smaller cells/);
  });
});
