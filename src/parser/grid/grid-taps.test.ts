import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { LabelMap } from '../../image/image.ts';
import { letterboxLabels, letterboxOf } from '../../image/letterbox.ts';
import { upsampledArgmax } from './argmax.ts';
import { ProbabilityAverage } from './averaging.ts';
import type { ClassScores } from './grid-classes.ts';
import { cropGrid, cropScores, pixelGrid } from './grid-taps.ts';
import { plainKernels } from './kernels.ts';
import { RowUpsampler } from './row-upsampler.ts';

const size = 64;
const extent = fc.integer({ min: 1, max: 200 });

/** A plane on the grid of a letterboxed photo: `value` at the centre of each cell, by place in the photo from 0 to 1. */
function planeOf(
  photo: { width: number; height: number },
  cells: number,
  value: (x: number, y: number) => number,
  padding = Number.NaN,
): ClassScores {
  const box = letterboxOf(photo, size);
  const data = new Float32Array(cells * cells);
  for (let row = 0; row < cells; row++) {
    for (let column = 0; column < cells; column++) {
      const x = (((column + 0.5) * size) / cells - box.x) / box.width;
      const y = (((row + 0.5) * size) / cells - box.y) / box.height;
      const inside = x >= 0 && y >= 0 && x <= 1 && y <= 1;
      data[row * cells + column] = inside ? value(x, y) : padding;
    }
  }
  return { shape: [1, cells, cells], data };
}

describe('scores of a letterboxed photo', () => {
  it('are upsampled to exactly the places that they come from, without those of the padding', () => {
    fc.assert(
      fc.property(extent, extent, fc.constantFrom(64, 32, 16, 21), (width, height, cells) => {
        const box = letterboxOf({ width, height }, size);
        // Thinner content may lie between two centres.
        fc.pre(Math.min(box.width, box.height) * cells >= 2 * size);
        const scores = planeOf({ width, height }, cells, (x, y) => 3 * x - 2 * y);
        const cropped = cropScores(scores, box, size);
        const upsampler = new RowUpsampler(cropped, pixelGrid(height, width));
        const row = new Float32Array(width);
        // Beyond the outermost centres, the nearest one counts.
        const isInner = (place: number, shown: number) => Math.min(place, 1 - place) > size / cells / shown;
        let largest = 0;
        for (let y = 0; y < height; y++) {
          upsampler.write(cropped.data, 0, y, row);
          for (let x = 0; x < width; x++) {
            const [placeX, placeY] = [(x + 0.5) / width, (y + 0.5) / height];
            const expected =
              isInner(placeX, box.width) && isInner(placeY, box.height) ? 3 * placeX - 2 * placeY : row[x];
            const error = Math.abs(row[x] - expected);
            // A score of the padding is not a number.
            if (!(error <= largest)) largest = error;
          }
        }
        expect(largest).toBeLessThan(1e-4);
      }),
      { numRuns: 100 },
    );
  });

  it('remain as they are for a square photo', () => {
    const scores = planeOf({ width: 9, height: 9 }, 16, (x, y) => x + y);
    expect(cropScores(scores, letterboxOf({ width: 9, height: 9 }, size), size)).toBe(scores);
  });

  it('are the middle ones where the photo is thinner than a cell', () => {
    for (const [width, height, cells] of [
      [1, 900, 16],
      [900, 1, 16],
      [1, 900, 21],
      [900, 2, 5],
    ]) {
      const scores = planeOf({ width, height }, cells, () => 1, 7);
      const cropped = cropScores(scores, letterboxOf({ width, height }, size), size);
      const [, rows, columns] = cropped.shape;
      expect(Math.max(rows, columns)).toBe(cells);
      expect(Math.min(rows, columns)).toBe(2 - (cells % 2));
      const { data } = upsampledArgmax(cropped, height, width);
      expect(data).toHaveLength(width * height);
    }
  });

  it('bring a mask through a letterbox and back', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 32 }), fc.integer({ min: 1, max: 32 }), fc.nat(), (a, b, seed) => {
        // Whole multiples of the mask fill the square, so that nothing is lost.
        const [width, height] = a > b ? [32, 2 * Math.ceil(b / 2)] : [2 * Math.ceil(a / 2), 32];
        const mask: LabelMap = {
          width,
          height,
          data: Uint8Array.from({ length: width * height }, (_, at) => ((at * 31 + seed) >>> 2) % 3),
        };
        const square = letterboxLabels(mask, size);
        const scores = new Float32Array(3 * size * size);
        // Class 2 is certain in the padding, and must be seen nowhere.
        square.data.forEach((id, at) => {
          scores[(id === 255 ? 2 : id) * size * size + at] = id === 255 ? 1e6 : 1;
        });
        const cropped = cropScores({ shape: [3, size, size], data: scores }, letterboxOf(mask, size), size);
        expect(upsampledArgmax(cropped, height, width).data).toEqual(mask.data);
      }),
      { numRuns: 100 },
    );
  });

  it('are averaged at the places that they come from', async () => {
    const photo = { width: 60, height: 43 };
    const box = letterboxOf(photo, size);
    const value = (x: number, y: number) => 2 * x - y;
    const twoClasses = (cells: number) => {
      const one = planeOf(photo, cells, value, 50);
      const data = new Float32Array(2 * cells * cells);
      data.set(one.data);
      return cropScores({ shape: [2, cells, cells], data }, box, size);
    };
    const grid = cropGrid({ shape: [2, 64, 64] }, box, size);
    const average = new ProbabilityAverage(grid, Uint8Array.of(0, 1), plainKernels);
    await average.add(twoClasses(32), false);
    await average.add(twoClasses(64), false);
    const result = await average.logProbabilities();
    expect(result.region).toEqual(grid.region);
    const [, rows, columns] = result.shape;
    const { region } = result;
    if (!region) throw new Error('no region');
    for (let row = 2; row < rows - 2; row++) {
      for (let column = 2; column < columns - 2; column++) {
        const x = (column + 0.5 - region.x) / region.width;
        const y = (row + 0.5 - region.y) / region.height;
        const expected = 1 / (1 + Math.exp(-value(x, y)));
        expect(Math.exp(result.data[row * columns + column])).toBeCloseTo(expected, 4);
      }
    }
  });
});
