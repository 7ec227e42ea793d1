import type { ActivationKind } from '../../graph/ops/activation.ts';
import type { ConvolutionAttributes } from '../../graph/ops/convolution.ts';

/**
 * Ops that only the native engine knows. Its passes make them out of the ops of a graph, so they have neither a builder nor
 * a gradient; they exist between the passes and the planner only.
 */
export const fusedOps = {
  /** Inputs x, gamma, beta[, residual]. Outputs y = act(batchNorm(x) [+ residual]), mean, biased variance. */
  normalize: 'fusedNormalize',
  /**
   * Inputs x, gamma, beta, mean, variance[, source], terms…. With dz = (Σ terms)·act′: outputs dx, dGamma, dBeta[, dz].
   * `source` is what activationGradient reads; without it, it is computed from x.
   */
  normalizeGradient: 'fusedNormalizeGradient',
  /** Inputs x, gamma, beta, mean, variance[, residual]. Output act(batchNorm(x) [+ residual]) with given statistics. */
  normalizeInference: 'fusedNormalizeInference',
  /** Inputs x, weight[, bias][, residual]. Output act(conv2d(x) [+ residual]). */
  convolution: 'fusedConvolution',
  /** Inputs: operands, broadcast to the shape of the outputs. Outputs: values of a straight-line program. */
  elementwise: 'fusedElementwise',
  /** Inputs logits, labels[, weights]. Outputs [lossSum, weightSum (scalars)][, overlap, predicted, actual (N×C)]. */
  lossHead: 'fusedLossHead',
  /** Inputs logits, labels[, weights, dLossSum][, dOverlap, dPredicted]. Output: the gradient of the logits. */
  lossHeadGradient: 'fusedLossHeadGradient',
} as const;

/** An activation, or none. */
export type FusedActivation = ActivationKind | 'none';

export interface NormalizeAttributes {
  readonly epsilon: number;
  readonly activation: FusedActivation;
  /** Whether a last input is added before the activation. */
  readonly residual: boolean;
}

export interface NormalizeGradientAttributes {
  readonly epsilon: number;
  readonly activation: FusedActivation;
  /** Whether `source` is among the inputs. */
  readonly source: boolean;
  /** How many terms the incoming gradient is the sum of, 1 to `maxGradientTerms`. */
  readonly terms: number;
  /** Whether dz is a fourth output. */
  readonly residual: boolean;
}

/** What kernels.h calls maxGradientTerms. */
export const maxGradientTerms = 4;

export interface FusedConvolutionAttributes extends ConvolutionAttributes {
  readonly bias: boolean;
  readonly activation: FusedActivation;
  readonly residual: boolean;
}

export type ElementwiseOpName =
  | 'add'
  | 'sub'
  | 'mul'
  | 'div'
  | 'minimum'
  | 'maximum'
  | 'greater'
  | 'exp'
  | 'log'
  | 'sqrt'
  | 'scale'
  | 'activation'
  | 'activationGradient';

/** One instruction; the value it defines has the number `operands + its index`. a and b are numbers of values. */
export interface ElementwiseInstruction {
  readonly op: ElementwiseOpName;
  readonly a: number;
  /** Of ops with two operands. */
  readonly b?: number;
  /** Of activation and activationGradient. */
  readonly kind?: ActivationKind;
  /** Of scale. */
  readonly factor?: number;
}

/** What kernels.h calls maxElementwiseValues: operands and instructions together. */
export const maxElementwiseValues = 96;

export interface ElementwiseAttributes {
  readonly instructions: readonly ElementwiseInstruction[];
  /** For each output, the number of its value. */
  readonly outputValues: readonly number[];
}

export interface LossHeadAttributes {
  /** Height and width that the logits are brought to by bilinear interpolation; undefined where they have them. */
  readonly size?: readonly [number, number];
  /** Undefined where there is no cross-entropy. */
  readonly labelSmoothing?: number;
  /** Whether the sums of softmaxSums are wanted. */
  readonly regions: boolean;
}
