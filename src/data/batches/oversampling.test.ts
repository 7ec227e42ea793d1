import { describe, expect, it } from 'vitest';
import { celebamask19 } from '../../labels/celebamask-19.ts';
import { classCounts } from '../decoded/class-counts.ts';
import { type DecodedDataset, decodedBytes, decodedLabels } from '../decoded/decoded-dataset.ts';
import { oversamplingWeights } from './oversampling.ts';

/** Pairs of 2×2 pixels with these ids. */
function datasetOf(...pairs: number[][]): DecodedDataset {
  const decoded = {
    labelSet: celebamask19.name,
    size: 2,
    stems: pairs.map((_, i) => `${i}`),
    buffer: new SharedArrayBuffer(decodedBytes(pairs.length, 2)),
  };
  pairs.forEach((ids, i) => {
    decodedLabels(decoded, i).data.set(ids);
  });
  return decoded;
}

const decoded = datasetOf([0, 0, 0, 1], [14, 14, 1, 0], [14, 15, 15, 15], [255, 15, 0, 0]);

describe('classCounts', () => {
  it('counts the pixels of each pair', () => {
    const counts = classCounts(decoded);
    expect(counts[0]).toBe(3);
    expect(counts[256 + 14]).toBe(2);
    expect(counts[2 * 256 + 15]).toBe(3);
    expect(counts[3 * 256 + 255]).toBe(1);
    expect(counts.reduce((sum, count) => sum + count, 0)).toBe(16);
  });
});

describe('oversamplingWeights', () => {
  it('gives each pair the largest factor of its classes', () => {
    expect([...oversamplingWeights(decoded, celebamask19, { hat: 3, ear_r: 1.5 })!]).toEqual([1, 3, 3, 1.5]);
    expect([...oversamplingWeights(decoded, celebamask19, { hat: 1.5, ear_r: 3, neck_l: 9 })!]).toEqual([1, 1.5, 3, 3]);
    expect(oversamplingWeights(decoded, celebamask19, {})).toBeUndefined();
  });

  it('names what is wrong', () => {
    expect(() => oversamplingWeights(decoded, celebamask19, { hatt: 3 })).toThrow(
      "celebamask-19 has no class 'hatt'; did you mean 'hat'?",
    );
    for (const factor of [0.5, Number.NaN, Number.POSITIVE_INFINITY]) {
      expect(() => oversamplingWeights(decoded, celebamask19, { hat: factor })).toThrow(
        `The oversampling factor of hat is ${factor}; it must be at least 1.`,
      );
    }
  });
});
