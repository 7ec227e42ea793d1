import { describe, expect, it } from 'vitest';
import { evaluateLoss, twoPixels } from '../../test/loss-fixture.ts';
import type { Tensor } from '../graph/graph.ts';
import { crossEntropyLoss } from './cross-entropy.ts';
import { type FocalOptions, focalLoss } from './focal.ts';

const { log } = Math;
const focal = (options: FocalOptions) => (logits: Tensor, labels: Tensor) => focalLoss(logits, labels, options);

describe('focalLoss', () => {
  it('multiplies the loss of each pixel by (1 − p)^gamma', async () => {
    const square = await evaluateLoss([twoPixels], [[0, 1]], focal({}));
    expect(square.loss).toBeCloseTo(-(0.5 ** 2 * log(0.5) + 0.4 ** 2 * log(0.6)) / 2, 6);
    const root = await evaluateLoss([twoPixels], [[0, 1]], focal({ gamma: 0.5 }));
    expect(root.loss).toBeCloseTo(-(0.5 ** 0.5 * log(0.5) + 0.4 ** 0.5 * log(0.6)) / 2, 6);
  });

  it('weighs classes, and divides by the weights', async () => {
    const { loss } = await evaluateLoss([twoPixels], [[0, 1]], focal({ classWeights: [1, 3, 100] }));
    expect(loss).toBeCloseTo(-(0.25 * log(0.5) + 3 * 0.16 * log(0.6)) / 4, 6);
  });

  it('is cross-entropy with gamma 0', async () => {
    const weighted = { classWeights: [1, 2, 4] };
    const [own, other] = await Promise.all([
      evaluateLoss([twoPixels], [[0, 1]], focal({ gamma: 0, ...weighted })),
      evaluateLoss([twoPixels], [[0, 1]], (logits, labels) => crossEntropyLoss(logits, labels, weighted)),
    ]);
    expect(own.loss).toBeCloseTo(other.loss, 6);
    for (const [index, value] of own.gradient.entries()) expect(value).toBeCloseTo(other.gradient[index], 6);
  });

  it('leaves out ignored pixels, in the mean and in the gradient', async () => {
    const { loss, gradient } = await evaluateLoss([twoPixels], [[255, 1]], focal({}));
    expect(loss).toBeCloseTo(-0.16 * log(0.6), 6);
    expect([gradient[0], gradient[2], gradient[4]].map(Math.abs)).toEqual([0, 0, 0]);
  });

  it('is 0, with gradient 0, for a pixel that is certain', async () => {
    const { loss, gradient } = await evaluateLoss([[[1, 1e-30, 1e-30]]], [[0]], focal({ gamma: 0.5 }));
    expect(loss).toBeCloseTo(0, 12);
    for (const value of gradient) expect(value).toBeCloseTo(0, 6);
  });

  it('refuses weights that are not one a class, and a gamma below 0', async () => {
    const weights = evaluateLoss([twoPixels], [[0, 1]], focal({ classWeights: [1, 1] }));
    await expect(weights).rejects.toThrow('focalLoss: 2 class weights for 3 classes');
    await expect(evaluateLoss([twoPixels], [[0, 1]], focal({ gamma: -1 }))).rejects.toThrow('gamma -1');
  });
});
