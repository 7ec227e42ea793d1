import type { Tensor, TensorType } from '../graph.ts';
import { apply, defineOp, type GradientCall } from '../op.ts';
import { broadcastShapes, scale, sumTo } from './reduction.ts';

/** Ops without attributes. */
export type NoAttributes = Record<string, never>;

function floatShape([x]: readonly TensorType[]): TensorType[] {
  return [{ shape: x.shape, dtype: 'float32' }];
}

function unary<Name extends string>(name: Name, gradient: (call: GradientCall<NoAttributes>) => Tensor) {
  return defineOp<Name, NoAttributes>({ name, infer: floatShape, gradient: (call) => [gradient(call)] });
}

/** The gradients of both operands from dy, before the sum over broadcast axes. */
type BinaryGradient = (call: GradientCall<NoAttributes>, dy: Tensor) => readonly [() => Tensor, () => Tensor];

function binary<Name extends string>(name: Name, gradient: BinaryGradient | 'none') {
  return defineOp<Name, NoAttributes>({
    name,
    infer: ([a, b]) => {
      if (a.dtype !== 'float32' || b.dtype !== 'float32') throw new Error(`${name}: both inputs must be float32`);
      return [{ shape: broadcastShapes(name, a.shape, b.shape), dtype: 'float32' }];
    },
    gradient:
      gradient === 'none'
        ? 'none'
        : (call) =>
            gradient(call, call.outputGradients[0]!).map((rule, index) =>
              call.wants(index) ? sumTo(rule(), call.inputs[index].shape) : undefined,
            ),
  });
}

export const addOp = binary('add', (_, dy) => [() => dy, () => dy]);
export const subOp = binary('sub', (_, dy) => [() => dy, () => scale(dy, -1)]);
export const mulOp = binary('mul', ({ inputs: [a, b] }, dy) => [() => mul(dy, b), () => mul(dy, a)]);
export const divOp = binary('div', ({ inputs: [, b], outputs: [y] }, dy) => [
  () => div(dy, b),
  () => scale(div(mul(dy, y), b), -1),
]);
export const minimumOp = binary('minimum', ({ inputs: [a, b] }, dy) => [
  () => sub(dy, mul(dy, greater(a, b))),
  () => mul(dy, greater(a, b)),
]);
export const maximumOp = binary('maximum', ({ inputs: [a, b] }, dy) => [
  () => sub(dy, mul(dy, greater(b, a))),
  () => mul(dy, greater(b, a)),
]);
export const greaterOp = binary('greater', 'none');

/** a + b, broadcast (ONNX `Add`). */
export function add(a: Tensor, b: Tensor): Tensor {
  return apply(addOp, [a, b], {});
}

/** a − b, broadcast (ONNX `Sub`). */
export function sub(a: Tensor, b: Tensor): Tensor {
  return apply(subOp, [a, b], {});
}

/** a · b, element by element, broadcast (ONNX `Mul`). */
export function mul(a: Tensor, b: Tensor): Tensor {
  return apply(mulOp, [a, b], {});
}

/** a / b, broadcast (ONNX `Div`). */
export function div(a: Tensor, b: Tensor): Tensor {
  return apply(divOp, [a, b], {});
}

/** The smaller of a and b, broadcast (ONNX `Min`); for equal values the gradient goes to a. */
export function minimum(a: Tensor, b: Tensor): Tensor {
  return apply(minimumOp, [a, b], {});
}

/** The larger of a and b, broadcast (ONNX `Max`); for equal values the gradient goes to a. */
export function maximum(a: Tensor, b: Tensor): Tensor {
  return apply(maximumOp, [a, b], {});
}

/** 1 where a > b, else 0, as float32, broadcast (ONNX `Greater`); no gradient. */
export function greater(a: Tensor, b: Tensor): Tensor {
  return apply(greaterOp, [a, b], {});
}

export const expOp = unary('exp', ({ outputs: [y], outputGradients: [dy] }) => mul(dy!, y));
export const logOp = unary('log', ({ inputs: [x], outputGradients: [dy] }) => div(dy!, x));
export const sqrtOp = unary('sqrt', ({ outputs: [y], outputGradients: [dy] }) => div(scale(dy!, 0.5), y));

/** e^x (ONNX `Exp`). */
export function exp(x: Tensor): Tensor {
  return apply(expOp, [x], {});
}

/** Natural logarithm (ONNX `Log`). */
export function log(x: Tensor): Tensor {
  return apply(logOp, [x], {});
}

/** Square root (ONNX `Sqrt`). */
export function sqrt(x: Tensor): Tensor {
  return apply(sqrtOp, [x], {});
}
