import type { BatchNormAttributes } from '../../graph/ops/normalization.ts';
import { inputShape, type KernelCall, type KernelTable } from './kernel.ts';

/** Visits the planes of one channel in all images: offset of the first element. */
function forEachPlane(
  call: KernelCall,
  input: number,
  channel: number,
  visit: (start: number, length: number) => void,
) {
  const [n, channels, height, width] = inputShape(call, input) as [number, number, number, number];
  for (let image = 0; image < n; image++) visit((image * channels + channel) * height * width, height * width);
}

function batchNormTraining(call: KernelCall<BatchNormAttributes>): void {
  const [x, gamma, beta] = call.inputs;
  const [y, means, variances] = call.outputs;
  const { epsilon } = call.attributes;
  const count = x.length / gamma.length;
  for (let channel = 0; channel < gamma.length; channel++) {
    let sum = 0;
    forEachPlane(call, 0, channel, (start, length) => {
      for (let i = start; i < start + length; i++) sum += x[i];
    });
    const mean = sum / count;
    let squares = 0;
    forEachPlane(call, 0, channel, (start, length) => {
      for (let i = start; i < start + length; i++) squares += (x[i] - mean) ** 2;
    });
    const variance = squares / count;
    const factor = gamma[channel] / Math.sqrt(variance + epsilon);
    forEachPlane(call, 0, channel, (start, length) => {
      for (let i = start; i < start + length; i++) y[i] = (x[i] - mean) * factor + beta[channel];
    });
    means[channel] = mean;
    variances[channel] = variance;
  }
}

function batchNormGradient(call: KernelCall<BatchNormAttributes>): void {
  const [dy, x, gamma, means, variances] = call.inputs;
  const [dx, dGamma, dBeta] = call.outputs;
  const { epsilon } = call.attributes;
  const count = x.length / gamma.length;
  for (let channel = 0; channel < gamma.length; channel++) {
    const mean = means[channel];
    const inverse = 1 / Math.sqrt(variances[channel] + epsilon);
    let sum = 0;
    let product = 0;
    forEachPlane(call, 1, channel, (start, length) => {
      for (let i = start; i < start + length; i++) {
        sum += dy[i];
        product += dy[i] * (x[i] - mean) * inverse;
      }
    });
    forEachPlane(call, 1, channel, (start, length) => {
      for (let i = start; i < start + length; i++) {
        const normalized = (x[i] - mean) * inverse;
        dx[i] = gamma[channel] * inverse * (dy[i] - (sum + normalized * product) / count);
      }
    });
    dGamma[channel] = product;
    dBeta[channel] = sum;
  }
}

function batchNormInference(call: KernelCall<BatchNormAttributes>): void {
  const [x, gamma, beta, means, variances] = call.inputs;
  const [y] = call.outputs;
  const { epsilon } = call.attributes;
  for (let channel = 0; channel < gamma.length; channel++) {
    const factor = gamma[channel] / Math.sqrt(variances[channel] + epsilon);
    forEachPlane(call, 0, channel, (start, length) => {
      for (let i = start; i < start + length; i++) y[i] = (x[i] - means[channel]) * factor + beta[channel];
    });
  }
}

export const normalizationKernels = {
  batchNormTraining,
  batchNormGradient,
  batchNormInference,
} satisfies Partial<KernelTable>;
