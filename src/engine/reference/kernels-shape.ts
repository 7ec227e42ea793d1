import { type Shape, sizeOf } from '../../graph/graph.ts';
import type { MatMulAttributes } from '../../graph/ops/matmul.ts';
import type { ReductionAttributes } from '../../graph/ops/reduction.ts';
import type { ConcatAttributes, PadAttributes, SliceAttributes, TransposeAttributes } from '../../graph/ops/shape.ts';
import { stridesOf } from '../../graph/strides.ts';
import {
  broadcastStrides,
  forEachRow,
  inputShape,
  type KernelCall,
  type KernelTable,
  type NumericArray,
  outputShape,
} from './kernel.ts';

/** Fills y row by row from x, read with the given strides. */
function gather(x: NumericArray, layout: readonly number[], start: number, y: NumericArray, shape: Shape): void {
  const length = shape.at(-1) ?? 1;
  const step = layout.at(-1) ?? 0;
  let index = 0;
  forEachRow(shape, [layout], ([offset]) => {
    for (let k = 0; k < length; k++) y[index++] = x[start + offset + k * step]!;
  });
}

function transpose(call: KernelCall<TransposeAttributes>): void {
  const strides = stridesOf(inputShape(call, 0));
  const layout = call.attributes.permutation.map((axis) => strides[axis]);
  gather(call.inputs[0], layout, 0, call.outputs[0], outputShape(call));
}

function broadcastTo(call: KernelCall): void {
  const shape = outputShape(call);
  gather(call.inputs[0], broadcastStrides(inputShape(call, 0), shape), 0, call.outputs[0], shape);
}

function slice(call: KernelCall<SliceAttributes>): void {
  const { axis, start } = call.attributes;
  const strides = stridesOf(inputShape(call, 0));
  gather(call.inputs[0], strides, start * strides[axis], call.outputs[0], outputShape(call));
}

function pad(call: KernelCall<PadAttributes>): void {
  const [x] = call.inputs;
  const [y] = call.outputs;
  const shape = inputShape(call, 0);
  const strides = stridesOf(outputShape(call));
  const { before } = call.attributes;
  const start = strides.reduce((sum, stride, axis) => sum + stride * before[axis], 0);
  const length = shape.at(-1) ?? 1;
  let index = 0;
  forEachRow(shape, [strides], ([offset]) => {
    for (let k = 0; k < length; k++) y[start + offset + k] = x[index++]!;
  });
}

/** Copies between one whole tensor and its parts along an axis, block by block. */
function copyParts(whole: Shape, axis: number, parts: readonly Shape[], copy: PartCopy): void {
  const outer = sizeOf(whole.slice(0, axis));
  const inner = sizeOf(whole.slice(axis + 1));
  let at = 0;
  for (let block = 0; block < outer; block++) {
    parts.forEach((part, index) => {
      const length = part[axis] * inner;
      copy(index, block * length, at, length);
      at += length;
    });
  }
}

type PartCopy = (part: number, partOffset: number, wholeOffset: number, length: number) => void;

function concat(call: KernelCall<ConcatAttributes>): void {
  const { axis } = call.attributes;
  const parts = call.node.inputs.map((input) => input.shape);
  copyParts(outputShape(call), axis, parts, (part, partOffset, wholeOffset, length) => {
    call.outputs[0].set(call.inputs[part].subarray(partOffset, partOffset + length), wholeOffset);
  });
}

function split(call: KernelCall<ConcatAttributes>): void {
  const { axis } = call.attributes;
  const parts = call.node.outputs.map((output) => output.shape);
  copyParts(inputShape(call, 0), axis, parts, (part, partOffset, wholeOffset, length) => {
    call.outputs[part].set(call.inputs[0].subarray(wholeOffset, wholeOffset + length), partOffset);
  });
}

/** Sums over the axes, divided by `divisor`. */
function reduce(call: KernelCall<ReductionAttributes>, divisor: number): void {
  const [x] = call.inputs;
  const shape = inputShape(call, 0);
  const { axes } = call.attributes;
  const kept = shape.map((extent, axis) => (axes.includes(axis) ? 1 : extent));
  const layout = broadcastStrides(kept, shape);
  const step = layout.at(-1) ?? 0;
  const length = shape.at(-1) ?? 1;
  const sums = new Float64Array(call.outputs[0].length);
  let index = 0;
  forEachRow(shape, [layout], ([offset]) => {
    for (let k = 0; k < length; k++) sums[offset + k * step] += x[index++];
  });
  call.outputs[0].set(sums.map((sum) => sum / divisor));
}

function matMul(call: KernelCall<MatMulAttributes>): void {
  const [a, b] = call.inputs;
  const [y] = call.outputs;
  const { transposeA, transposeB } = call.attributes;
  const [rows, columns] = outputShape(call).slice(-2) as [number, number];
  const inner = inputShape(call, 0).at(transposeA ? -2 : -1)!;
  const batches = sizeOf(outputShape(call).slice(0, -2));
  const stepB = inputShape(call, 1).length > 2 ? inner * columns : 0;
  const row = new Float64Array(columns);
  for (let batch = 0; batch < batches; batch++) {
    const fromA = batch * rows * inner;
    const fromB = batch * stepB;
    for (let i = 0; i < rows; i++) {
      row.fill(0);
      for (let k = 0; k < inner; k++) {
        const value = a[fromA + (transposeA ? k * rows + i : i * inner + k)];
        for (let j = 0; j < columns; j++) row[j] += value * b[fromB + (transposeB ? j * inner + k : k * columns + j)];
      }
      y.set(row, (batch * rows + i) * columns);
    }
  }
}

export const shapeKernels = {
  reshape: ({ inputs, outputs }) => outputs[0].set(inputs[0]),
  transpose,
  broadcastTo,
  slice,
  pad,
  concat,
  split,
  reduceSum: (call) => reduce(call, 1),
  reduceMean: (call) => {
    const { axes } = call.attributes;
    reduce(call, sizeOf(axes.map((axis) => inputShape(call, 0)[axis])));
  },
  matMul,
} satisfies Partial<KernelTable>;
