import type { Tensor } from '../graph/graph.ts';
import { div, greater, maximum, minimum, mul, sub } from '../graph/ops/elementwise.ts';
import { reduceMean, reduceSum } from '../graph/ops/reduction.ts';

/**
 * Averages a loss over the classes present in each image, then over images. An image with only ignored pixels has
 * loss 0.
 *
 * @param values N×C: losses, 0 for absent classes; or scores, for a loss of 1 − mean
 * @param actual N×C, the number of pixels of each class; a class is present if this is above 0
 */
export function presentMean(kind: 'losses' | 'scores', values: Tensor, actual: Tensor): Tensor {
  const { graph } = actual;
  const present = greater(actual, graph.scalar(0));
  const count = reduceSum(present, [1]);
  const one = graph.scalar(1);
  const sum = reduceSum(kind === 'scores' ? mul(values, present) : values, [1]);
  const perImage = div(sum, maximum(count, one));
  return reduceMean(kind === 'scores' ? sub(minimum(count, one), perImage) : perImage);
}

/**
 * The loss of a region score: 1 − the mean of numerator / denominator over the classes present in each image, then over images.
 *
 * @param numerator N×C
 * @param denominator N×C, above 0 for the classes that are present
 * @param actual N×C, as in `presentMean`
 */
export function scoreLoss(numerator: Tensor, denominator: Tensor, actual: Tensor): Tensor {
  // Without smoothing, an absent class that is not predicted at all has 0/0: NaN, although its score is not used.
  const scores = div(numerator, maximum(denominator, actual.graph.scalar(1e-12)));
  return presentMean('scores', scores, actual);
}
