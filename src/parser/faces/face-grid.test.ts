import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { axesOf } from '../../faces/framing.ts';
import { Random } from '../../random/random.ts';
import { pixelGrid } from '../grid/grid-taps.ts';
import { RowUpsampler } from '../grid/row-upsampler.ts';
import { FaceGrid } from './face-grid.ts';

const random = new Random(5);
const scores = { shape: [2, 5, 7] as const, data: Float32Array.from({ length: 70 }, () => random.normal()) };

const framings = fc.record({
  x: fc.double({ min: -20, max: 70, noNaN: true }),
  y: fc.double({ min: -20, max: 50, noNaN: true }),
  side: fc.double({ min: 0.5, max: 90, noNaN: true }),
  angle: fc.double({ min: -180, max: 180, noNaN: true }),
});

describe('FaceGrid', () => {
  it('spans exactly the pixels whose centres are inside the square', () => {
    const size = { width: 50, height: 30 };
    fc.assert(
      fc.property(framings, (framing) => {
        const grid = new FaceGrid(scores, framing);
        const { right, down } = axesOf(framing);
        const rows = grid.rows(size);
        const wrong: string[] = [];
        for (let y = 0; y < size.height; y++) {
          const { from, to } = y >= rows.from && y < rows.to ? grid.span(y, size) : { from: 0, to: 0 };
          for (let x = 0; x < size.width; x++) {
            const [dx, dy] = [x + 0.5 - framing.x, y + 0.5 - framing.y];
            const reach = Math.max(Math.abs(dx * right.x + dy * right.y), Math.abs(dx * down.x + dy * down.y));
            // On the border itself, rounding decides.
            if (Math.abs(reach - framing.side / 2) < 1e-6) continue;
            if ((x >= from && x < to) !== reach < framing.side / 2) wrong.push(`${x}, ${y}`);
          }
        }
        expect(wrong).toEqual([]);
      }),
    );
  });

  it('agrees with the upsampling of a whole image where the square is the image', () => {
    const [width, height] = [40, 40];
    const grid = new FaceGrid(scores, { x: 20, y: 20, side: 40, angle: 0 });
    const upsampler = new RowUpsampler(scores, pixelGrid(height, width));
    const row = new Float32Array(width);
    for (const start of [0, 35]) {
      for (let y = 0; y < height; y++) {
        upsampler.write(scores.data, start, y, row);
        for (let x = 0; x < width; x++) {
          expect(grid.valueAt(scores.data, start, grid.moveTo(x, y))).toBeCloseTo(row[x], 5);
        }
      }
    }
  });

  it('turns with the square: half a turn reverses both axes', () => {
    const upright = new FaceGrid(scores, { x: 20, y: 20, side: 40, angle: 0 });
    const turned = new FaceGrid(scores, { x: 20, y: 20, side: 40, angle: 180 });
    for (const [x, y] of [
      [0, 0],
      [3, 31],
      [39, 12],
    ]) {
      const value = upright.valueAt(scores.data, 0, upright.moveTo(x, y));
      expect(turned.valueAt(scores.data, 0, turned.moveTo(39 - x, 39 - y))).toBeCloseTo(value, 5);
    }
  });
});
