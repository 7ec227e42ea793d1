import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Random } from '../../random/random.ts';
import { copyRectangle, drawRectangle, type SamplePlace } from './cut-mix.ts';

describe('drawRectangle', () => {
  it('lies inside at any size', () => {
    fc.assert(
      fc.property(fc.integer(), fc.integer({ min: 1, max: 200 }), (seed, size) => {
        const { left, top, right, bottom } = drawRectangle(new Random(seed), size);
        for (const edge of [left, top, right, bottom]) expect(Number.isInteger(edge)).toBe(true);
        expect(left >= 0 && left < right && right <= size).toBe(true);
        expect(top >= 0 && top < bottom && bottom <= size).toBe(true);
      }),
    );
  });

  it('covers the shares it names, evenly, anywhere', () => {
    const all = Array.from({ length: 3000 }, (_, i) => drawRectangle(new Random(2, i), 128));
    const shares = all.map(({ left, top, right, bottom }) => ((right - left) * (bottom - top)) / 128 ** 2);
    expect(Math.min(...shares)).toBeGreaterThan(0.09);
    expect(Math.min(...shares)).toBeLessThan(0.105);
    expect(Math.max(...shares)).toBeGreaterThan(0.395);
    expect(Math.max(...shares)).toBeLessThan(0.41);
    expect(shares.reduce((sum, share) => sum + share, 0) / shares.length).toBeCloseTo(0.25, 1);
    expect(Math.min(...all.map(({ left }) => left))).toBe(0);
    expect(Math.max(...all.map(({ bottom }) => bottom))).toBe(128);
  });
});

describe('copyRectangle', () => {
  const sample = (size: number, labelSize: number, value: number): SamplePlace => ({
    images: new Float32Array(5 + 3 * size * size + 5).fill(value),
    imageOffset: 5,
    labels: new Int32Array(2 + labelSize * labelSize + 2).fill(value),
    labelOffset: 2,
  });

  it('copies image and labels of the same place, and nothing else', () => {
    for (const [size, labelSize] of [
      [8, 4],
      [9, 4],
      [6, 6],
    ]) {
      const [from, to] = [sample(size, labelSize, 2), sample(size, labelSize, 1)];
      copyRectangle(from, to, { left: 1, top: 2, right: 3, bottom: 4 }, size, labelSize);
      const inside = (x: number, y: number, side: number) => {
        const edge = (place: number) => Math.round((place * side) / labelSize);
        return x >= edge(1) && x < edge(3) && y >= edge(2) && y < edge(4) ? 2 : 1;
      };
      const expected = (side: number) =>
        Array.from({ length: side * side }, (_, i) => inside(i % side, Math.floor(i / side), side));
      expect([...to.labels]).toEqual([1, 1, ...expected(labelSize), 1, 1]);
      const plane = expected(size);
      expect([...to.images]).toEqual([1, 1, 1, 1, 1, ...plane, ...plane, ...plane, 1, 1, 1, 1, 1]);
    }
  });
});
