import { combinedLoss, type LossOptions } from '../../../src/losses/combined.ts';
import { labels, type OpCase, uniform } from '../op-case.ts';

/** A sum of losses over logits that are not certain: its gradient is the limit of differences. */
function loss(name: string, options: LossOptions): OpCase {
  return {
    name: `loss ${name}`,
    inputs: { logits: uniform([2, 4, 5, 6], -2, 2), labels: labels([2, 5, 6], 4, [255]) },
    build: (tensors) => combinedLoss(tensors.logits, tensors.labels, { crossEntropy: 0, dice: 0, ...options }).total,
  };
}

export const lossCases: readonly OpCase[] = [
  loss('jaccard', { jaccard: 1 }),
  loss('tversky', { tversky: 1, tverskyAlpha: 0.2, tverskyBeta: 2, tverskySmooth: 0 }),
  loss('focal', { focal: 1, focalGamma: 1.5, classWeights: [0.5, 1, 2, 3] }),
  loss('cross-entropy, dice and jaccard', { crossEntropy: 1, dice: 1, jaccard: 1 }),
  loss('the sum of all', {
    ...{ crossEntropy: 1, dice: 0.8, lovasz: 0.6, jaccard: 1.2, focal: 0.7, tversky: 0.5 },
    labelSmoothing: 0.1,
  }),
];
