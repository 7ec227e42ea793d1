import type { Tensor } from '../graph/graph.ts';
import { div, maximum } from '../graph/ops/elementwise.ts';
import { reduceSum } from '../graph/ops/reduction.ts';
import { crossEntropyPixels } from '../graph/ops/softmax.ts';

export interface CrossEntropyOptions {
  /** One weight a class; all 1 where they are not given. */
  readonly classWeights?: readonly number[];
  /** Share of the target spread over all classes, 0 to 1. */
  readonly labelSmoothing?: number;
}

/**
 * Cross-entropy, the weighted mean over the pixels that are not ignored: Σ loss / Σ weight, as PyTorch's
 * `cross_entropy`. Logits N×C×H×W, labels int32 N×H×W; a label outside of 0 … C−1 is ignored.
 */
export function crossEntropyLoss(logits: Tensor, labels: Tensor, options: CrossEntropyOptions = {}): Tensor {
  const classes = logits.shape[1];
  const { classWeights, labelSmoothing = 0 } = options;
  if (classWeights && classWeights.length !== classes) {
    throw new Error(`crossEntropyLoss: ${classWeights.length} class weights for ${classes} classes`);
  }
  if (labelSmoothing < 0 || labelSmoothing >= 1) throw new Error(`crossEntropyLoss: label smoothing ${labelSmoothing}`);
  const { graph } = logits;
  const weights = graph.constant(Float32Array.from(classWeights ?? new Array<number>(classes).fill(1)), [classes]);
  const { loss, weight } = crossEntropyPixels(logits, labels, weights, labelSmoothing);
  // A batch in which every pixel is ignored has loss 0, not NaN.
  return div(reduceSum(loss), maximum(reduceSum(weight), graph.scalar(1e-12)));
}
