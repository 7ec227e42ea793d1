import type { Tensor } from '../graph/graph.ts';
import { add, mul } from '../graph/ops/elementwise.ts';
import { scale } from '../graph/ops/reduction.ts';
import { type CrossEntropyOptions, crossEntropyLoss } from './cross-entropy.ts';
import { type DiceOptions, diceLoss } from './dice.ts';
import { lovaszSoftmaxLoss } from './lovasz.ts';

/** The weights of the parts of a loss, and their options; a weight of 0 leaves a part out. */
export interface LossOptions extends CrossEntropyOptions {
  readonly crossEntropy: number;
  readonly dice: number;
  /** Of the Lovász-softmax loss; 0 where it is not given. */
  readonly lovasz?: number;
  readonly diceSmooth?: DiceOptions['smooth'];
}

/** A weighted sum of losses, with each part as it stands before its weight. */
export interface CombinedLoss {
  readonly total: Tensor;
  readonly parts: ReadonlyMap<string, Tensor>;
}

/**
 * What part of a large batch a small one is, where the losses of the small ones add up to that of the large one: of the pixels
 * that are not ignored, by their weights, for losses that are means over pixels; of the images for losses that are means
 * over images.
 */
export interface BatchShares {
  readonly pixels: Tensor;
  readonly images: number;
}

/**
 * The weighted sum of the losses whose weight is above zero.
 *
 * @param shares where the batch is a part of a larger one: the parts are then what it contributes to those of the whole
 */
export function combinedLoss(logits: Tensor, labels: Tensor, options: LossOptions, shares?: BatchShares): CombinedLoss {
  const { lovasz = 0 } = options;
  const parts = new Map<string, Tensor>();
  // Before the others, so that their gradients are added first: the native engine computes those two and their sum in one go.
  const lovaszLoss = lovasz > 0 ? lovaszSoftmaxLoss(logits, labels) : undefined;
  if (options.crossEntropy > 0) parts.set('crossEntropy', crossEntropyLoss(logits, labels, options));
  if (options.dice > 0) {
    parts.set('dice', diceLoss(logits, labels, options.diceSmooth === undefined ? {} : { smooth: options.diceSmooth }));
  }
  if (lovaszLoss) parts.set('lovasz', lovaszLoss);
  if (parts.size === 0) throw new Error('the loss has no part with a weight above zero');
  if (shares) {
    for (const [name, part] of parts) {
      parts.set(name, name === 'crossEntropy' ? mul(part, shares.pixels) : scale(part, shares.images));
    }
  }
  const weighted = [...parts].map(([name, part]) => scale(part, options[name as 'crossEntropy' | 'dice' | 'lovasz']!));
  return { total: weighted.reduce((sum, part) => add(sum, part)), parts };
}
