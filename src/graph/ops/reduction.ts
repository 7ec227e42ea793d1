import { formatShape, type Shape, sizeOf, type Tensor, type TensorType } from '../graph.ts';
import { apply, defineOp, type OpDefinition } from '../op.ts';
import { reshape } from './shape.ts';

export interface ReductionAttributes {
  readonly axes: readonly number[];
  readonly keepDims: boolean;
}

function reducedShape(shape: Shape, { axes, keepDims }: ReductionAttributes): Shape {
  const kept = shape.map((extent, axis) => (axes.includes(axis) ? 1 : extent));
  return keepDims ? kept : kept.filter((_, axis) => !axes.includes(axis));
}

function inferReduction(name: string) {
  return ([x]: readonly TensorType[], attributes: ReductionAttributes): TensorType[] => {
    if (attributes.axes.length === 0 || attributes.axes.some((axis) => axis < 0 || axis >= x.shape.length)) {
      throw new Error(`${name}: axes [${attributes.axes}] do not match ${formatShape(x.shape)}`);
    }
    return [{ shape: reducedShape(x.shape, attributes), dtype: x.dtype }];
  };
}

/** Broadcasts a reduced gradient back to the original shape. */
function spread(dy: Tensor, shape: Shape, axes: readonly number[]): Tensor {
  const kept = shape.map((extent, axis) => (axes.includes(axis) ? 1 : extent));
  return broadcastTo(reshape(dy, kept), shape);
}

export const reduceSumOp = defineOp<'reduceSum', ReductionAttributes>({
  name: 'reduceSum',
  infer: inferReduction('reduceSum'),
  gradient: ({ inputs: [x], attributes: { axes }, outputGradients: [dy] }) => [spread(dy!, x.shape, axes)],
});

/** Sum over axes (ONNX `ReduceSum`); all axes when none are given. */
export function reduceSum(x: Tensor, axes: readonly number[] = allAxes(x), keepDims = false): Tensor {
  return axes.length === 0 ? x : apply(reduceSumOp, [x], { axes, keepDims });
}

/** Mean over axes: the sum divided by the number of elements. */
export function reduceMean(x: Tensor, axes: readonly number[] = allAxes(x), keepDims = false): Tensor {
  return axes.length === 0 ? x : apply(reduceMeanOp, [x], { axes, keepDims });
}

export const reduceMeanOp = defineOp<'reduceMean', ReductionAttributes>({
  name: 'reduceMean',
  infer: inferReduction('reduceMean'),
  gradient: ({ inputs: [x], attributes: { axes }, outputGradients: [dy] }) => {
    const count = sizeOf(axes.map((axis) => x.shape[axis]));
    return [spread(apply(scaleOp, [dy!], { factor: 1 / count }), x.shape, axes)];
  },
});

export interface ScaleAttributes {
  readonly factor: number;
}

export const scaleOp: OpDefinition<'scale', ScaleAttributes> = defineOp<'scale', ScaleAttributes>({
  name: 'scale',
  infer: ([x]) => [{ shape: x.shape, dtype: 'float32' }],
  gradient: ({ attributes, outputGradients: [dy] }) => [apply(scaleOp, [dy!], attributes)],
});

/** Every element times a fixed number. */
export function scale(x: Tensor, factor: number): Tensor {
  return factor === 1 ? x : apply(scaleOp, [x], { factor });
}

export interface BroadcastToAttributes {
  readonly shape: Shape;
}

export const broadcastToOp = defineOp<'broadcastTo', BroadcastToAttributes>({
  name: 'broadcastTo',
  infer: ([x], { shape }) => {
    if (formatShape(broadcastShapes('broadcastTo', x.shape, shape)) !== formatShape(shape)) {
      throw new Error(`broadcastTo: ${formatShape(x.shape)} cannot be broadcast to ${formatShape(shape)}`);
    }
    return [{ shape, dtype: x.dtype }];
  },
  gradient: ({ inputs: [x], outputGradients: [dy] }) => [sumTo(dy!, x.shape)],
});

/** Broadcasts to a shape, along axes of extent 1 and missing leading axes (ONNX `Expand`). */
export function broadcastTo(x: Tensor, shape: Shape): Tensor {
  return formatShape(x.shape) === formatShape(shape) ? x : apply(broadcastToOp, [x], { shape });
}

/** Sums over broadcast axes, back to `shape`: the gradient of a broadcast. */
export function sumTo(x: Tensor, shape: Shape): Tensor {
  const lead = x.shape.length - shape.length;
  const axes = x.shape
    .map((_, axis) => axis)
    .filter((axis) => axis < lead || (shape[axis - lead] === 1 && x.shape[axis] !== 1));
  return reshape(reduceSum(x, axes, true), shape);
}

/** Returns the shape to which two shapes broadcast, by the rules of ONNX and NumPy. */
export function broadcastShapes(op: string, a: Shape, b: Shape): Shape {
  const rank = Math.max(a.length, b.length);
  const shape: number[] = [];
  for (let axis = 0; axis < rank; axis++) {
    const left = a[a.length - rank + axis] ?? 1;
    const right = b[b.length - rank + axis] ?? 1;
    if (left !== right && left !== 1 && right !== 1) {
      throw new Error(`${op}: ${formatShape(a)} and ${formatShape(b)} cannot be broadcast together`);
    }
    shape.push(Math.max(left, right));
  }
  return shape;
}

function allAxes(x: Tensor): number[] {
  return x.shape.map((_, axis) => axis);
}
