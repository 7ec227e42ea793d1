import { sizeOf } from '../../graph/graph.ts';
import type { BatchNormAttributes } from '../../graph/ops/normalization.ts';
import type { CrossEntropyAttributes, SoftmaxAttributes } from '../../graph/ops/softmax.ts';
import { attributesOf, inputShape, type KernelCall, type KernelTable, outputShape } from './kernel.ts';

/** Visits the planes of one channel in all pictures: offset of the first element. */
function forEachPlane(
  call: KernelCall,
  input: number,
  channel: number,
  visit: (start: number, length: number) => void,
) {
  const [n, channels, height, width] = inputShape(call, input) as [number, number, number, number];
  for (let picture = 0; picture < n; picture++) visit((picture * channels + channel) * height * width, height * width);
}

function batchNormTraining(call: KernelCall): void {
  const [x, gamma, beta] = call.inputs;
  const [y, means, variances] = call.outputs;
  const { epsilon } = attributesOf<BatchNormAttributes>(call);
  const count = x!.length / gamma!.length;
  for (let channel = 0; channel < gamma!.length; channel++) {
    let sum = 0;
    forEachPlane(call, 0, channel, (start, length) => {
      for (let i = start; i < start + length; i++) sum += x![i]!;
    });
    const mean = sum / count;
    let squares = 0;
    forEachPlane(call, 0, channel, (start, length) => {
      for (let i = start; i < start + length; i++) squares += (x![i]! - mean) ** 2;
    });
    const variance = squares / count;
    const factor = gamma![channel]! / Math.sqrt(variance + epsilon);
    forEachPlane(call, 0, channel, (start, length) => {
      for (let i = start; i < start + length; i++) y![i] = (x![i]! - mean) * factor + beta![channel]!;
    });
    means![channel] = mean;
    variances![channel] = variance;
  }
}

function batchNormGradient(call: KernelCall): void {
  const [dy, x, gamma, means, variances] = call.inputs;
  const [dx, dGamma, dBeta] = call.outputs;
  const { epsilon } = attributesOf<BatchNormAttributes>(call);
  const count = x!.length / gamma!.length;
  for (let channel = 0; channel < gamma!.length; channel++) {
    const mean = means![channel]!;
    const inverse = 1 / Math.sqrt(variances![channel]! + epsilon);
    let sum = 0;
    let product = 0;
    forEachPlane(call, 1, channel, (start, length) => {
      for (let i = start; i < start + length; i++) {
        sum += dy![i]!;
        product += dy![i]! * (x![i]! - mean) * inverse;
      }
    });
    forEachPlane(call, 1, channel, (start, length) => {
      for (let i = start; i < start + length; i++) {
        const normalized = (x![i]! - mean) * inverse;
        dx![i] = gamma![channel]! * inverse * (dy![i]! - (sum + normalized * product) / count);
      }
    });
    dGamma![channel] = product;
    dBeta![channel] = sum;
  }
}

function batchNormInference(call: KernelCall): void {
  const [x, gamma, beta, means, variances] = call.inputs;
  const [y] = call.outputs;
  const { epsilon } = attributesOf<BatchNormAttributes>(call);
  for (let channel = 0; channel < gamma!.length; channel++) {
    const factor = gamma![channel]! / Math.sqrt(variances![channel]! + epsilon);
    forEachPlane(call, 0, channel, (start, length) => {
      for (let i = start; i < start + length; i++) y![i] = (x![i]! - means![channel]!) * factor + beta![channel]!;
    });
  }
}

/** log Σ e^x over `classes` values that lie `step` apart; the largest is taken out first, so that nothing overflows. */
function logSumExp(x: ArrayLike<number>, start: number, classes: number, step: number): number {
  let largest = x[start]!;
  for (let c = 1; c < classes; c++) largest = Math.max(largest, x[start + c * step]!);
  let sum = 0;
  for (let c = 0; c < classes; c++) sum += Math.exp(x[start + c * step]! - largest);
  return largest + Math.log(sum);
}

