import { activationKinds } from '../../graph/ops/activation.ts';
import type { AddonFacts } from '../../native-addon/addon.ts';
import type { FusionCapabilities } from '../fusion/capabilities.ts';
import { elementwiseOps } from '../fusion/fused-ops.ts';

/** What the planner has to know of the add-on. */
export type PlannerFacts = Pick<AddonFacts, 'channelBlock' | 'elementwiseOps' | 'activations'>;

/**
 * What oneDNN and the kernels of the add-on can do.
 *
 * @throws Error where the add-on was built from other sources: it lacks an elementwise op or an activation
 */
export function nativeCapabilities(facts: AddonFacts): FusionCapabilities {
  const missing = [
    ...elementwiseOps.filter((op) => !facts.elementwiseOps.includes(op)),
    ...activationKinds.filter((kind) => !facts.activations.includes(kind)),
  ];
  if (missing.length > 0) {
    throw new Error(
      `the add-on of the native engine lacks ${missing.join(', ')}; build it again: node native/install.mjs`,
    );
  }
  return {
    // oneDNN knows all activations after a convolution but this one.
    convolutionActivations: activationKinds.filter((kind) => kind !== 'hardSigmoid'),
    gradientTerms: facts.maxGradientTerms,
    elementwiseValues: facts.maxElementwiseValues,
    elementwiseDistance: 40,
    smallSize: 2 ** 14,
  };
}
