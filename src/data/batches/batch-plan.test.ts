import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { defaultPreprocessing } from '../../image/preprocessing.ts';
import { noAugmentation } from '../augmentation/augment.ts';
import { type BatchPlan, epochOrder, stepsPerEpoch } from './batch-plan.ts';

function plan(count: number, change: Partial<BatchPlan> = {}): BatchPlan {
  return {
    decoded: {
      labelSet: 'celebamask-19',
      size: 1,
      stems: Array.from({ length: count }, (_, i) => `${i}`),
      buffer: new SharedArrayBuffer(count * 4),
    },
    batchSize: 2,
    size: 1,
    labelSize: 1,
    augmentation: noAugmentation,
    mirror: new Uint8Array(256),
    normalization: defaultPreprocessing,
    seed: 1,
    ...change,
  };
}

const times = (indices: Uint32Array, count: number) =>
  Array.from({ length: count }, (_, i) => indices.filter((index) => index === i).length);

describe('epochOrder', () => {
  it('is a permutation, another one each epoch and seed, and always the same for the same', () => {
    const orders = [epochOrder(plan(20), 0), epochOrder(plan(20), 1), epochOrder(plan(20, { seed: 2 }), 0)];
    for (const { indices, repeats } of orders) {
      expect(times(indices, 20)).toEqual(new Array(20).fill(1));
      expect([...repeats]).toEqual(new Array(20).fill(0));
    }
    expect(new Set(orders.map(({ indices }) => indices.join())).size).toBe(3);
    expect(epochOrder(plan(20), 1)).toEqual(orders[1]);
  });

  it('gives each pair its share by weight, rounded up or down', () => {
    fc.assert(
      fc.property(
        fc.integer(),
        fc.array(fc.integer({ min: 0, max: 9 }), { minLength: 1, maxLength: 30 }).filter((w) => w.some((x) => x > 0)),
        (seed, weights) => {
          const { indices, repeats } = epochOrder(
            plan(weights.length, { seed, weights: Float64Array.from(weights) }),
            2,
          );
          const total = weights.reduce((sum, weight) => sum + weight, 0);
          const counts = times(indices, weights.length);
          weights.forEach((weight, i) => {
            const share = (weight * weights.length) / total;
            expect(counts[i]).toBeGreaterThanOrEqual(Math.floor(share + 1e-9));
            expect(counts[i]).toBeLessThanOrEqual(Math.ceil(share - 1e-9));
          });
          const pairs = new Set(Array.from(indices, (index, i) => `${index}/${repeats[i]}`));
          expect(pairs.size).toBe(weights.length);
        },
      ),
    );
  });
});

describe('stepsPerEpoch', () => {
  it('leaves out an incomplete last batch', () => {
    expect(stepsPerEpoch(plan(7, { batchSize: 3 }))).toBe(2);
    expect(stepsPerEpoch(plan(6, { batchSize: 3 }))).toBe(2);
  });
});