function softmaxWith(call: KernelCall, result: (logProbability: number) => number): void {
  const [x] = call.inputs;
  const [y] = call.outputs;
  const shape = outputShape(call);
  const { axis } = attributesOf<SoftmaxAttributes>(call);
  const classes = shape[axis]!;
  const inner = sizeOf(shape.slice(axis + 1));
  for (let outer = 0; outer < sizeOf(shape.slice(0, axis)); outer++) {
    for (let i = 0; i < inner; i++) {
      const start = outer * classes * inner + i;
      const total = logSumExp(x!, start, classes, inner);
      for (let c = 0; c < classes; c++) y![start + c * inner] = result(x![start + c * inner]! - total);
    }
  }
}

function oneHot(call: KernelCall): void {
  const [labels] = call.inputs;
  const [n, classes, height, width] = outputShape(call) as [number, number, number, number];
  const plane = height * width;
  for (let i = 0; i < n * plane; i++) {
    const label = labels![i]!;
    if (label < 0 || label >= classes) continue;
    call.outputs[0]![(Math.floor(i / plane) * classes + label) * plane + (i % plane)] = 1;
  }
}

/** Visits the pixels whose label is one of the classes: index of the pixel, offset of its first logit, its label. */
function forEachLabel(
  call: KernelCall,
  first: number,
  visit: (pixel: number, start: number, label: number) => void,
): void {
  const labels = call.inputs[first + 1]!;
  const [, classes, height, width] = inputShape(call, first) as [number, number, number, number];
  const plane = height * width;
  for (let pixel = 0; pixel < labels.length; pixel++) {
    const label = labels[pixel]!;
    if (label < 0 || label >= classes) continue;
    visit(pixel, Math.floor(pixel / plane) * classes * plane + (pixel % plane), label);
  }
}

/** The target q_c of the docstring of `crossEntropyPixels`. */
function target(c: number, label: number, weights: ArrayLike<number>, smoothing: number): number {
  return (c === label ? (1 - smoothing) * weights[label]! : 0) + (smoothing / weights.length) * weights[c]!;
}

function crossEntropy(call: KernelCall): void {
  const [logits, , weights] = call.inputs;
  const [loss, weight] = call.outputs;
  const { labelSmoothing } = attributesOf<CrossEntropyAttributes>(call);
  const plane = sizeOf(inputShape(call, 0).slice(2));
  forEachLabel(call, 0, (pixel, start, label) => {
    const total = logSumExp(logits!, start, weights!.length, plane);
    let sum = 0;
    for (let c = 0; c < weights!.length; c++) {
      sum += target(c, label, weights!, labelSmoothing) * (total - logits![start + c * plane]!);
    }
    loss![pixel] = sum;
    weight![pixel] = weights![label]!;
  });
}

function crossEntropyGradient(call: KernelCall): void {
  const [dLoss, logits, , weights] = call.inputs;
  const [dLogits] = call.outputs;
  const { labelSmoothing } = attributesOf<CrossEntropyAttributes>(call);
  const plane = sizeOf(inputShape(call, 1).slice(2));
  forEachLabel(call, 1, (pixel, start, label) => {
    const total = logSumExp(logits!, start, weights!.length, plane);
    let mass = 0;
    for (let c = 0; c < weights!.length; c++) mass += target(c, label, weights!, labelSmoothing);
    for (let c = 0; c < weights!.length; c++) {
      const probability = Math.exp(logits![start + c * plane]! - total);
      const slope = probability * mass - target(c, label, weights!, labelSmoothing);
      dLogits![start + c * plane] = dLoss![pixel]! * slope;
    }
  });
}

export const normalizationKernels: KernelTable = {
  batchNormTraining,
  batchNormGradient,
  batchNormInference,
  softmax: (call) => softmaxWith(call, Math.exp),
  logSoftmax: (call) => softmaxWith(call, (logProbability) => logProbability),
  oneHot,
  crossEntropy,
  crossEntropyGradient,
};
