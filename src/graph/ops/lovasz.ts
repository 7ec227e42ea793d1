import { formatShape, type Tensor, type TensorType } from '../graph.ts';
import { applyAll, defineOp } from '../op.ts';
import { mul, type NoAttributes } from './elementwise.ts';
import { reshape } from './shape.ts';

function inferLovasz([probabilities, labels]: readonly TensorType[]): TensorType[] {
  const [n, classes, height, width] = probabilities.shape as [number, number, number, number];
  if (
    probabilities.shape.length !== 4 ||
    labels.dtype !== 'int32' ||
    formatShape(labels.shape) !== `${n}×${height}×${width}`
  ) {
    throw new Error(
      `lovaszJaccard: probabilities ${formatShape(probabilities.shape)} and ${labels.dtype} labels ${formatShape(labels.shape)} do not match`,
    );
  }
  const perClass: TensorType = { shape: [n, classes], dtype: 'float32' };
  return [perClass, { shape: probabilities.shape, dtype: 'float32' }, perClass];
}

/** Inputs: probabilities, labels. Outputs: loss, slope, actual; the last two have no gradient. */
export const lovaszJaccardOp = defineOp<'lovaszJaccard', NoAttributes>({
  name: 'lovaszJaccard',
  infer: inferLovasz,
  // The loss is piecewise linear: for a fixed order of the errors its gradient is the slope computed while sorting.
  gradient: ({ inputs: [probabilities], outputs: [, slope], outputGradients: [dLoss] }) => {
    const [n, classes] = probabilities.shape as [number, number];
    return [dLoss && mul(slope, reshape(dLoss, [n, classes, 1, 1]))];
  },
});

/** The Lovász extension for each image and class. */
export interface LovaszJaccard {
  /** N×C; 0 for a class that is absent from the image. */
  readonly loss: Tensor;
  /** Derivative of each loss with respect to each probability of its class, N×C×H×W; 0 where the label is ignored. */
  readonly slope: Tensor;
  /** The number of pixels labelled c, N×C. */
  readonly actual: Tensor;
}

/**
 * The Lovász extension of the Jaccard loss (Berman et al. 2018, https://arxiv.org/abs/1705.08790, algorithm 1) for each image and
 * class, from probabilities p N×C×H×W and labels int32 N×H×W. With the pixel errors e_i = |[t_i = c] − p_i| in descending
 * order and J_k the Jaccard loss if the first k pixels are wrong, loss = Σ_k e_k·(J_k − J_{k−1}). The slope is this
 * difference for pixels of other classes and its negative for pixels of the class. Errors that are equal in single precision
 * keep the order of their pixels. Pixels whose label is not a class are ignored.
 */
export function lovaszJaccard(probabilities: Tensor, labels: Tensor): LovaszJaccard {
  const [loss, slope, actual] = applyAll(lovaszJaccardOp, [probabilities, labels], {});
  return { loss: loss, slope: slope, actual: actual };
}
