import type { ActivationKind } from '../../graph/ops/activation.ts';
import { broadcastStrides, forEachRow, inputShape, type Kernel, type KernelTable, outputShape } from './kernel.ts';

function unary(compute: (x: number) => number): Kernel {
  return ({ inputs: [x], outputs: [y] }) => {
    for (let i = 0; i < y.length; i++) y[i] = compute(x[i]);
  };
}

function binary(compute: (a: number, b: number) => number): Kernel {
  return (call) => {
    const [a, b] = call.inputs;
    const [y] = call.outputs;
    const shape = outputShape(call);
    const layouts = [broadcastStrides(inputShape(call, 0), shape), broadcastStrides(inputShape(call, 1), shape)];
    const [stepA, stepB] = layouts.map((strides) => strides.at(-1) ?? 0);
    const length = shape.at(-1) ?? 1;
    let index = 0;
    forEachRow(shape, layouts, ([startA, startB]) => {
      for (let k = 0; k < length; k++) y[index++] = compute(a[startA + k * stepA], b[startB + k * stepB]);
    });
  };
}

function logistic(x: number): number {
  return 1 / (1 + Math.exp(-x));
}

// Math.min and Math.max propagate NaN, so a diverged run is visible.
const activations: Record<ActivationKind, (x: number) => number> = {
  relu: (x) => Math.max(0, x),
  relu6: (x) => Math.min(Math.max(0, x), 6),
  sigmoid: logistic,
  silu: (x) => x * logistic(x),
  hardSigmoid: (x) => Math.min(Math.max(0, x / 6 + 0.5), 1),
  hardSwish: (x) => x * Math.min(Math.max(0, x / 6 + 0.5), 1),
};

/** Slopes computed from the second input of `activationGradient`: the output, or the input for silu and hardSwish. */
const slopes: Record<ActivationKind, (value: number) => number> = {
  relu: (y) => (y > 0 ? 1 : 0),
  relu6: (y) => (y > 0 && y < 6 ? 1 : 0),
  sigmoid: (y) => y * (1 - y),
  silu: (x) => logistic(x) * (1 + x * (1 - logistic(x))),
  hardSigmoid: (y) => (y > 0 && y < 1 ? 1 / 6 : 0),
  hardSwish: (x) => (x <= -3 ? 0 : x >= 3 ? 1 : x / 3 + 0.5),
};

export const elementwiseKernels = {
  add: binary((a, b) => a + b),
  sub: binary((a, b) => a - b),
  mul: binary((a, b) => a * b),
  div: binary((a, b) => a / b),
  minimum: binary(Math.min),
  maximum: binary(Math.max),
  greater: binary((a, b) => (a > b ? 1 : 0)),
  exp: unary(Math.exp),
  log: unary(Math.log),
  sqrt: unary(Math.sqrt),
  scale: (call) => {
    const { factor } = call.attributes;
    unary((x) => x * factor)(call);
  },
  activation: (call) => unary(activations[call.attributes.kind])(call),
  activationGradient: (call) => {
    const slope = slopes[call.attributes.kind];
    binary((dy, value) => dy * slope(value))(call);
  },
} satisfies Partial<KernelTable>;
