import type { ActivationKind } from '../../graph/ops/activation.ts';

/** What an engine's fused ops can do, as far as the passes have to know it. */
export interface FusionCapabilities {
  /** Activations that a convolution applies to its result; others stay nodes of their own. */
  readonly convolutionActivations: readonly ActivationKind[];
  /** Terms whose sum a fusedNormalizeGradient takes, at most. */
  readonly gradientTerms: number;
  /** Operands and instructions of a fusedElementwise together, at most. */
  readonly elementwiseValues: number;
  /**
   * How far apart, in nodes, feature maps are merged: what is merged runs as late as its last node, and until then keeps what
   * it reads alive.
   */
  readonly elementwiseDistance: number;
  /** Tensors up to this many elements are no burden, however long they live. */
  readonly smallSize: number;
}
