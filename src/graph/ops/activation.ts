import type { Tensor } from '../graph.ts';
import { apply, defineOp } from '../op.ts';

/**
 * The activations: relu max(0, x); relu6 min(max(0, x), 6); sigmoid 1/(1+e^−x); silu x·sigmoid(x);
 * hardSigmoid min(max(0, x/6 + 1/2), 1); hardSwish x·hardSigmoid(x), as in ONNX and PyTorch.
 */
export type ActivationKind = 'relu' | 'relu6' | 'sigmoid' | 'silu' | 'hardSigmoid' | 'hardSwish';

export const activationKinds: readonly ActivationKind[] = [
  'relu',
  'relu6',
  'sigmoid',
  'silu',
  'hardSigmoid',
  'hardSwish',
];

/** Whether the slope is computed from the output. If so, the input is not kept for the backward pass. */
export function slopeFromOutput(kind: ActivationKind): boolean {
  return kind !== 'silu' && kind !== 'hardSwish';
}

export interface ActivationAttributes {
  readonly kind: ActivationKind;
}

export const activationOp = defineOp<'activation', ActivationAttributes>({
  name: 'activation',
  infer: ([x]) => [{ shape: x.shape, dtype: 'float32' }],
  gradient: ({ inputs: [x], outputs: [y], attributes, outputGradients: [dy] }) => [
    apply(activationGradientOp, [dy!, slopeFromOutput(attributes.kind) ? y : x], attributes),
  ],
});

/**
 * dy times the slope of the activation. The second input is the activation's output if `slopeFromOutput` is true
 * (relu, relu6, sigmoid, hardSigmoid), else its input (silu, hardSwish).
 */
export const activationGradientOp = defineOp<'activationGradient', ActivationAttributes>({
  name: 'activationGradient',
  infer: ([dy]) => [{ shape: dy.shape, dtype: 'float32' }],
  gradient: 'none',
});

/** An activation by name. */
export function activation(x: Tensor, kind: ActivationKind): Tensor {
  return apply(activationOp, [x], { kind });
}

/** max(0, x) (ONNX `Relu`). */
export function relu(x: Tensor): Tensor {
  return activation(x, 'relu');
}

/** 1/(1+e^−x) (ONNX `Sigmoid`). */
export function sigmoid(x: Tensor): Tensor {
  return activation(x, 'sigmoid');
}
