import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { evaluateLoss, type Pixels, twoPixels } from '../../test/loss-fixture.ts';
import { Graph, type Tensor } from '../graph/graph.ts';
import { Random } from '../random/random.ts';
import { combinedLoss, type LossOptions } from './combined.ts';
import { crossEntropyLoss } from './cross-entropy.ts';
import { diceLoss } from './dice.ts';
import { lovaszSoftmaxLoss } from './lovasz.ts';
import { losses, lossKeys } from './registry.ts';

const { log } = Math;
/** Dice of classes 0 and 1 for labels 0, 1 with smooth = 1; class 2 is absent. */
const diceOfFirst = (2 * 0.5 + 1) / (0.5 + 0.2 + 1 + 1);
const diceOfSecond = (2 * 0.6 + 1) / (0.25 + 0.6 + 1 + 1);

describe('crossEntropyLoss', () => {
  const entropy = (options = {}) => {
    return (logits: Tensor, labels: Tensor) => crossEntropyLoss(logits, labels, options);
  };

  it('is the mean of −ln p of the true classes', async () => {
    const { loss, gradient } = await evaluateLoss([twoPixels], [[0, 1]], entropy());
    expect(loss).toBeCloseTo(-(log(0.5) + log(0.6)) / 2, 6);
    // (p − one-hot) / pixels, class by class.
    const expected = [-0.25, 0.1, 0.125, -0.2, 0.125, 0.1];
    gradient.forEach((value, index) => {
      expect(value).toBeCloseTo(expected[index], 6);
    });
  });

  it('leaves out pixels labelled 255, in the mean and in the gradient', async () => {
    const { loss, gradient } = await evaluateLoss([twoPixels], [[255, 1]], entropy());
    expect(loss).toBeCloseTo(-log(0.6), 6);
    expect([gradient[0], gradient[2], gradient[4]]).toEqual([0, 0, 0]);
    expect(gradient[3]).toBeCloseTo(-0.4, 6);
  });

  it('is 0, with gradient 0, where every pixel is ignored', async () => {
    const { loss, gradient } = await evaluateLoss([twoPixels], [[255, 255]], entropy());
    expect(loss).toBe(0);
    expect(gradient.every((value) => value === 0)).toBe(true);
  });

  it('weighs classes, and divides by the weights', async () => {
    const { loss } = await evaluateLoss([twoPixels], [[0, 1]], entropy({ classWeights: [1, 3, 100] }));
    expect(loss).toBeCloseTo(-(log(0.5) + 3 * log(0.6)) / 4, 6);
  });

  it('spreads a share of every label over all classes', async () => {
    const { loss } = await evaluateLoss([twoPixels], [[0, 1]], entropy({ labelSmoothing: 0.3 }));
    const first = -(0.8 * log(0.5) + 0.1 * log(0.25) + 0.1 * log(0.25));
    const second = -(0.1 * log(0.2) + 0.8 * log(0.6) + 0.1 * log(0.2));
    expect(loss).toBeCloseTo((first + second) / 2, 6);
  });

  it('weighs the spread share by the class that it falls on, as PyTorch does', async () => {
    const options = { labelSmoothing: 0.3, classWeights: [1, 2, 4] };
    const { loss } = await evaluateLoss([[twoPixels[0]]], [[0]], entropy(options));
    expect(loss).toBeCloseTo(-(0.8 * log(0.5) + 0.2 * log(0.25) + 0.4 * log(0.25)), 6);
  });

  it('refuses weights that are not one a class, and a smoothing of 1', async () => {
    await expect(evaluateLoss([twoPixels], [[0, 1]], entropy({ classWeights: [1, 1] }))).rejects.toThrow(
      '2 class weights for 3 classes',
    );
    await expect(evaluateLoss([twoPixels], [[0, 1]], entropy({ labelSmoothing: 1 }))).rejects.toThrow(
      'label smoothing 1',
    );
  });
});

