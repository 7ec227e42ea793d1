import { z } from 'zod';
import type { Tensor } from '../graph/graph.ts';
import { add } from '../graph/ops/elementwise.ts';
import { scale } from '../graph/ops/reduction.ts';
import { softmaxSums } from '../graph/ops/softmax-sums.ts';
import { defineLoss } from './definition.ts';
import { scoreLoss } from './present-mean.ts';

const defaultSmooth = 1;

export interface DiceOptions {
  /** Added to numerator and denominator; stabilises the loss for tiny regions. Default 1. */
  readonly smooth?: number;
}

/**
 * Soft Dice loss over the classes present in each image (Milletari et al. 2016, per class, without squares): with p the
 * softmax and t the one-hot labels, dice = (2·Σ p·t + smooth) / (Σ p + Σ t + smooth) over the pixels that are not
 * ignored; the loss is 1 − the mean over the image's present classes, then over images. It approximates F (per image).
 */
export function diceLoss(logits: Tensor, labels: Tensor, options: DiceOptions = {}): Tensor {
  const { smooth = defaultSmooth } = options;
  const { graph } = logits;
  const { overlap, predicted, actual } = softmaxSums(logits, labels);
  const offset = graph.scalar(smooth);
  return scoreLoss(add(scale(overlap, 2), offset), add(add(predicted, actual), offset), actual);
}

/** The entry of `diceLoss` in the loss registry. */
export const dice = defineLoss({
  name: 'dice',
  title: 'soft Dice',
  summary: 'soft Dice over the classes present in each image',
  defaultWeight: 1,
  settings: {
    diceSmooth: z
      .number()
      .min(0)
      .max(1e6)
      .default(defaultSmooth)
      .describe('Added to numerator and denominator of the Dice loss; stabilises it for tiny regions'),
  },
  mean: 'images',
  fused: true,
  symbol: 'Dice',
  reference: 'dice',
  works: {
    dice: `@inproceedings{dice,
  author = {Milletari, Fausto and Navab, Nassir and Ahmadi, Seyed-Ahmad},
  title = {{V-Net}: Fully Convolutional Neural Networks for Volumetric Medical Image Segmentation},
  booktitle = {International Conference on 3D Vision (3DV)},
  year = {2016},
}`,
  },
  text({ diceSmooth }) {
    const smooth = diceSmooth > 0 ? ' + s' : '';
    return {
      over: `over the classes $C_n$ present in image $n$ of $N$, with one-hot labels $t$${diceSmooth > 0 ? ` and $s = ${diceSmooth}$` : ''}`,
      formula: `1 - 1 / N sum_(n=1)^N 1 / abs(C_n) sum_(c in C_n) (2 sum_i p_(i c) t_(i c)${smooth}) / (sum_i p_(i c) + sum_i t_(i c)${smooth}).`,
      remarks: [
        'It approximates the score with probabilities instead of hard decisions: one value per class and image, however few pixels the class has.',
      ],
    };
  },
  build: (logits, labels, { diceSmooth }) => diceLoss(logits, labels, { smooth: diceSmooth }),
});
