import { formatShape, type Tensor, type TensorType } from '../graph.ts';
import { apply, applyAll, defineOp } from '../op.ts';
import type { NoAttributes } from './elementwise.ts';
import { zeros } from './shape.ts';

function inferSums([logits, labels]: readonly TensorType[]): TensorType[] {
  const [n, classes, height, width] = logits.shape as [number, number, number, number];
  if (
    logits.shape.length !== 4 ||
    labels.dtype !== 'int32' ||
    formatShape(labels.shape) !== `${n}×${height}×${width}`
  ) {
    throw new Error(
      `softmaxSums: logits ${formatShape(logits.shape)} and ${labels.dtype} labels ${formatShape(labels.shape)} do not match`,
    );
  }
  const sums: TensorType = { shape: [n, classes], dtype: 'float32' };
  return [sums, sums, sums];
}

/** Inputs: logits, labels. Outputs: overlap, predicted, actual; the last has no gradient. */
export const softmaxSumsOp = defineOp<'softmaxSums', NoAttributes>({
  name: 'softmaxSums',
  infer: inferSums,
  gradient: ({ inputs: [logits, labels], outputs, outputGradients: [dOverlap, dPredicted] }) => {
    if (!dOverlap && !dPredicted) return [undefined];
    const missing = () => zeros(logits, outputs[0].shape);
    return [apply(softmaxSumsGradientOp, [dOverlap ?? missing(), dPredicted ?? missing(), logits, labels], {})];
  },
});

/**
 * Inputs: gradients N×C of overlap and predicted, logits, labels. Output: gradient of the logits. If the label t is not ignored,
 * dz_c = p_c·(dp_c − Σ_k p_k·dp_k) with dp_c = dPredicted_c + [c = t]·dOverlap_c, and 0 elsewhere.
 */
export const softmaxSumsGradientOp = defineOp<'softmaxSumsGradient', NoAttributes>({
  name: 'softmaxSumsGradient',
  infer: ([, , logits]) => [{ shape: logits.shape, dtype: 'float32' }],
  gradient: 'none',
});

/** Sums over the pixels of each image, N×C. */
export interface SoftmaxSums {
  /** Σ p_c over the pixels labelled c. */
  readonly overlap: Tensor;
  /** Σ p_c over the pixels that are not ignored. */
  readonly predicted: Tensor;
  /** The number of pixels labelled c. */
  readonly actual: Tensor;
}

/** The sums built so far, by logits and labels. */
const built = new WeakMap<Tensor, Map<Tensor, SoftmaxSums>>();

/**
 * The sums used by region losses, with p the softmax of logits N×C×H×W over the classes and labels int32 N×H×W. Pixels whose
 * label is not a class are ignored. `actual` has no gradient. All calls with the same logits and labels return the same tensors:
 * several region losses need one pass over the pixels, and one more for their gradient.
 */
export function softmaxSums(logits: Tensor, labels: Tensor): SoftmaxSums {
  const ofLogits = built.get(logits) ?? new Map<Tensor, SoftmaxSums>();
  built.set(logits, ofLogits);
  const existing = ofLogits.get(labels);
  if (existing) return existing;
  const [overlap, predicted, actual] = applyAll(softmaxSumsOp, [logits, labels], {});
  const sums: SoftmaxSums = { overlap, predicted, actual };
  ofLogits.set(labels, sums);
  return sums;
}
