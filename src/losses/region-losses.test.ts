import { describe, expect, it } from 'vitest';
import { evaluateLoss, twoPixels } from '../../test/loss-fixture.ts';
import { Graph, type Tensor } from '../graph/graph.ts';
import { softmaxSums } from '../graph/ops/softmax-sums.ts';
import { combinedLoss } from './combined.ts';
import { diceLoss } from './dice.ts';
import { jaccardLoss } from './jaccard.ts';
import { type TverskyOptions, tverskyLoss } from './tversky.ts';

/** Jaccard of classes 0 and 1 of `twoPixels` for labels 0, 1 with smooth = 1; class 2 is absent. */
const jaccardOfFirst = (0.5 + 1) / (0.7 + 1 - 0.5 + 1);
const jaccardOfSecond = (0.6 + 1) / (0.85 + 1 - 0.6 + 1);

const tversky = (options: TverskyOptions) => (logits: Tensor, labels: Tensor) => tverskyLoss(logits, labels, options);

describe('jaccardLoss', () => {
  it('is 1 − the mean Jaccard index of the classes that are present', async () => {
    const { loss } = await evaluateLoss([twoPixels], [[0, 1]], jaccardLoss);
    expect(loss).toBeCloseTo(1 - (jaccardOfFirst + jaccardOfSecond) / 2, 6);
  });

  it('does not count what is predicted at ignored pixels', async () => {
    const { loss, gradient } = await evaluateLoss([[...twoPixels, [0.9, 0.05, 0.05]]], [[0, 1, 255]], jaccardLoss);
    expect(loss).toBeCloseTo(1 - (jaccardOfFirst + jaccardOfSecond) / 2, 6);
    expect([gradient[2], gradient[5], gradient[8]]).toEqual([0, 0, 0]);
  });

  it('is 1 − IoU for a certain prediction without smoothing', async () => {
    const sure = (c: number) => [0, 1, 2].map((other) => (other === c ? 1 : 1e-12));
    const { loss } = await evaluateLoss([[0, 1, 1, 1, 2].map(sure)], [[0, 0, 1, 1, 0]], (logits, labels) =>
      jaccardLoss(logits, labels, { smooth: 0 }),
    );
    expect(loss).toBeCloseTo(1 - (1 / 3 + 2 / 3) / 2, 6);
  });
});

describe('tverskyLoss', () => {
  it('weighs false positives by alpha and missed pixels by beta', async () => {
    const { loss } = await evaluateLoss([twoPixels], [[0, 1]], tversky({ alpha: 0.2, beta: 3, smooth: 0 }));
    const first = 0.5 / (0.5 + 0.2 * 0.2 + 3 * 0.5);
    const second = 0.6 / (0.6 + 0.2 * 0.25 + 3 * 0.4);
    expect(loss).toBeCloseTo(1 - (first + second) / 2, 6);
  });

  it('is the Jaccard loss with 1 and 1, and Dice with twice its smoothing with 0.5 and 0.5', async () => {
    const asJaccard = await evaluateLoss([twoPixels], [[0, 1]], tversky({ alpha: 1, beta: 1 }));
    expect(asJaccard.loss).toBeCloseTo((await evaluateLoss([twoPixels], [[0, 1]], jaccardLoss)).loss, 6);
    const asDice = await evaluateLoss([twoPixels], [[0, 1]], tversky({ alpha: 0.5, beta: 0.5, smooth: 0.5 }));
    expect(asDice.loss).toBeCloseTo((await evaluateLoss([twoPixels], [[0, 1]], diceLoss)).loss, 6);
  });

  it.each([
    [{ alpha: -1 }, 'alpha -1 and beta 0.7'],
    [{ beta: 0 }, 'alpha 0.3 and beta 0'],
    [{ beta: Number.NaN }, 'alpha 0.3 and beta NaN'],
  ])('refuses %o', async (options, message) => {
    await expect(evaluateLoss([twoPixels], [[0, 1]], tversky(options))).rejects.toThrow(message);
  });
});

describe('region losses', () => {
  const graph = new Graph();
  const logits = graph.input('logits', [1, 3, 1, 2]);
  const labels = graph.input('labels', [1, 1, 2], 'int32');

  it('share the sums over the pixels', () => {
    combinedLoss(logits, labels, { crossEntropy: 1, dice: 1, jaccard: 1, tversky: 1 });
    softmaxSums(logits, labels);
    expect(graph.nodes.filter(({ op }) => op === 'softmaxSums')).toHaveLength(1);
  });

  it('do not share the sums of other logits or labels', () => {
    const others = graph.input('others', [1, 1, 2], 'int32');
    const nodes = [softmaxSums(logits, labels), softmaxSums(logits, others)].map(({ overlap }) => overlap.node);
    const apart = new Graph();
    const same = softmaxSums(apart.input('logits', [1, 3, 1, 2]), apart.input('labels', [1, 1, 2], 'int32'));
    expect(new Set([...nodes, same.overlap.node]).size).toBe(3);
  });
});