describe('diceLoss', () => {
  it('is 1 − the mean Dice of the classes that are present', async () => {
    const { loss } = await evaluateLoss([twoPixels], [[0, 1]], diceLoss);
    expect(loss).toBeCloseTo(1 - (diceOfFirst + diceOfSecond) / 2, 6);
  });

  it('does not count what is predicted at ignored pixels', async () => {
    const { loss, gradient } = await evaluateLoss([[...twoPixels, [0.9, 0.05, 0.05]]], [[0, 1, 255]], diceLoss);
    expect(loss).toBeCloseTo(1 - (diceOfFirst + diceOfSecond) / 2, 6);
    expect([gradient[2], gradient[5], gradient[8]]).toEqual([0, 0, 0]);
  });

  it('is a mean over images, each over its own classes', async () => {
    const { loss } = await evaluateLoss(
      [twoPixels, twoPixels],
      [
        [0, 1],
        [1, 1],
      ],
      diceLoss,
    );
    const second = (2 * (0.25 + 0.6) + 1) / (0.25 + 0.6 + 2 + 1);
    expect(loss).toBeCloseTo((1 - (diceOfFirst + diceOfSecond) / 2 + (1 - second)) / 2, 6);
  });

  it('is 0, with gradient 0, for an image in which every pixel is ignored', async () => {
    const both = await evaluateLoss(
      [twoPixels, twoPixels],
      [
        [0, 1],
        [255, 255],
      ],
      diceLoss,
    );
    expect(both.loss).toBeCloseTo((1 - (diceOfFirst + diceOfSecond) / 2) / 2, 6);
    const none = await evaluateLoss([twoPixels], [[255, 255]], diceLoss);
    expect(none.loss).toBe(0);
    expect(none.gradient.every((value) => value === 0)).toBe(true);
  });

  it('takes the smoothing it is given', async () => {
    const { loss } = await evaluateLoss([[twoPixels[0]]], [[0]], (logits, labels) =>
      diceLoss(logits, labels, { smooth: 0 }),
    );
    expect(loss).toBeCloseTo(1 - (2 * 0.5) / 1.5, 6);
  });
});

/** The Jaccard loss of a class when a set of its pixels and of others is wrong: |wrong| / |class ∪ wrong|. */
function jaccardLoss(ofClass: ReadonlySet<number>, wrong: readonly number[]): number {
  return wrong.length / new Set([...ofClass, ...wrong]).size;
}

/** The loss of one image by its definition, with every set written out. */
function lovaszByDefinition(pixels: Pixels, labels: readonly number[]): number {
  const known = labels.flatMap((label, index) => (label < pixels[0].length ? [index] : []));
  const losses = [...new Set(known.map((index) => labels[index]))].map((c) => {
    const error = (index: number) => Math.abs((labels[index] === c ? 1 : 0) - pixels[index][c]);
    const ofClass = new Set(known.filter((index) => labels[index] === c));
    const order = [...known].sort((a, b) => error(b) - error(a));
    return order.reduce((sum, index, k) => {
      const rise = jaccardLoss(ofClass, order.slice(0, k + 1)) - jaccardLoss(ofClass, order.slice(0, k));
      return sum + error(index) * rise;
    }, 0);
  });
  return losses.reduce((sum, loss) => sum + loss, 0) / Math.max(1, losses.length);
}

function drawPixels(random: Random, count: number, classes: number): number[][] {
  return Array.from({ length: count }, () => {
    const scores = Array.from({ length: classes }, () => Math.exp(2 * random.normal()));
    const sum = scores.reduce((a, b) => a + b);
    return scores.map((score) => score / sum);
  });
}

