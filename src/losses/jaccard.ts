import { z } from 'zod';
import type { Tensor } from '../graph/graph.ts';
import { add, sub } from '../graph/ops/elementwise.ts';
import { softmaxSums } from '../graph/ops/softmax-sums.ts';
import { defineLoss } from './definition.ts';
import { scoreLoss } from './present-mean.ts';

const defaultSmooth = 1;

export interface JaccardOptions {
  /** Added to numerator and denominator; stabilises the loss for tiny regions. Default 1. */
  readonly smooth?: number;
}

/**
 * Soft Jaccard (IoU) loss over the classes present in each image (Rahman and Wang 2016): with p the softmax and t the
 * one-hot labels, jaccard = (Σ p·t + smooth) / (Σ p + Σ t − Σ p·t + smooth) over the pixels that are not ignored; the loss
 * is 1 − the mean over the image's present classes, then over images. Logits N×C×H×W, labels int32 N×H×W; a label outside
 * 0 … C−1 is ignored.
 *
 * @example const loss = add(crossEntropyLoss(logits, labels), jaccardLoss(logits, labels));
 */
export function jaccardLoss(logits: Tensor, labels: Tensor, options: JaccardOptions = {}): Tensor {
  const { smooth = defaultSmooth } = options;
  const { overlap, predicted, actual } = softmaxSums(logits, labels);
  const offset = logits.graph.scalar(smooth);
  const union = sub(add(predicted, actual), overlap);
  return scoreLoss(add(overlap, offset), add(union, offset), actual);
}

/** The entry of `jaccardLoss` in the loss registry. */
export const jaccard = defineLoss({
  name: 'jaccard',
  title: 'soft Jaccard',
  summary: 'the soft Jaccard (IoU) loss over the classes present in each image',
  defaultWeight: 0,
  settings: {
    jaccardSmooth: z
      .number()
      .min(0)
      .max(1e6)
      .default(defaultSmooth)
      .describe('Added to numerator and denominator of the Jaccard loss; stabilises it for tiny regions'),
  },
  mean: 'images',
  fused: true,
  symbol: 'Jaccard',
  reference: 'jaccard',
  works: {
    jaccard: `@inproceedings{jaccard,
  author = {Rahman, Md Atiqur and Wang, Yang},
  title = {Optimizing Intersection-Over-Union in Deep Neural Networks for Image Segmentation},
  booktitle = {International Symposium on Visual Computing (ISVC)},
  year = {2016},
}`,
  },
  text({ jaccardSmooth }) {
    const smooth = jaccardSmooth > 0 ? ' + s' : '';
    return {
      over: `over the classes $C_n$ present in image $n$ of $N$, with one-hot labels $t$${jaccardSmooth > 0 ? ` and $s = ${jaccardSmooth}$` : ''}`,
      formula: `1 - 1 / N sum_(n=1)^N 1 / abs(C_n) sum_(c in C_n) (sum_i p_(i c) t_(i c)${smooth}) / (sum_i (p_(i c) + t_(i c) - p_(i c) t_(i c))${smooth}).`,
    };
  },
  build: (logits, labels, { jaccardSmooth }) => jaccardLoss(logits, labels, { smooth: jaccardSmooth }),
});
