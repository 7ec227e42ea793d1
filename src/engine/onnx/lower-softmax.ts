import type { Four, LoweringTable, OnnxBuilder } from './lowering.ts';

/** x minus its maximum along an axis, and the exponentials of that with their sum. */
function stableExponentials(builder: OnnxBuilder, x: string, axis: number) {
  const maximum = builder.emit('ReduceMax', [x], { axes: [axis], keepdims: 1 });
  const shifted = builder.emit('Sub', [x, maximum]);
  const exponentials = builder.emit('Exp', [shifted]);
  const sum = builder.reduceSum(exponentials, [axis], true);
  return { shifted, exponentials, sum };
}

function classIds(builder: OnnxBuilder, classes: number): string {
  return builder.int32s(
    Array.from({ length: classes }, (_, id) => id),
    [1, classes, 1, 1],
  );
}

/** Labels as N×1×H×W. */
function spreadLabels(builder: OnnxBuilder, labels: string, shape: readonly number[]): string {
  const [n, height, width] = shape as [number, number, number];
  return builder.reshape(labels, [n, 1, height, width]);
}

/** True for labels of classes, false for ignored ones, N×1×H×W. */
export function isKnown(builder: OnnxBuilder, labels: string, shape: readonly number[], classes: number): string {
  const spread = spreadLabels(builder, labels, shape);
  return builder.emit('And', [
    builder.emit('Greater', [spread, builder.int32s([-1], [])]),
    builder.emit('Less', [spread, builder.int32s([classes], [])]),
  ]);
}

/** Labels as N×1×H×W, with every label outside the classes replaced by `outside`. */
function knownLabels(
  builder: OnnxBuilder,
  labels: string,
  shape: readonly number[],
  classes: number,
  outside: number,
): string {
  const known = isKnown(builder, labels, shape, classes);
  return builder.emit('Where', [known, spreadLabels(builder, labels, shape), builder.int32s([outside], [])]);
}

/** The weight of every pixel, N×1×H×W: its class weight, or 0 if the label is ignored. */
function pixelWeights(
  builder: OnnxBuilder,
  weights: string,
  labels: string,
  shape: readonly number[],
  classes: number,
): string {
  const padded = builder.emit('Concat', [weights, builder.zeros([1])], { axis: 0 });
  return builder.emit('Gather', [padded, knownLabels(builder, labels, shape, classes, classes)], { axis: 0 });
}

export function isClass(builder: OnnxBuilder, labels: string, shape: readonly number[], classes: number): string {
  return builder.emit('Equal', [spreadLabels(builder, labels, shape), classIds(builder, classes)]);
}

/** The softmax over the channels for known labels, else 0. */
function knownProbabilities(
  builder: OnnxBuilder,
  logits: string,
  labels: string,
  shape: readonly number[],
  classes: number,
): string {
  const { exponentials, sum } = stableExponentials(builder, logits, 1);
  const known = builder.toFloat(isKnown(builder, labels, shape, classes));
  return builder.emit('Mul', [exponentials, builder.emit('Div', [known, sum])]);
}

