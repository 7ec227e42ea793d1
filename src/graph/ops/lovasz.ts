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
      `lovaszJaccard: probabilities ${formatShape(probabilities.shape)} and ${labels.dtype} labels ${formatShape(labels.shape)} do not fit`,
    );
  }
  const perClass: TensorType = { shape: [n, classes], dtype: 'float32' };
  return [perClass, { shape: probabilities.shape, dtype: 'float32' }, perClass];
}

/** Inputs: probabilities, labels. Outputs: loss, slope, actual; the last two have no gradient. */
export const lovaszJaccardOp = defineOp<'lovaszJaccard', NoAttributes>({
  name: 'lovaszJaccard',
  infer: inferLovasz,
  // The loss is linear between two orders of the errors: the slope, which sorting gave already, is all there is to it.
  gradient: ({ inputs: [probabilities], outputs: [, slope], outputGradients: [dLoss] }) => {
    const [n, classes] = probabilities.shape as [number, number];
    return [dLoss && mul(slope, reshape(dLoss, [n, classes, 1, 1]))];
  },
});

/** The Lovász extension for each image and class. */
export interface LovaszJaccard {
  /** N×C; 0 for a class that the image does not have. */
  readonly loss: Tensor;
  /** The derivative of each loss by each probability of its class, N×C×H×W; 0 where the label is not known. */
  readonly slope: Tensor;
  /** The number of pixels labelled c, N×C. */
  readonly actual: Tensor;
}

/**
 * The Lovász extension of the Jaccard loss (Berman et al. 2018, https://arxiv.org/abs/1705.08790, algorithm 1) for each image and
 * class, from probabilities p N×C×H×W and labels int32 N×H×W: with the errors e_i = |[t_i = c] − p_i| of the pixels in falling
 * order, and the Jaccard loss J_k of having the first k of them wrong, loss = Σ_k e_k·(J_k − J_{k−1}), and slope is that
 * difference for a pixel of another class and minus it for one of the class. Errors that are equal in single precision are
 * in the order of their pixels. A label outside of the classes (ignored) is not known: its pixel counts nowhere.
 */
export function lovaszJaccard(probabilities: Tensor, labels: Tensor): LovaszJaccard {
  const [loss, slope, actual] = applyAll(lovaszJaccardOp, [probabilities, labels], {});
  return { loss: loss, slope: slope, actual: actual };
}
