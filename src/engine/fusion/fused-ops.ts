import type { ActivationKind } from '../../graph/ops/activation.ts';
import type { OpAttributes, OpName } from '../../graph/ops/all-ops.ts';
import type { ConvolutionAttributes } from '../../graph/ops/convolution.ts';
import type { ResizeAttributes } from '../../graph/ops/resize.ts';

/**
 * Additional ops of an engine. The passes in this folder create them from the ops of a graph, so they have neither a builder
 * nor a gradient. They exist only between the passes and the engine.
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
} as const satisfies Readonly<Record<string, keyof FusedOpAttributes>>;

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
  /** Number of terms of the incoming gradient, 1 to the engine's `gradientTerms`. */
  readonly terms: number;
  /** Whether dz is a fourth output. */
  readonly residual: boolean;
}

export interface FusedConvolutionAttributes extends ConvolutionAttributes {
  readonly bias: boolean;
  readonly activation: FusedActivation;
  readonly residual: boolean;
}

/** Elementwise ops; on floats, all of them become instructions of fusedElementwise. */
export const elementwiseOps = [
  'add',
  'sub',
  'mul',
  'div',
  'minimum',
  'maximum',
  'greater',
  'exp',
  'log',
  'sqrt',
  'scale',
  'activation',
  'activationGradient',
] as const satisfies readonly OpName[];

export type ElementwiseOpName = (typeof elementwiseOps)[number];

/** One instruction; the value it defines has the number `operands + its index`. a and b are numbers of values. */
export interface ElementwiseInstruction {
  readonly op: ElementwiseOpName;
  readonly a: number;
  /** For ops with two operands. */
  readonly b?: number;
  /** For activation and activationGradient. */
  readonly kind?: ActivationKind;
  /** For scale. */
  readonly factor?: number;
}

export interface ElementwiseAttributes {
  readonly instructions: readonly ElementwiseInstruction[];
  /** For each output, the number of its value. */
  readonly outputValues: readonly number[];
}

export interface LossHeadAttributes {
  /** The bilinear resize of the logits; undefined without one. */
  readonly resize?: ResizeAttributes;
  /** Undefined without a cross-entropy. */
  readonly labelSmoothing?: number;
  /** Whether to compute the sums of softmaxSums. */
  readonly regions: boolean;
}

/** The attributes of every fused op, by its name. */
export interface FusedOpAttributes {
  readonly fusedNormalize: NormalizeAttributes;
  readonly fusedNormalizeGradient: NormalizeGradientAttributes;
  readonly fusedNormalizeInference: NormalizeAttributes;
  readonly fusedConvolution: FusedConvolutionAttributes;
  readonly fusedElementwise: ElementwiseAttributes;
  readonly fusedLossHead: LossHeadAttributes;
  readonly fusedLossHeadGradient: LossHeadAttributes;
}

/** Ops that never remain after the passes: each becomes a fused op or part of one. */
export type AlwaysFused = ElementwiseOpName | 'batchNormTraining' | 'batchNormInference' | 'batchNormGradient';

/** The attributes of every op that can remain after the passes, by name; the engine must implement them. */
export type RemainingOpAttributes = Omit<OpAttributes, AlwaysFused> & FusedOpAttributes;
