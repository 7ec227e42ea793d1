import type { Tensor } from '../graph/graph.ts';
import { div, greater, maximum } from '../graph/ops/elementwise.ts';
import { lovaszJaccard } from '../graph/ops/lovasz.ts';
import { reduceMean, reduceSum } from '../graph/ops/reduction.ts';
import { softmax } from '../graph/ops/softmax.ts';

/**
 * Lovász-softmax loss over the classes present in each image (Berman et al. 2018, https://arxiv.org/abs/1705.08790): a surrogate of
 * 1 − IoU that is exact where every probability is 0 or 1. Logits N×C×H×W, labels int32 N×H×W; a label outside of
 * 0 … C−1 is ignored. The mean over the image's present classes, then over images.
 *
 * @example const loss = lovaszSoftmaxLoss(logits, labels);
 */
export function lovaszSoftmaxLoss(logits: Tensor, labels: Tensor): Tensor {
  const { graph } = logits;
  const { loss, actual } = lovaszJaccard(softmax(logits), labels);
  const count = reduceSum(greater(actual, graph.scalar(0)), [1]);
  // Absent classes have loss 0, and so has an image in which every pixel is ignored.
  return reduceMean(div(reduceSum(loss, [1]), maximum(count, graph.scalar(1))));
}