describe('lovaszSoftmaxLoss', () => {
  it('weighs the errors of a class, in falling order, by how much each raises the Jaccard loss', async () => {
    const pixels = [
      [0.5, 0.3, 0.2],
      [0.9, 0.05, 0.05],
      [0.7, 0.2, 0.1],
    ];
    const { loss } = await evaluateLoss([pixels], [[0, 0, 1]], lovaszSoftmaxLoss);
    // Class 0: J rises to 1/3 with the third pixel, to 2/3 with the first, to 1. Class 1: to 1 with the third at once.
    const ofFirst = (0.7 + 0.5 + 0.1) / 3;
    expect(loss).toBeCloseTo((ofFirst + 0.8) / 2, 6);
  });

  it('has the gradient of its weighted errors, through the softmax', async () => {
    const { loss, gradient } = await evaluateLoss([twoPixels], [[0, 1]], lovaszSoftmaxLoss);
    expect(loss).toBeCloseTo((0.5 + 0.4) / 2, 6);
    // Class by class: p·(d − Σ p·d), where d is −1/2 for the true classes alone.
    const expected = [-0.125, 0.06, 0.0625, -0.12, 0.0625, 0.06];
    gradient.forEach((value, index) => {
      expect(value).toBeCloseTo(expected[index], 6);
    });
  });

  it.each([1, 2, 3, 4])('is what the definition says, drawn with seed %i', async (seed) => {
    const random = new Random(seed, 'lovasz');
    const images = [drawPixels(random, 30, 4), drawPixels(random, 30, 4)];
    // The second image does not have every class.
    const labels = [4, 2].map((classes) =>
      Array.from({ length: 30 }, () => (random.chance(0.2) ? 255 : random.integer(classes))),
    );
    const { loss } = await evaluateLoss(images, labels, lovaszSoftmaxLoss);
    const [first, second] = images.map((pixels, index) => lovaszByDefinition(pixels, labels[index]));
    expect(loss).toBeCloseTo((first + second) / 2, 6);
  });

  it('is 1 − the mean IoU where the network is sure', async () => {
    const sure = (c: number) => [0, 1, 2].map((other) => (other === c ? 1 : 1e-12));
    // IoU: 1/3 of class 0, 2/3 of class 1; class 2 is predicted but absent.
    const { loss } = await evaluateLoss([[0, 1, 1, 1, 2].map(sure)], [[0, 0, 1, 1, 0]], lovaszSoftmaxLoss);
    expect(loss).toBeCloseTo(1 - (1 / 3 + 2 / 3) / 2, 6);
  });

  it('does not count what is predicted at ignored pixels', async () => {
    const { loss, gradient } = await evaluateLoss(
      [[...twoPixels, [0.9, 0.05, 0.05]]],
      [[0, 1, 255]],
      lovaszSoftmaxLoss,
    );
    expect(loss).toBeCloseTo(0.45, 6);
    expect([gradient[2], gradient[5], gradient[8]].map(Math.abs)).toEqual([0, 0, 0]);
  });

  it('is 0, with gradient 0, where every pixel is ignored', async () => {
    const { loss, gradient } = await evaluateLoss([twoPixels], [[255, 255]], lovaszSoftmaxLoss);
    expect(loss).toBe(0);
    expect(gradient.every((value) => value === 0)).toBe(true);
  });
});

