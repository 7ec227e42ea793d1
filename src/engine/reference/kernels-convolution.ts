import type { Shape } from '../../graph/graph.ts';
import type {
  ConvolutionAttributes,
  TransposedConvolutionAttributes,
  WeightGradientAttributes,
} from '../../graph/ops/convolution.ts';
import { inputShape, type KernelCall, type KernelTable, outputShape } from './kernel.ts';

/** A stretch of one output row to which one kernel element contributes: output `output + k` reads input `input + k·stride`. */
interface Stretch {
  readonly output: number;
  readonly input: number;
  readonly count: number;
}

/** A convolution laid out for loops: sizes, and for every kernel element the stretches of a plane that it touches. */
interface Geometry {
  readonly batch: number;
  readonly channels: number;
  readonly filters: number;
  readonly channelsPerGroup: number;
  readonly filtersPerGroup: number;
  readonly inputPlane: number;
  readonly outputPlane: number;
  readonly stride: number;
  readonly stretches: readonly (readonly Stretch[])[];
}

function layOut(input: Shape, weight: Shape, output: Shape, attributes: ConvolutionAttributes): Geometry {
  const { stride, padding, dilation, groups } = attributes;
  const [batch, channels, height, width] = input as [number, number, number, number];
  const [filters, channelsPerGroup, kernelHeight, kernelWidth] = weight as [number, number, number, number];
  const [, , outputHeight, outputWidth] = output as [number, number, number, number];
  const stretches: Stretch[][] = [];
  for (let ky = 0; ky < kernelHeight; ky++) {
    for (let kx = 0; kx < kernelWidth; kx++) {
      const rows: Stretch[] = [];
      // Output x reads input x·stride + shift; first and last keep that inside the image.
      const shift = kx * dilation[1] - padding[1];
      const first = Math.max(0, Math.ceil(-shift / stride[1]));
      const last = Math.min(outputWidth - 1, Math.floor((width - 1 - shift) / stride[1]));
      for (let oy = 0; oy < outputHeight; oy++) {
        const iy = oy * stride[0] + ky * dilation[0] - padding[0];
        if (iy < 0 || iy >= height || last < first) continue;
        const output = oy * outputWidth + first;
        const input = iy * width + first * stride[1] + shift;
        const count = last - first + 1;
        const before = rows.at(-1);
        // Rows that are contiguous on both sides are one stretch: a whole plane, for a 1×1 kernel.
        const continues =
          before && before.output + before.count === output && before.input + before.count * stride[1] === input;
        if (continues) rows[rows.length - 1] = { ...before, count: before.count + count };
        else rows.push({ output, input, count });
      }
      stretches.push(rows);
    }
  }
  return {
    batch,
    channels,
    filters,
    channelsPerGroup,
    filtersPerGroup: filters / groups,
    inputPlane: height * width,
    outputPlane: outputHeight * outputWidth,
    stride: stride[1],
    stretches,
  };
}

function conv2d(call: KernelCall<ConvolutionAttributes>): void {
  const [x, weight, bias] = call.inputs;
  const [y] = call.outputs;
  const attributes = call.attributes;
  const geometry = layOut(inputShape(call, 0), inputShape(call, 1), outputShape(call), attributes);
  const { batch, channels, filters, channelsPerGroup, filtersPerGroup, inputPlane, outputPlane } = geometry;
  const { stride, stretches } = geometry;
  const plane = new Float64Array(outputPlane);
  for (let n = 0; n < batch; n++) {
    for (let f = 0; f < filters; f++) {
      plane.fill(bias ? bias[f] : 0);
      const firstChannel = Math.floor(f / filtersPerGroup) * channelsPerGroup;
      for (let c = 0; c < channelsPerGroup; c++) {
        const from = (n * channels + firstChannel + c) * inputPlane;
        for (let k = 0; k < stretches.length; k++) {
          const w = weight[(f * channelsPerGroup + c) * stretches.length + k];
          for (const { output, input, count } of stretches[k]) {
            for (let i = 0; i < count; i++) plane[output + i] += w * x[from + input + i * stride];
          }
        }
      }
      y.set(plane, (n * filters + f) * outputPlane);
    }
  }
}

function convTranspose2d(call: KernelCall<TransposedConvolutionAttributes>): void {
  const [x, weight, bias] = call.inputs;
  const [y] = call.outputs;
  const attributes = call.attributes;
  const geometry = layOut(outputShape(call), inputShape(call, 1), inputShape(call, 0), attributes);
  const { batch, channels, filters, channelsPerGroup, filtersPerGroup, inputPlane, outputPlane } = geometry;
  const { stride, stretches } = geometry;
  const plane = new Float64Array(inputPlane);
  for (let n = 0; n < batch; n++) {
    for (let channel = 0; channel < channels; channel++) {
      plane.fill(bias ? bias[channel] : 0);
      const group = Math.floor(channel / channelsPerGroup);
      const c = channel % channelsPerGroup;
      for (let f = group * filtersPerGroup; f < (group + 1) * filtersPerGroup; f++) {
        const from = (n * filters + f) * outputPlane;
        for (let k = 0; k < stretches.length; k++) {
          const w = weight[(f * channelsPerGroup + c) * stretches.length + k];
          for (const { output, input, count } of stretches[k]) {
            for (let i = 0; i < count; i++) plane[input + i * stride] += w * x[from + output + i];
          }
        }
      }
      y.set(plane, (n * channels + channel) * inputPlane);
    }
  }
}

function conv2dWeightGradient(call: KernelCall<WeightGradientAttributes>): void {
  const [dy, x] = call.inputs;
  const [dWeight] = call.outputs;
  const attributes = call.attributes;
  const geometry = layOut(inputShape(call, 1), attributes.shape, inputShape(call, 0), attributes);
  const { batch, channels, filters, channelsPerGroup, filtersPerGroup, inputPlane, outputPlane } = geometry;
  const { stride, stretches } = geometry;
  for (let f = 0; f < filters; f++) {
    const firstChannel = Math.floor(f / filtersPerGroup) * channelsPerGroup;
    for (let c = 0; c < channelsPerGroup; c++) {
      for (let k = 0; k < stretches.length; k++) {
        let sum = 0;
        for (let n = 0; n < batch; n++) {
          const fromX = (n * channels + firstChannel + c) * inputPlane;
          const fromDy = (n * filters + f) * outputPlane;
          for (const { output, input, count } of stretches[k]) {
            for (let i = 0; i < count; i++) sum += dy[fromDy + output + i] * x[fromX + input + i * stride];
          }
        }
        dWeight[(f * channelsPerGroup + c) * stretches.length + k] = sum;
      }
    }
  }
}

export const convolutionKernels = { conv2d, convTranspose2d, conv2dWeightGradient } satisfies Partial<KernelTable>;
