import { formatShape, type Tensor, type TensorType } from '../graph.ts';
import { apply, applyAll, defineOp } from '../op.ts';
import { add, div, mul, sqrt, sub } from './elementwise.ts';
import { reduceSum } from './reduction.ts';
import { reshape } from './shape.ts';

export interface BatchNormAttributes {
  readonly epsilon: number;
}

function checkChannels(name: string, inputs: readonly TensorType[]): void {
  const [x, ...vectors] = inputs;
  for (const vector of vectors) {
    if (x.shape.length !== 4 || formatShape(vector.shape) !== String(x.shape[1])) {
      throw new Error(`${name}: ${formatShape(vector.shape)} does not match the channels of ${formatShape(x.shape)}`);
    }
  }
}

/** Outputs: y, mean of the batch, biased variance of the batch; no gradient flows through the two statistics. */
export const batchNormTrainingOp = defineOp<'batchNormTraining', BatchNormAttributes>({
  name: 'batchNormTraining',
  infer: (inputs) => {
    checkChannels('batchNormTraining', inputs);
    const statistics: TensorType = { shape: [inputs[0].shape[1]], dtype: 'float32' };
    return [{ shape: inputs[0].shape, dtype: 'float32' }, statistics, statistics];
  },
  gradient: ({
    inputs: [x, gamma],
    outputs: [, mean, variance],
    attributes,
    outputGradients: [dy, dMean, dVariance],
  }) => {
    if (dMean || dVariance) throw new Error('batchNormTraining: its mean and variance are not differentiable');
    return applyAll(batchNormGradientOp, [dy!, x, gamma, mean, variance], attributes);
  },
});

/** Inputs: dy, x, gamma, mean, variance. Outputs: the gradients of x, gamma and beta (Ioffe and Szegedy 2015, section 3). */
export const batchNormGradientOp = defineOp<'batchNormGradient', BatchNormAttributes>({
  name: 'batchNormGradient',
  infer: ([dy, , gamma]) => [
    { shape: dy.shape, dtype: 'float32' },
    { shape: gamma.shape, dtype: 'float32' },
    { shape: gamma.shape, dtype: 'float32' },
  ],
  gradient: 'none',
});

/** Batch normalisation with the statistics of the batch: y = gamma·(x − mean)/√(variance + epsilon) + beta, per channel. */
export function batchNormTraining(
  x: Tensor,
  gamma: Tensor,
  beta: Tensor,
  epsilon = 1e-5,
): { y: Tensor; mean: Tensor; variance: Tensor } {
  const [y, mean, variance] = applyAll(batchNormTrainingOp, [x, gamma, beta], { epsilon });
  return { y: y, mean: mean, variance: variance };
}

/** Inputs: x, gamma, beta, mean, variance. */
export const batchNormInferenceOp = defineOp<'batchNormInference', BatchNormAttributes>({
  name: 'batchNormInference',
  infer: (inputs) => {
    checkChannels('batchNormInference', inputs);
    return [{ shape: inputs[0].shape, dtype: 'float32' }];
  },
  gradient: ({ inputs, attributes, outputGradients: [dy], wants }) => {
    const [x, gamma, , mean, variance] = inputs.map((input, index) =>
      index === 0 ? input : reshape(input, [1, input.shape[0], 1, 1]),
    ) as [Tensor, Tensor, Tensor, Tensor, Tensor];
    if (wants(3) || wants(4)) throw new Error('batchNormInference: its mean and variance are not differentiable');
    const deviation = sqrt(add(variance, x.graph.scalar(attributes.epsilon)));
    return [
      wants(0) ? mul(dy!, div(gamma, deviation)) : undefined,
      wants(1) ? reduceSum(mul(dy!, div(sub(x, mean), deviation)), [0, 2, 3]) : undefined,
      wants(2) ? reduceSum(dy!, [0, 2, 3]) : undefined,
    ];
  },
});

/** Batch normalisation with given statistics (ONNX `BatchNormalization`): per channel, all four vectors of length C. */
export function batchNormInference(
  x: Tensor,
  gamma: Tensor,
  beta: Tensor,
  mean: Tensor,
  variance: Tensor,
  epsilon = 1e-5,
): Tensor {
  return apply(batchNormInferenceOp, [x, gamma, beta, mean, variance], { epsilon });
}