describe('combinedLoss', () => {
  it('is the weighted sum of its parts, and gives them back unweighted', async () => {
    const parts: string[] = [];
    const { loss } = await evaluateLoss([twoPixels], [[0, 1]], (logits, labels) => {
      const combined = combinedLoss(logits, labels, { crossEntropy: 2, dice: 0.5 });
      parts.push(...combined.parts.keys());
      return combined.total;
    });
    expect(parts).toEqual(['crossEntropy', 'dice']);
    expect(loss).toBeCloseTo(-(log(0.5) + log(0.6)) + 0.5 * (1 - (diceOfFirst + diceOfSecond) / 2), 6);
  });

  it('takes the Lovász-softmax loss in where it has a weight', async () => {
    const parts: string[] = [];
    const { loss } = await evaluateLoss([twoPixels], [[0, 1]], (logits, labels) => {
      const combined = combinedLoss(logits, labels, { crossEntropy: 1, dice: 0, lovasz: 2 });
      parts.push(...combined.parts.keys());
      return combined.total;
    });
    expect(parts).toEqual(['crossEntropy', 'lovasz']);
    expect(loss).toBeCloseTo(-(log(0.5) + log(0.6)) / 2 + 2 * 0.45, 6);
  });

  it('has the weights and settings that a configuration has where none is given', async () => {
    const given = (options: LossOptions) =>
      evaluateLoss([twoPixels], [[0, 1]], (logits, labels) => combinedLoss(logits, labels, options).total);
    const defaults = await given({ crossEntropy: 1, dice: 1, diceSmooth: 1, lovasz: 0, labelSmoothing: 0 });
    expect(await given({})).toEqual(defaults);
  });

  it('adds up over the parts of a batch, by their shares of its pixels and images', async () => {
    const options = { crossEntropy: 1, dice: 0.5, lovasz: 2 };
    const images = [twoPixels, twoPixels];
    const labels = [
      [0, 255],
      [1, 2],
    ];
    const whole = await evaluateLoss(images, labels, (logits, truth) => combinedLoss(logits, truth, options).total);
    const parts = await Promise.all(
      [1 / 3, 2 / 3].map((pixels, n) =>
        evaluateLoss([images[n]], [labels[n]], (logits, truth) => {
          const shares = { pixels: logits.graph.scalar(pixels), images: 1 / 2 };
          return combinedLoss(logits, truth, options, shares).total;
        }),
      ),
    );
    expect(parts[0].loss + parts[1].loss).toBeCloseTo(whole.loss, 6);
    parts
      .flatMap(({ gradient }) => gradient)
      .forEach((value, index) => {
        expect(value).toBeCloseTo(whole.gradient[index], 6);
      });
  });

  it('is built with the fused losses last, and added up in the order of the table', () => {
    const graph = new Graph();
    const labels = graph.input('labels', [1, 1, 2], 'int32');
    combinedLoss(graph.input('logits', [1, 3, 1, 2]), labels, { lovasz: 1 });
    const ops = graph.nodes.map(({ op }) => op);
    expect(ops.filter((op) => /^(lovasz|crossEntropy|softmaxSums)/.test(op))).toEqual([
      'lovaszJaccard',
      'crossEntropy',
      'softmaxSums',
    ]);
  });

  it('leaves out a part of weight 0, and refuses to be empty', async () => {
    const only = await evaluateLoss([twoPixels], [[0, 1]], (logits, labels) => {
      return combinedLoss(logits, labels, { crossEntropy: 0, dice: 1 }).total;
    });
    expect(only.loss).toBeCloseTo(1 - (diceOfFirst + diceOfSecond) / 2, 6);
    const nothing = evaluateLoss([twoPixels], [[0, 1]], (logits, labels) => {
      return combinedLoss(logits, labels, { crossEntropy: 0, dice: 0 }).total;
    });
    await expect(nothing).rejects.toThrow('no loss has a weight');
  });
});

describe('the table of losses', () => {
  it('has every name and every setting once, and none that means something else', () => {
    const keys = losses.flatMap(({ name, settings }) => [name, ...Object.keys(settings)]);
    expect(new Set(keys).size).toBe(keys.length);
    expect(Object.keys(lossKeys)).toEqual(keys);
    // Another output of a training step, a column of metrics.csv and a key of the configuration.
    for (const taken of [
      'loss',
      'gradientNorm',
      'step',
      'epoch',
      'seconds',
      'learningRate',
      'imagesPerSecond',
      'valF',
      'auxiliary',
    ])
      expect(keys).not.toContain(taken);
  });

  it('brings the works that the texts cite', () => {
    const settings = z.object(lossKeys).parse({ labelSmoothing: 0.1, classWeights: [1, 2] });
    for (const { text, reference, works } of losses) {
      const { over, formula, remarks = [] } = text(settings);
      const said = [reference && `@${reference}`, over, formula, ...remarks].join(' ');
      expect(Object.keys(works)).toEqual([...said.matchAll(/@([\w-]+)/g)].map(([, key]) => key));
      for (const [key, work] of Object.entries(works)) expect(work).toMatch(new RegExp(`^@\\w+\\{${key},`));
    }
  });
});