/** Rules for softmax, one-hot labels, cross-entropy and the sums of region losses. */
export const softmaxRules = {
  softmax: ({ builder, values: [x], attributes: { axis }, output: { shape } }) => {
    if (axis === shape.length - 1) return builder.emit('Softmax', [x], { axis });
    const { exponentials, sum } = stableExponentials(builder, x, axis);
    return builder.emit('Mul', [exponentials, builder.emit('Reciprocal', [sum])]);
  },
  logSoftmax: ({ builder, values: [x], attributes: { axis } }) => {
    const { shifted, sum } = stableExponentials(builder, x, axis);
    return builder.emit('Sub', [shifted, builder.emit('Log', [sum])]);
  },
  oneHot: ({ builder, values: [labels], attributes: { classes }, inputs: [input] }) =>
    builder.toFloat(isClass(builder, labels, input.shape, classes)),

  crossEntropy: ({ builder, values: [logits, labels, weights], attributes: { labelSmoothing }, inputs }) => {
    const classes = inputs[0].shape[1];
    const shape = inputs[1].shape;
    const { shifted, sum } = stableExponentials(builder, logits, 1);
    const logSum = builder.emit('Log', [sum]);
    const picked = builder.emit('GatherElements', [shifted, knownLabels(builder, labels, shape, classes, 0)], {
      axis: 1,
    });
    const weight = pixelWeights(builder, weights, labels, shape, classes);
    let loss = builder.emit('Mul', [weight, builder.emit('Sub', [logSum, picked])]);
    if (labelSmoothing > 0) {
      const channelWeights = builder.reshape(weights, [1, classes, 1, 1]);
      const all = builder.reduceSum(
        builder.emit('Mul', [builder.emit('Sub', [logSum, shifted]), channelWeights]),
        [1],
        true,
      );
      const known = builder.toFloat(isKnown(builder, labels, shape, classes));
      const spread = builder.emit('Mul', [builder.emit('Mul', [all, known]), builder.float(labelSmoothing / classes)]);
      loss = builder.emit('Add', [builder.emit('Mul', [loss, builder.float(1 - labelSmoothing)]), spread]);
    }
    return [builder.reshape(loss, shape), builder.reshape(weight, shape)];
  },

  crossEntropyGradient: ({ builder, values, attributes: { labelSmoothing }, inputs }) => {
    const [dLoss, logits, labels, weights] = values as [string, string, string, string];
    const classes = inputs[1].shape[1];
    const shape = inputs[2].shape;
    const [n, height, width] = shape as [number, number, number];
    const { exponentials, sum } = stableExponentials(builder, logits, 1);
    const dPixel = builder.reshape(dLoss, [n, 1, height, width]);
    const weight = pixelWeights(builder, weights, labels, shape, classes);
    const hot = builder.emit('Mul', [builder.emit('Mul', [dPixel, weight]), builder.float(1 - labelSmoothing)]);
    const onTruth = builder.emit('Where', [isClass(builder, labels, shape, classes), hot, builder.float(0)]);
    if (labelSmoothing === 0) {
      const scaled = builder.emit('Mul', [exponentials, builder.emit('Div', [hot, sum])]);
      return builder.emit('Sub', [scaled, onTruth]);
    }
    // With q the target: the gradient is (Σ q)·p − q for pixels that are not ignored.
    const known = builder.toFloat(isKnown(builder, labels, shape, classes));
    const even = builder.emit('Mul', [builder.emit('Mul', [dPixel, known]), builder.float(labelSmoothing / classes)]);
    const total = builder.emit('Add', [hot, builder.emit('Mul', [even, builder.reduceSum(weights, [0], true)])]);
    const spread = builder.emit('Mul', [even, builder.reshape(weights, [1, classes, 1, 1])]);
    const scaled = builder.emit('Mul', [exponentials, builder.emit('Div', [total, sum])]);
    return builder.emit('Sub', [builder.emit('Sub', [scaled, onTruth]), spread]);
  },

  softmaxSums: ({ builder, values: [logits, labels], inputs }) => {
    const [n, classes, height, width] = inputs[0].shape as Four;
    const shape = inputs[1].shape;
    const pixels = height * width;
    const probabilities = knownProbabilities(builder, logits, labels, shape, classes);
    const truth = builder.toFloat(isClass(builder, labels, shape, classes));
    // p·tᵀ of each image: its diagonal is the overlap; since the t of a known pixel sum to 1, its rows sum to predicted.
    // One product is faster than a pass over p·t and its sum, and adds up in blocks, so that no digits are lost.
    const rows = builder.reshape(probabilities, [n, classes, pixels]);
    const products = builder.matMul(rows, builder.reshape(truth, [n, classes, pixels]), false, true, 3, 3);
    const identity = Float32Array.from({ length: classes * classes }, (_, i) => (i % (classes + 1) === 0 ? 1 : 0));
    const diagonal = builder.emit('Mul', [products, builder.floats(identity, [classes, classes], 'identity')]);
    return [
      builder.reduceSum(diagonal, [2], false),
      builder.reduceSum(products, [2], false),
      builder.reduceSum(truth, [2, 3], false),
    ];
  },

  softmaxSumsGradient: ({ builder, values, inputs }) => {
    const [dOverlap, dPredicted, logits, labels] = values as [string, string, string, string];
    const [n, classes] = inputs[2].shape as Four;
    const shape = inputs[3].shape;
    const spread = (sums: string) => builder.reshape(sums, [n, classes, 1, 1]);
    const probabilities = knownProbabilities(builder, logits, labels, shape, classes);
    const elsewhere = spread(dPredicted);
    const onTruth = spread(builder.emit('Add', [dPredicted, dOverlap]));
    const slope = builder.emit('Where', [isClass(builder, labels, shape, classes), onTruth, elsewhere]);
    const mean = builder.reduceSum(builder.emit('Mul', [probabilities, slope]), [1], true);
    return builder.emit('Mul', [probabilities, builder.emit('Sub', [slope, mean])]);
  },
} satisfies Partial<LoweringTable>;
