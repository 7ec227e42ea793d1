import { formatShape, type Tensor, type TensorType } from '../graph.ts';
import { apply, applyAll, defineOp } from '../op.ts';
import { exp, mul, sub } from './elementwise.ts';
import { reduceSum } from './reduction.ts';

export interface SoftmaxAttributes {
  readonly axis: number;
}

function sameShape([x]: readonly TensorType[], { axis }: SoftmaxAttributes): TensorType[] {
  if (axis < 0 || axis >= x.shape.length)
    throw new Error(`softmax: axis ${axis} is out of range for ${formatShape(x.shape)}`);
  return [{ shape: x.shape, dtype: 'float32' }];
}

export const softmaxOp = defineOp<'softmax', SoftmaxAttributes>({
  name: 'softmax',
  infer: sameShape,
  gradient: ({ outputs: [y], attributes: { axis }, outputGradients: [dy] }) => {
    const weighted = mul(dy!, y);
    return [sub(weighted, mul(y, reduceSum(weighted, [axis], true)))];
  },
});

export const logSoftmaxOp = defineOp<'logSoftmax', SoftmaxAttributes>({
  name: 'logSoftmax',
  infer: sameShape,
  gradient: ({ outputs: [y], attributes: { axis }, outputGradients: [dy] }) => [
    sub(dy!, mul(exp(y), reduceSum(dy!, [axis], true))),
  ],
});

/** e^x over its sum along an axis (ONNX `Softmax`). */
export function softmax(x: Tensor, axis = 1): Tensor {
  return apply(softmaxOp, [x], { axis });
}

/** The logarithm of the softmax along an axis (ONNX `LogSoftmax`). */
export function logSoftmax(x: Tensor, axis = 1): Tensor {
  return apply(logSoftmaxOp, [x], { axis });
}

export interface OneHotAttributes {
  readonly classes: number;
}

export const oneHotOp = defineOp<'oneHot', OneHotAttributes>({
  name: 'oneHot',
  infer: ([labels], { classes }) => {
    if (labels.shape.length !== 3 || labels.dtype !== 'int32') {
      throw new Error(`oneHot: labels must be int32 N×H×W, not ${labels.dtype} ${formatShape(labels.shape)}`);
    }
    const [n, height, width] = labels.shape as [number, number, number];
    return [{ shape: [n, classes, height, width], dtype: 'float32' }];
  },
  gradient: 'none',
});

/** Labels N×H×W as float32 N×classes×H×W with a single 1 per pixel; all zeros where the label is ignored. */
export function oneHot(labels: Tensor, classes: number): Tensor {
  return apply(oneHotOp, [labels], { classes });
}

export interface CrossEntropyAttributes {
  /** Share of the target distribution spread evenly over all classes, 0 to 1 (Szegedy et al. 2016). */
  readonly labelSmoothing: number;
}

function inferCrossEntropy([logits, labels, weights]: readonly TensorType[]): TensorType[] {
  const [n, classes, height, width] = logits.shape as [number, number, number, number];
  if (
    logits.shape.length !== 4 ||
    labels.dtype !== 'int32' ||
    formatShape(labels.shape) !== `${n}×${height}×${width}`
  ) {
    throw new Error(
      `crossEntropy: logits ${formatShape(logits.shape)} and ${labels.dtype} labels ${formatShape(labels.shape)} do not match`,
    );
  }
  if (formatShape(weights.shape) !== String(classes)) {
    throw new Error(`crossEntropy: ${formatShape(weights.shape)} class weights for ${classes} classes`);
  }
  const image: TensorType = { shape: labels.shape, dtype: 'float32' };
  return [image, image];
}

/** Inputs: logits, labels, class weights. Outputs: loss and weight of each pixel; the weight has no gradient. */
export const crossEntropyOp = defineOp<'crossEntropy', CrossEntropyAttributes>({
  name: 'crossEntropy',
  infer: inferCrossEntropy,
  gradient: ({ inputs: [logits, labels, weights], attributes, outputGradients: [dLoss] }) => [
    dLoss && apply(crossEntropyGradientOp, [dLoss, logits, labels, weights], attributes),
  ],
});

/** Inputs: gradient N×H×W of the pixels' losses, logits, labels, class weights. Output: gradient of the logits. */
export const crossEntropyGradientOp = defineOp<'crossEntropyGradient', CrossEntropyAttributes>({
  name: 'crossEntropyGradient',
  infer: ([, logits]) => [{ shape: logits.shape, dtype: 'float32' }],
  gradient: 'none',
});

/**
 * Cross-entropy of each pixel with class weights w, true class t and smoothing s, p = softmax(logits), as in PyTorch's
 * `cross_entropy` before the mean: q_c = (1 − s)·w_t·[c = t] + s/C·w_c, loss = −Σ_c q_c·log p_c; the weight of
 * the pixel is w_t. Ignored pixels have loss and weight 0.
 */
export function crossEntropyPixels(
  logits: Tensor,
  labels: Tensor,
  weights: Tensor,
  labelSmoothing = 0,
): { loss: Tensor; weight: Tensor } {
  const [loss, weight] = applyAll(crossEntropyOp, [logits, labels, weights], { labelSmoothing });
  return { loss: loss, weight: weight };
}
