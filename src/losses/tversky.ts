import { z } from 'zod';
import type { Tensor } from '../graph/graph.ts';
import { add, sub } from '../graph/ops/elementwise.ts';
import { scale } from '../graph/ops/reduction.ts';
import { softmaxSums } from '../graph/ops/softmax-sums.ts';
import { joinWords } from '../text/join-words.ts';
import { typstNumber } from '../text/typst-number.ts';
import { defineLoss } from './definition.ts';
import { scoreLoss } from './present-mean.ts';

const defaultAlpha = 0.3;
const defaultBeta = 0.7;
const defaultSmooth = 1;

export interface TverskyOptions {
  /** Weight of false positives, at least 0. Default 0.3. */
  readonly alpha?: number;
  /** Weight of missed pixels, above 0. Default 0.7. */
  readonly beta?: number;
  /** Added to numerator and denominator; stabilises the loss for tiny regions. Default 1. */
  readonly smooth?: number;
}

/**
 * Tversky loss over the classes present in each image (Salehi et al. 2017): with p the softmax, t the one-hot labels and
 * tp = Σ p·t, tversky = (tp + smooth) / (tp + alpha·(Σ p − tp) + beta·(Σ t − tp) + smooth) over the pixels that are not
 * ignored; the loss is 1 − the mean over the image's present classes, then over images. alpha = beta = 1 is the soft
 * Jaccard loss; alpha = beta = 0.5 is soft Dice with twice the smoothing. Logits N×C×H×W, labels int32 N×H×W; a label
 * outside 0 … C−1 is ignored.
 *
 * @throws Error if alpha is negative or beta is not above 0
 *
 * @example const loss = tverskyLoss(logits, labels, { alpha: 0.3, beta: 0.7 });
 */
export function tverskyLoss(logits: Tensor, labels: Tensor, options: TverskyOptions = {}): Tensor {
  const { alpha = defaultAlpha, beta = defaultBeta, smooth = defaultSmooth } = options;
  // Without beta, the score of a class that is missed completely is 0/0.
  if (!(alpha >= 0 && beta > 0)) throw new Error(`tverskyLoss: alpha ${alpha} and beta ${beta}`);
  const { overlap, predicted, actual } = softmaxSums(logits, labels);
  const found = add(overlap, logits.graph.scalar(smooth));
  const wrong = add(scale(sub(predicted, overlap), alpha), scale(sub(actual, overlap), beta));
  return scoreLoss(found, add(found, wrong), actual);
}

/** The entry of `tverskyLoss` in the loss registry. */
export const tversky = defineLoss({
  name: 'tversky',
  title: 'Tversky',
  summary: 'the Tversky loss over the classes present in each image',
  defaultWeight: 0,
  settings: {
    tverskyAlpha: z
      .number()
      .min(0)
      .max(1000)
      .default(defaultAlpha)
      .describe('Weight of false positives in the Tversky loss'),
    tverskyBeta: z
      .number()
      .min(0.001)
      .max(1000)
      .default(defaultBeta)
      .describe('Weight of missed pixels in the Tversky loss'),
    tverskySmooth: z
      .number()
      .min(0)
      .max(1e6)
      .default(defaultSmooth)
      .describe('Added to numerator and denominator of the Tversky loss; stabilises it for tiny regions'),
  },
  mean: 'images',
  fused: true,
  symbol: 'Tversky',
  reference: 'tversky',
  works: {
    tversky: `@inproceedings{tversky,
  author = {Salehi, Seyed Sadegh Mohseni and Erdogmus, Deniz and Gholipour, Ali},
  title = {{Tversky} Loss Function for Image Segmentation Using {3D} Fully Convolutional Deep Networks},
  booktitle = {International Workshop on Machine Learning in Medical Imaging (MLMI)},
  year = {2017},
}`,
  },
  text({ tverskyAlpha, tverskyBeta, tverskySmooth }) {
    const smooth = tverskySmooth > 0 ? ' + s' : '';
    const settings = [`$alpha = ${tverskyAlpha}$`, `$beta = ${tverskyBeta}$`, smooth && `$s = ${tverskySmooth}$`];
    return {
      over: `over the classes $C_n$ present in image $n$ of $N$, with one-hot labels $t$, ${joinWords(settings.filter(Boolean), 'and')}`,
      formula: `1 - 1 / N sum_(n=1)^N 1 / abs(C_n) sum_(c in C_n) (sum_i p_(i c) t_(i c)${smooth}) / (sum_i (p_(i c) t_(i c) + alpha p_(i c) (1 - t_(i c)) + beta (1 - p_(i c)) t_(i c))${smooth}).`,
      remarks: [`False positives weigh ${typstNumber(tverskyAlpha)} and missed pixels ${typstNumber(tverskyBeta)}.`],
    };
  },
  build: (logits, labels, { tverskyAlpha, tverskyBeta, tverskySmooth }) =>
    tverskyLoss(logits, labels, { alpha: tverskyAlpha, beta: tverskyBeta, smooth: tverskySmooth }),
});
