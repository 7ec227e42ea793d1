import { sizeOf } from '../../graph/graph.ts';
import type { CrossEntropyAttributes, SoftmaxAttributes } from '../../graph/ops/softmax.ts';
import { inputShape, type KernelCall, type KernelTable, outputShape } from './kernel.ts';

/** log Σ e^x over `classes` values that are `step` apart; the maximum is subtracted first to avoid overflow. */
function logSumExp(x: ArrayLike<number>, start: number, classes: number, step: number): number {
  let largest = x[start];
  for (let c = 1; c < classes; c++) largest = Math.max(largest, x[start + c * step]);
  let sum = 0;
  for (let c = 0; c < classes; c++) sum += Math.exp(x[start + c * step] - largest);
  return largest + Math.log(sum);
}

function softmaxWith(call: KernelCall<SoftmaxAttributes>, result: (logProbability: number) => number): void {
  const [x] = call.inputs;
  const [y] = call.outputs;
  const shape = outputShape(call);
  const { axis } = call.attributes;
  const classes = shape[axis];
  const inner = sizeOf(shape.slice(axis + 1));
  for (let outer = 0; outer < sizeOf(shape.slice(0, axis)); outer++) {
    for (let i = 0; i < inner; i++) {
      const start = outer * classes * inner + i;
      const total = logSumExp(x, start, classes, inner);
      for (let c = 0; c < classes; c++) y[start + c * inner] = result(x[start + c * inner] - total);
    }
  }
}

function oneHot(call: KernelCall): void {
  const [labels] = call.inputs;
  const [n, classes, height, width] = outputShape(call) as [number, number, number, number];
  const plane = height * width;
  for (let i = 0; i < n * plane; i++) {
    const label = labels[i];
    if (label < 0 || label >= classes) continue;
    call.outputs[0][(Math.floor(i / plane) * classes + label) * plane + (i % plane)] = 1;
  }
}

/** Visits the pixels whose label is one of the classes: index of the pixel, offset of its first logit, its label. */
function forEachLabel(
  call: KernelCall,
  first: number,
  visit: (pixel: number, start: number, label: number) => void,
): void {
  const labels = call.inputs[first + 1];
  const [, classes, height, width] = inputShape(call, first) as [number, number, number, number];
  const plane = height * width;
  for (let pixel = 0; pixel < labels.length; pixel++) {
    const label = labels[pixel];
    if (label < 0 || label >= classes) continue;
    visit(pixel, Math.floor(pixel / plane) * classes * plane + (pixel % plane), label);
  }
}

/** The target q_c of the docstring of `crossEntropyPixels`. */
function target(c: number, label: number, weights: ArrayLike<number>, smoothing: number): number {
  return (c === label ? (1 - smoothing) * weights[label] : 0) + (smoothing / weights.length) * weights[c];
}

function crossEntropy(call: KernelCall<CrossEntropyAttributes>): void {
  const [logits, , weights] = call.inputs;
  const [loss, weight] = call.outputs;
  const { labelSmoothing } = call.attributes;
  const plane = sizeOf(inputShape(call, 0).slice(2));
  forEachLabel(call, 0, (pixel, start, label) => {
    const total = logSumExp(logits, start, weights.length, plane);
    let sum = 0;
    for (let c = 0; c < weights.length; c++) {
      sum += target(c, label, weights, labelSmoothing) * (total - logits[start + c * plane]);
    }
    loss[pixel] = sum;
    weight[pixel] = weights[label]!;
  });
}

function crossEntropyGradient(call: KernelCall<CrossEntropyAttributes>): void {
  const [dLoss, logits, , weights] = call.inputs;
  const [dLogits] = call.outputs;
  const { labelSmoothing } = call.attributes;
  const plane = sizeOf(inputShape(call, 1).slice(2));
  forEachLabel(call, 1, (pixel, start, label) => {
    const total = logSumExp(logits, start, weights.length, plane);
    let mass = 0;
    for (let c = 0; c < weights.length; c++) mass += target(c, label, weights, labelSmoothing);
    for (let c = 0; c < weights.length; c++) {
      const probability = Math.exp(logits[start + c * plane] - total);
      const slope = probability * mass - target(c, label, weights, labelSmoothing);
      dLogits[start + c * plane] = dLoss[pixel] * slope;
    }
  });
}

/** The probabilities of the classes at a pixel whose first logit is at `start`. */
function probabilitiesAt(logits: ArrayLike<number>, start: number, classes: number, plane: number): number[] {
  const total = logSumExp(logits, start, classes, plane);
  return Array.from({ length: classes }, (_, c) => Math.exp(logits[start + c * plane] - total));
}

function softmaxSums(call: KernelCall): void {
  const [logits] = call.inputs;
  const [overlap, predicted, actual] = call.outputs;
  const [, classes, height, width] = inputShape(call, 0) as [number, number, number, number];
  const plane = height * width;
  // Kept in double precision until the end.
  const [overlaps, predictions] = [new Float64Array(overlap.length), new Float64Array(overlap.length)];
  forEachLabel(call, 0, (pixel, start, label) => {
    const first = Math.floor(pixel / plane) * classes;
    probabilitiesAt(logits, start, classes, plane).forEach((probability, c) => {
      predictions[first + c] += probability;
      if (c === label) overlaps[first + c] += probability;
    });
    actual[first + label] += 1;
  });
  overlap.set(overlaps);
  predicted.set(predictions);
}

function softmaxSumsGradient(call: KernelCall): void {
  const [dOverlap, dPredicted, logits] = call.inputs;
  const [dLogits] = call.outputs;
  const [, classes, height, width] = inputShape(call, 2) as [number, number, number, number];
  const plane = height * width;
  forEachLabel(call, 2, (pixel, start, label) => {
    const first = Math.floor(pixel / plane) * classes;
    const probabilities = probabilitiesAt(logits, start, classes, plane);
    const slopes = probabilities.map((_, c) => dPredicted[first + c] + (c === label ? dOverlap[first + c] : 0));
    const mean = probabilities.reduce((sum, probability, c) => sum + probability * slopes[c], 0);
    probabilities.forEach((probability, c) => {
      dLogits[start + c * plane] = probability * (slopes[c] - mean);
    });
  });
}

export const softmaxKernels = {
  softmax: (call) => softmaxWith(call, Math.exp),
  logSoftmax: (call) => softmaxWith(call, (logProbability) => logProbability),
  oneHot,
  crossEntropy,
  crossEntropyGradient,
  softmaxSums,
  softmaxSumsGradient,
} satisfies Partial<KernelTable>;
