import { formatShape, type Shape, sizeOf, type Tensor } from '../graph.ts';
import { apply, applyAll, defineOp } from '../op.ts';

export interface ReshapeAttributes {
  readonly shape: Shape;
}

export const reshapeOp = defineOp<'reshape', ReshapeAttributes>({
  name: 'reshape',
  infer: ([x], { shape }) => {
    if (sizeOf(x.shape) !== sizeOf(shape)) {
      throw new Error(`reshape: ${formatShape(x.shape)} does not fill ${formatShape(shape)}`);
    }
    return [{ shape, dtype: x.dtype }];
  },
  gradient: ({ inputs: [x], outputGradients: [dy] }) => [reshape(dy!, x.shape)],
});

/** Changes the shape and keeps the elements in order (ONNX `Reshape`). */
export function reshape(x: Tensor, shape: Shape): Tensor {
  return formatShape(x.shape) === formatShape(shape) ? x : apply(reshapeOp, [x], { shape });
}

export interface TransposeAttributes {
  /** Output axis i is input axis `permutation[i]`. */
  readonly permutation: readonly number[];
}

export const transposeOp = defineOp<'transpose', TransposeAttributes>({
  name: 'transpose',
  infer: ([x], { permutation }) => {
    if ([...permutation].sort((a, b) => a - b).join() !== x.shape.map((_, axis) => axis).join()) {
      throw new Error(`transpose: [${permutation}] is not a permutation of the axes of ${formatShape(x.shape)}`);
    }
    return [{ shape: permutation.map((axis) => x.shape[axis]), dtype: x.dtype }];
  },
  gradient: ({ attributes: { permutation }, outputGradients: [dy] }) => {
    const inverse: number[] = [];
    permutation.forEach((axis, index) => {
      inverse[axis] = index;
    });
    return [transpose(dy!, inverse)];
  },
});

/** Permutes the axes (ONNX `Transpose`). */
export function transpose(x: Tensor, permutation: readonly number[]): Tensor {
  return apply(transposeOp, [x], { permutation });
}

export interface ConcatAttributes {
  readonly axis: number;
}

export const concatOp = defineOp<'concat', ConcatAttributes>({
  name: 'concat',
  infer: (inputs, { axis }) => {
    const [first] = inputs;
    if (axis < 0 || axis >= first.shape.length)
      throw new Error(`concat: axis ${axis} is out of range for ${formatShape(first.shape)}`);
    for (const input of inputs) {
      const fits =
        input.dtype === first.dtype &&
        input.shape.length === first.shape.length &&
        input.shape.every((extent, index) => index === axis || extent === first.shape[index]);
      if (!fits) {
        throw new Error(
          `concat: ${formatShape(input.shape)} and ${formatShape(first.shape)} differ outside axis ${axis}`,
        );
      }
    }
    const extent = inputs.reduce((sum, input) => sum + input.shape[axis], 0);
    return [{ shape: first.shape.map((value, index) => (index === axis ? extent : value)), dtype: first.dtype }];
  },
  gradient: ({ inputs, attributes: { axis }, outputGradients: [dy] }) =>
    split(
      dy!,
      axis,
      inputs.map((input) => input.shape[axis]),
    ),
});

/** Concatenates tensors along an axis (ONNX `Concat`). */
export function concat(inputs: readonly Tensor[], axis: number): Tensor {
  return inputs.length === 1 ? inputs[0] : apply(concatOp, inputs, { axis });
}

export interface SplitAttributes {
  readonly axis: number;
  readonly sizes: readonly number[];
}

export const splitOp = defineOp<'split', SplitAttributes>({
  name: 'split',
  infer: ([x], { axis, sizes }) => {
    const total = sizes.reduce((sum, size) => sum + size, 0);
    if (total !== x.shape[axis]) {
      throw new Error(`split: the sizes [${sizes}] do not sum to axis ${axis} of ${formatShape(x.shape)}`);
    }
    return sizes.map((size) => ({
      shape: x.shape.map((value, index) => (index === axis ? size : value)),
      dtype: x.dtype,
    }));
  },
  gradient: ({ inputs: [x], outputs, attributes: { axis }, outputGradients }) => {
    const parts = outputs.map((output, index) => outputGradients[index] ?? zeros(x, output.shape));
    return [concat(parts, axis)];
  },
});

/** Splits a tensor into consecutive parts along an axis (ONNX `Split`). */
export function split(x: Tensor, axis: number, sizes: readonly number[]): readonly Tensor[] {
  return sizes.length === 1 ? [x] : applyAll(splitOp, [x], { axis, sizes });
}

export interface SliceAttributes {
  readonly axis: number;
  readonly start: number;
  /** Exclusive. */
  readonly end: number;
}

export const sliceOp = defineOp<'slice', SliceAttributes>({
  name: 'slice',
  infer: ([x], { axis, start, end }) => {
    const extent = x.shape[axis];
    if (extent === undefined || start < 0 || end > extent || start >= end) {
      throw new Error(`slice: ${start} to ${end} is out of range for axis ${axis} of ${formatShape(x.shape)}`);
    }
    return [{ shape: x.shape.map((value, index) => (index === axis ? end - start : value)), dtype: x.dtype }];
  },
  gradient: ({ inputs: [x], attributes: { axis, start, end }, outputGradients: [dy] }) => {
    const before = x.shape.map((_, index) => (index === axis ? start : 0));
    const after = x.shape.map((extent, index) => (index === axis ? extent - end : 0));
    return [pad(dy!, before, after)];
  },
});

/** Elements `start` to `end` (exclusive) along one axis (ONNX `Slice`). */
export function slice(x: Tensor, axis: number, start: number, end: number): Tensor {
  return start === 0 && end === x.shape[axis] ? x : apply(sliceOp, [x], { axis, start, end });
}

export interface PadAttributes {
  readonly before: readonly number[];
  readonly after: readonly number[];
}

export const padOp = defineOp<'pad', PadAttributes>({
  name: 'pad',
  infer: ([x], { before, after }) => {
    if (
      before.length !== x.shape.length ||
      after.length !== x.shape.length ||
      [...before, ...after].some((n) => n < 0)
    ) {
      throw new Error(`pad: [${before}] and [${after}] do not match ${formatShape(x.shape)}`);
    }
    return [{ shape: x.shape.map((extent, axis) => extent + before[axis] + after[axis]), dtype: x.dtype }];
  },
  gradient: ({ inputs: [x], attributes: { before }, outputGradients: [dy] }) => {
    let result = dy!;
    x.shape.forEach((extent, axis) => {
      result = slice(result, axis, before[axis], before[axis] + extent);
    });
    return [result];
  },
});

/** Pads every axis with zeros (ONNX `Pad`, mode constant). */
export function pad(x: Tensor, before: readonly number[], after: readonly number[]): Tensor {
  return [...before, ...after].every((n) => n === 0) ? x : apply(padOp, [x], { before, after });
}

/** A constant of zeros in the graph of `like`. */
export function zeros(like: Tensor, shape: Shape): Tensor {
  return like.graph.constant(new Float32Array(sizeOf(shape)), shape);
}
