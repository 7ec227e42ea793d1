import { sizeOf } from '../../graph/graph.ts';
import type { LoweringTable, OnnxBuilder } from './lowering.ts';

/** x minus the mean of its channel, and the mean, for the forward and the backward pass. */
function centred(builder: OnnxBuilder, x: string, mean: string, channels: number): string {
  return builder.emit('Sub', [x, builder.reshape(mean, [1, channels, 1, 1])]);
}

/** The sum of a·b over all but the channels, as a vector: one dot product per image and channel, then over images. */
function channelDot(builder: OnnxBuilder, a: string, b: string, n: number, channels: number, pixels: number): string {
  // Many tiny products cost more than they save.
  if (pixels <= 1024) return builder.reduceSum(builder.emit('Mul', [a, b]), [0, 2, 3], false);
  const left = builder.reshape(a, [n * channels, 1, pixels]);
  const right = builder.reshape(b, [n * channels, 1, pixels]);
  const dots = builder.matMul(left, right, false, true, 3, 3);
  return builder.reduceSum(builder.reshape(dots, [n, channels]), [0], false);
}

function inverseDeviation(builder: OnnxBuilder, variance: string, epsilon: number): string {
  return builder.emit('Reciprocal', [builder.emit('Sqrt', [builder.emit('Add', [variance, builder.float(epsilon)])])]);
}

/** Rules for batch normalisation. */
export const normalizationRules = {
  batchNormTraining: ({ builder, values: [x, gamma, beta], attributes, output: { shape } }) => {
    const [n, channels, height, width] = shape as [number, number, number, number];
    const count = n * height * width;
    const spread = (vector: string) => builder.reshape(vector, [1, channels, 1, 1]);
    const perImage = builder.reshape(builder.emit('GlobalAveragePool', [x]), [n, channels]);
    const mean = builder.emit('ReduceMean', [perImage], { axes: [0], keepdims: 0 });
    const difference = centred(builder, x, mean, channels);
    const squares = channelDot(builder, difference, difference, n, channels, height * width);
    const variance = builder.emit('Mul', [squares, builder.float(1 / count)]);
    const factor = builder.emit('Mul', [gamma, inverseDeviation(builder, variance, attributes.epsilon)]);
    const y = builder.emit('Add', [builder.emit('Mul', [difference, spread(factor)]), spread(beta)]);
    return [y, mean, variance];
  },

  batchNormGradient: ({ builder, values, attributes, output: { shape } }) => {
    const [dy, x, gamma, mean, variance] = values as [string, string, string, string, string];
    const [n, channels, height, width] = shape as [number, number, number, number];
    const count = sizeOf(shape) / channels;
    const spread = (vector: string) => builder.reshape(vector, [1, channels, 1, 1]);
    const difference = centred(builder, x, mean, channels);
    const inverse = inverseDeviation(builder, variance, attributes.epsilon);
    const dBetaPerImage = builder.reshape(builder.emit('GlobalAveragePool', [dy]), [n, channels]);
    const dBeta = builder.emit('Mul', [builder.reduceSum(dBetaPerImage, [0], false), builder.float(height * width)]);
    const dGamma = builder.emit('Mul', [channelDot(builder, dy, difference, n, channels, height * width), inverse]);
    // dx = k1·dy + k2·(x − mean) + k3, per channel.
    const k1 = builder.emit('Mul', [gamma, inverse]);
    const share = builder.emit('Mul', [k1, builder.float(-1 / count)]);
    const k2 = builder.emit('Mul', [builder.emit('Mul', [share, inverse]), dGamma]);
    const k3 = builder.emit('Mul', [share, dBeta]);
    const fromDifference = builder.emit('Add', [builder.emit('Mul', [difference, spread(k2)]), spread(k3)]);
    const dx = builder.emit('Add', [builder.emit('Mul', [dy, spread(k1)]), fromDifference]);
    return [dx, dGamma, dBeta];
  },

  batchNormInference: ({ builder, values, attributes }) =>
    builder.emit('BatchNormalization', values, { epsilon: { float: attributes.epsilon } }),
} satisfies Partial<LoweringTable>;
