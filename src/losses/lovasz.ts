import type { Tensor } from '../graph/graph.ts';
import { lovaszJaccard } from '../graph/ops/lovasz.ts';
import { softmax } from '../graph/ops/softmax.ts';
import { defineLoss } from './definition.ts';
import { presentMean } from './present-mean.ts';

/**
 * Lovász-softmax loss over the classes present in each image (Berman et al. 2018, https://arxiv.org/abs/1705.08790): a surrogate of
 * 1 − IoU that is exact where every probability is 0 or 1. Logits N×C×H×W, labels int32 N×H×W; a label outside
 * 0 … C−1 is ignored. The mean over the image's present classes, then over images.
 *
 * @example const loss = lovaszSoftmaxLoss(logits, labels);
 */
export function lovaszSoftmaxLoss(logits: Tensor, labels: Tensor): Tensor {
  const { loss, actual } = lovaszJaccard(softmax(logits), labels);
  return presentMean('losses', loss, actual);
}

/** The entry of `lovaszSoftmaxLoss` in the loss registry. */
export const lovasz = defineLoss({
  name: 'lovasz',
  title: 'Lovász-softmax',
  summary: 'the Lovász-softmax loss, a surrogate of 1 − IoU, over the same classes',
  defaultWeight: 0,
  settings: {},
  mean: 'images',
  fused: false,
  symbol: 'Lovász',
  reference: 'lovasz',
  works: {
    lovasz: `@inproceedings{lovasz,
  author = {Berman, Maxim and Rannen Triki, Amal and Blaschko, Matthew B.},
  title = {The {Lovász}-Softmax Loss: A Tractable Surrogate for the Optimization of the Intersection-over-Union Measure in Neural Networks},
  booktitle = {IEEE/CVF Conference on Computer Vision and Pattern Recognition (CVPR)},
  year = {2018},
}`,
  },
  text: () => ({
    over: 'over the classes $C_n$ present in image $n$ of $N$, a surrogate of $1 - "IoU"$, where $overline(Delta)_c$ is the Lovász extension of the Jaccard loss of class $c$ and $m(c)$ the vector of pixel errors',
    formula:
      '1 / N sum_(n=1)^N 1 / abs(C_n) sum_(c in C_n) overline(Delta)_c (m(c)), quad m_i (c) = cases(1 - p_(i c) & "if" y_i = c, p_(i c) & "else".)',
  }),
  build: lovaszSoftmaxLoss,
});
