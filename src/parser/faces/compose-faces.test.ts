import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Random } from '../../random/random.ts';
import { runSteps } from '../../scheduling/steps.ts';
import { composeFacesSteps } from './compose-faces.ts';
import { FaceGrid } from './face-grid.ts';

const size = { width: 60, height: 40 };

/** Scores by which one class is best everywhere. */
function constantScores(id: number) {
  const data = new Float32Array(4 * 9);
  data.fill(1, id * 9, (id + 1) * 9);
  return { shape: [4, 3, 3] as const, data };
}

function randomScores(seed: number) {
  const random = new Random(seed);
  return { shape: [4, 6, 6] as const, data: Float32Array.from({ length: 144 }, () => random.normal()) };
}

const compose = (...grids: FaceGrid[]) => runSteps(composeFacesSteps(grids, size));

describe('composeFacesSteps', () => {
  it('gives background outside of all squares, and everywhere without faces', () => {
    const { labels, owners } = compose(new FaceGrid(constantScores(2), { x: 20, y: 20, side: 10, angle: 0 }));
    expect(labels.filter((id) => id === 2)).toHaveLength(100);
    expect(owners.filter((owner) => owner === 1)).toHaveLength(100);
    expect(labels.reduce((sum, id) => sum + id)).toBe(200);
    expect(Math.max(...compose().labels, ...compose().owners)).toBe(0);
  });

  it('takes the best of all classes at each pixel, the lower id where two are equal', () => {
    fc.assert(
      fc.property(fc.nat(1000), fc.double({ min: -180, max: 180, noNaN: true }), (seed, angle) => {
        const scores = randomScores(seed);
        const grid = new FaceGrid(scores, { x: 30, y: 20, side: 30, angle });
        const { labels, owners } = compose(grid);
        const expected = labels.slice();
        for (let at = 0; at < labels.length; at++) {
          if (owners[at] === 0) continue;
          const cell = grid.moveTo(at % size.width, Math.trunc(at / size.width));
          const values = [0, 1, 2, 3].map((id) => grid.valueAt(scores.data, id * 36, cell));
          expected[at] = values.indexOf(Math.max(...values));
        }
        expect(labels).toEqual(expected);
      }),
      { numRuns: 30 },
    );
    const even = { shape: [4, 3, 3] as const, data: new Float32Array(36) };
    expect(Math.max(...compose(new FaceGrid(even, { x: 20, y: 20, side: 10, angle: 0 })).labels)).toBe(0);
  });

  it('gives pixels of two squares to the nearer face, in terms of its size, in any order', () => {
    const left = new FaceGrid(constantScores(1), { x: 20, y: 20, side: 30, angle: 0 });
    const right = new FaceGrid(constantScores(2), { x: 40, y: 20, side: 30, angle: 0 });
    const one = compose(left, right);
    const other = compose(right, left);
    expect(one.labels).toEqual(other.labels);
    expect([one.labels[20 * 60 + 28], one.labels[20 * 60 + 31]]).toEqual([1, 2]);
    expect(one.owners[20 * 60 + 31]).toBe(2);
    // Nearer to the small face in its own measure only within the bounds of its square.
    const small = new FaceGrid(constantScores(3), { x: 30, y: 20, side: 8, angle: 0 });
    expect(compose(left, small).labels[20 * 60 + 28]).toBe(3);
  });

  it('never lets the background of one face hide another', () => {
    const face = new FaceGrid(constantScores(1), { x: 20, y: 20, side: 30, angle: 0 });
    const background = new FaceGrid(constantScores(0), { x: 28, y: 20, side: 30, angle: 0 });
    for (const grids of [
      [face, background],
      [background, face],
    ]) {
      expect(compose(...grids).labels.filter((id) => id === 1)).toHaveLength(900);
    }
  });
});
