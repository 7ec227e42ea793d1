import { z } from 'zod';
import type { Tensor } from '../graph/graph.ts';
import { div, maximum } from '../graph/ops/elementwise.ts';
import { reduceSum } from '../graph/ops/reduction.ts';
import { crossEntropyPixels } from '../graph/ops/softmax.ts';
import { typstNumber } from '../text/typst-number.ts';
import { classWeightsOf } from './class-weights.ts';
import { defineLoss } from './definition.ts';

export interface CrossEntropyOptions {
  /** One weight per class; default all 1. */
  readonly classWeights?: readonly number[];
  /** Share of the target distribution spread over all classes, 0 to 1. */
  readonly labelSmoothing?: number;
}

/**
 * Cross-entropy: the weighted mean over the pixels that are not ignored, Σ loss / Σ weight, as in PyTorch's
 * `cross_entropy`. Logits N×C×H×W, labels int32 N×H×W; a label outside 0 … C−1 is ignored.
 */
export function crossEntropyLoss(logits: Tensor, labels: Tensor, options: CrossEntropyOptions = {}): Tensor {
  const { classWeights, labelSmoothing = 0 } = options;
  const weights = classWeightsOf('crossEntropyLoss', logits, classWeights);
  if (labelSmoothing < 0 || labelSmoothing >= 1) throw new Error(`crossEntropyLoss: label smoothing ${labelSmoothing}`);
  const { loss, weight } = crossEntropyPixels(logits, labels, weights, labelSmoothing);
  // A batch in which every pixel is ignored has loss 0, not NaN.
  return div(reduceSum(loss), maximum(reduceSum(weight), logits.graph.scalar(1e-12)));
}

/** The entry of `crossEntropyLoss` in the loss registry. */
export const crossEntropy = defineLoss({
  name: 'crossEntropy',
  title: 'cross-entropy',
  summary: 'the cross-entropy',
  defaultWeight: 1,
  settings: {
    labelSmoothing: z
      .number()
      .min(0)
      .max(0.9)
      .default(0)
      .describe('Share of each label spread evenly over all classes; cross-entropy only'),
    classWeights: z
      .array(z.number().min(1e-6).max(1e6))
      .optional()
      .describe('One weight per class in cross-entropy and focal loss'),
  },
  mean: 'pixels',
  fused: true,
  symbol: 'CE',
  works: {
    'label-smoothing': `@inproceedings{label-smoothing,
  author = {Szegedy, Christian and Vanhoucke, Vincent and Ioffe, Sergey and Shlens, Jon and Wojna, Zbigniew},
  title = {Rethinking the Inception Architecture for Computer Vision},
  booktitle = {IEEE Conference on Computer Vision and Pattern Recognition (CVPR)},
  year = {2016},
}`,
  },
  text({ labelSmoothing, classWeights }) {
    const smoothed = labelSmoothing > 0;
    const norm = classWeights ? 'sum_i w_(y_i)' : 'abs(Omega)';
    // Each share of a smoothed label is weighted by the class it belongs to.
    const target = smoothed
      ? `sum_c ${classWeights ? 'w_c ' : ''}t_(i c) log p_(i c)`
      : `${classWeights ? 'w_(y_i) ' : ''}log p_(i y_i)`;
    return {
      over: 'over the labelled pixels $Omega$ of a batch, with $y_i$ the class of pixel $i$ and $p$ the softmax of the logits',
      formula: `- 1 / (${norm}) sum_(i in Omega) ${target}.`,
      remarks: [
        smoothed &&
          `The targets $t$ are smoothed @label-smoothing: ${typstNumber(labelSmoothing)} of each label is spread evenly over all classes.`,
        classWeights !== undefined &&
          `Class weights range from ${typstNumber(Math.min(...classWeights))} to ${typstNumber(Math.max(...classWeights))}.`,
      ],
    };
  },
  check({ classWeights }, { name, classes }) {
    if (!classWeights || classWeights.length === classes.length) return undefined;
    return `loss.classWeights has ${classWeights.length} values, but ${name} has ${classes.length} classes`;
  },
  build: crossEntropyLoss,
});
