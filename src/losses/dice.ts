import type { Tensor } from '../graph/graph.ts';
import { add, div, greater, maximum, minimum, mul, sub } from '../graph/ops/elementwise.ts';
import { reduceMean, reduceSum, scale } from '../graph/ops/reduction.ts';
import { softmaxSums } from '../graph/ops/softmax-sums.ts';

export interface DiceOptions {
  /** Added to numerator and denominator, so that tiny regions do not swing the loss. */
  readonly smooth?: number;
}

/**
 * Soft Dice loss over the classes present in each image (Milletari et al. 2016, per class, without squares): with p the
 * softmax and t the one-hot labels, dice = (2·Σ p·t + smooth) / (Σ p + Σ t + smooth) over the pixels that are not
 * ignored; the loss is 1 − the mean over the image's present classes, then over images. It follows F (per image).
 */
export function diceLoss(logits: Tensor, labels: Tensor, options: DiceOptions = {}): Tensor {
  const { smooth = 1 } = options;
  const { graph } = logits;
  const { overlap, predicted, actual } = softmaxSums(logits, labels);
  const offset = graph.scalar(smooth);
  const dice = div(add(scale(overlap, 2), offset), add(add(predicted, actual), offset));
  const present = greater(actual, graph.scalar(0));
  const count = reduceSum(present, [1]);
  const one = graph.scalar(1);
  const perImage = div(reduceSum(mul(dice, present), [1]), maximum(count, one));
  // An image in which every pixel is ignored has loss 0.
  return reduceMean(sub(minimum(count, one), perImage));
}
