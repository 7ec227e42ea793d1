import { describe, expect, it } from 'vitest';
import { decodePredictions, intersectionOverUnion, joinPredictions, type Prediction } from './predictions.ts';

/** Outputs of the network for inputs of 64×32 pixels in which nothing is found. */
function emptyOutputs(batch = 1): Record<string, Float32Array> {
  const [fine, coarse] = [4 * 2, 2 * 1];
  return {
    'scores.fine': new Float32Array(batch * 2 * fine).fill(-9),
    'values.fine': new Float32Array(batch * 32 * fine),
    'scores.coarse': new Float32Array(batch * 6 * coarse).fill(-9),
    'values.coarse': new Float32Array(batch * 96 * coarse),
  };
}

function prediction(score: number, ...box: number[]): Prediction {
  return { score, values: Float32Array.from({ length: 16 }, (_, k) => box[k] ?? k) };
}

describe('decodePredictions', () => {
  it('finds nothing where all scores are low', () => {
    expect(decodePredictions(emptyOutputs(), { width: 64, height: 32 }, 0.5)).toEqual([]);
  });

  it('places the values relative to the middle of the cell, except the sizes', () => {
    const outputs = emptyOutputs();
    // Second anchor of the fine head, third column of the second row.
    outputs['scores.fine'][8 + 4 + 2] = 0;
    for (let k = 0; k < 16; k++) outputs['values.fine'][(16 + k) * 8 + 6] = k + 1;
    const [{ score, values }, ...others] = decodePredictions(outputs, { width: 64, height: 32 }, 0.5);
    expect(others).toEqual([]);
    expect(score).toBe(0.5);
    expect([...values]).toEqual([1 + 40, 2 + 24, 3, 4, ...[5, 7, 9, 11, 13, 15].flatMap((k) => [k + 40, k + 1 + 24])]);
  });

  it('reads the coarse head and the image of a batch', () => {
    const outputs = emptyOutputs(2);
    outputs['scores.coarse'][(6 + 5) * 2 + 1] = 2;
    expect(decodePredictions(outputs, { width: 64, height: 32, index: 0 }, 0.5)).toEqual([]);
    const [{ score, values }] = decodePredictions(outputs, { width: 64, height: 32, index: 1 }, 0.5);
    expect(score).toBeCloseTo(1 / (1 + Math.exp(-2)), 12);
    expect([...values.subarray(0, 6)]).toEqual([48, 16, 0, 0, 48, 16]);
  });

  it('passes over scores that are not numbers', () => {
    const outputs = emptyOutputs();
    outputs['scores.fine'].fill(Number.NaN);
    expect(decodePredictions(outputs, { width: 64, height: 32 }, 0.5)).toEqual([]);
  });
});

describe('joinPredictions', () => {
  it('averages predictions that overlap, weighted by their scores, and keeps the best score', () => {
    const [joined, ...others] = joinPredictions(
      [prediction(0.25, 14, 10, 20, 20), prediction(0.75, 10, 10, 20, 20)],
      0.3,
    );
    expect(others).toEqual([]);
    expect(joined.score).toBe(0.75);
    expect([...joined.values.subarray(0, 5)]).toEqual([11, 10, 20, 20, 4]);
  });

  it('keeps predictions apart that do not overlap, best first', () => {
    const joined = joinPredictions([prediction(0.5, 10, 10, 10, 10), prediction(0.9, 40, 10, 10, 10)], 0.3);
    expect(joined.map(({ score, values }) => [score, values[0]])).toEqual([
      [0.9, 40],
      [0.5, 10],
    ]);
  });

  it('returns nothing for nothing', () => {
    expect(joinPredictions([], 0.3)).toEqual([]);
  });
});

describe('intersectionOverUnion', () => {
  it.each([
    ['the same box', [5, 5, 4, 4], 1],
    ['half of it', [5, 5, 4, 2], 0.5],
    ['a shift by half', [7, 5, 4, 4], 1 / 3],
    ['a box beside', [9, 5, 4, 4], 0],
    ['a box far away', [90, 50, 4, 4], 0],
  ])('%s', (_, other, expected) => {
    expect(intersectionOverUnion([5, 5, 4, 4], other)).toBeCloseTo(expected, 12);
  });
});
