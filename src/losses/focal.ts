import { z } from 'zod';
import type { Tensor } from '../graph/graph.ts';
import { div, exp, log, maximum, mul, sub } from '../graph/ops/elementwise.ts';
import { reduceSum, scale } from '../graph/ops/reduction.ts';
import { crossEntropyPixels } from '../graph/ops/softmax.ts';
import { typstNumber } from '../text/typst-number.ts';
import { classWeightsOf } from './class-weights.ts';
import { defineLoss } from './definition.ts';

const defaultGamma = 2;

export interface FocalOptions {
  /** The exponent, at least 0; 0 is cross-entropy. Default 2. */
  readonly gamma?: number;
  /** One weight per class (the paper's α), above 0; default all 1. */
  readonly classWeights?: readonly number[];
}

/**
 * Focal loss (Lin et al. 2017) over the softmax: cross-entropy in which the loss of each pixel is multiplied by
 * (1 − p)^gamma, with p the probability of its class. The weighted mean over the pixels that are not ignored, Σ loss / Σ weight,
 * as in `crossEntropyLoss`. Logits N×C×H×W, labels int32 N×H×W; a label outside 0 … C−1 is ignored.
 *
 * @throws Error if gamma is negative, or there is not one weight per class
 *
 * @example const loss = focalLoss(logits, labels, { gamma: 2 });
 */
export function focalLoss(logits: Tensor, labels: Tensor, options: FocalOptions = {}): Tensor {
  const { gamma = defaultGamma, classWeights } = options;
  if (!(gamma >= 0)) throw new Error(`focalLoss: gamma ${gamma}`);
  const { graph } = logits;
  const least = graph.scalar(1e-12);
  const { loss, weight } = crossEntropyPixels(logits, labels, classWeightsOf('focalLoss', logits, classWeights));
  // The loss of a pixel is −w·ln p.
  const negativeLog = classWeights ? div(loss, maximum(weight, least)) : loss;
  const missing = sub(graph.scalar(1), exp(scale(negativeLog, -1)));
  // Where p rounds to 1, the logarithm stays finite and the factor has no gradient.
  const factor = exp(scale(log(maximum(missing, least)), gamma));
  // A batch in which every pixel is ignored has loss 0, not NaN.
  return div(reduceSum(mul(loss, factor)), maximum(reduceSum(weight), least));
}

/** The entry of `focalLoss` in the loss registry. */
export const focal = defineLoss({
  name: 'focal',
  title: 'focal loss',
  summary: 'the focal loss',
  defaultWeight: 0,
  settings: {
    focalGamma: z
      .number()
      .min(0)
      .max(10)
      .default(defaultGamma)
      .describe('Exponent of the focal loss; larger values reduce the loss of well-classified pixels further'),
  },
  mean: 'pixels',
  fused: false,
  symbol: 'focal',
  reference: 'focal',
  works: {
    focal: `@inproceedings{focal,
  author = {Lin, Tsung-Yi and Goyal, Priya and Girshick, Ross and He, Kaiming and Dollár, Piotr},
  title = {Focal Loss for Dense Object Detection},
  booktitle = {IEEE International Conference on Computer Vision (ICCV)},
  year = {2017},
}`,
  },
  text({ focalGamma, classWeights }) {
    const weighted = classWeights !== undefined;
    return {
      over: `over the labelled pixels $Omega$ of a batch, with $y_i$ the class of pixel $i$, $p$ the softmax of the logits${weighted ? ', $w$ the class weights' : ''} and $gamma = ${focalGamma}$`,
      formula: `- 1 / (${weighted ? 'sum_i w_(y_i)' : 'abs(Omega)'}) sum_(i in Omega) ${weighted ? 'w_(y_i) ' : ''}(1 - p_(i y_i))^gamma log p_(i y_i).`,
      remarks: [
        weighted &&
          `Class weights range from ${typstNumber(Math.min(...classWeights))} to ${typstNumber(Math.max(...classWeights))}.`,
        'The factor reduces the loss of pixels that are already classified well.',
      ],
    };
  },
  build: (logits, labels, { focalGamma, classWeights }) =>
    focalLoss(logits, labels, { gamma: focalGamma, ...(classWeights && { classWeights }) }),
});
