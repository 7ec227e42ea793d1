import type { ActivationKind } from '../../graph/ops/activation.ts';

/** The capabilities of an engine's fused ops that the passes depend on. */
export interface FusionCapabilities {
  /** Activations that can be fused into a convolution; others remain separate nodes. */
  readonly convolutionActivations: readonly ActivationKind[];
  /** Maximum number of summed terms in a fusedNormalizeGradient. */
  readonly gradientTerms: number;
  /** Maximum number of operands and instructions of a fusedElementwise, together. */
  readonly elementwiseValues: number;
  /**
   * Maximum distance, in nodes, between merged feature maps: a merged group runs as late as its last node and keeps its
   * operands alive until then.
   */
  readonly elementwiseDistance: number;
  /** Tensors with at most this many elements may stay alive for any time. */
  readonly smallSize: number;
}
