import { activationKinds } from '../../graph/ops/activation.ts';
import type { AddonFacts } from '../../native-addon/addon.ts';
import type { FusionCapabilities } from '../fusion/capabilities.ts';
import { elementwiseOps } from '../fusion/fused-ops.ts';

/** What the planner has to know of the add-on. */
export type PlannerFacts = Pick<AddonFacts, 'channelBlock' | 'elementwiseOps' | 'activations'>;

/** What oneDNN and the kernels of the add-on can do. */
export function nativeCapabilities(facts: AddonFacts): FusionCapabilities {
  return {
    convolutionActivations: activationKinds.filter((kind) => facts.convolutionActivations.includes(kind)),
    gradientTerms: facts.maxGradientTerms,
    elementwiseValues: facts.maxElementwiseValues,
    elementwiseDistance: 40,
    smallSize: 2 ** 14,
  };
}

/**
 * What an add-on that was built from other sources knows of ops and activations, or does not, other than the passes; undefined
 * where both know the same. Plans number them by the add-on's lists, so what it does not know would have no number.
 */
export function describeMismatch(facts: Partial<AddonFacts>): string | undefined {
  const differences = [
    ...differencesOf('the elementwise op', elementwiseOps, facts.elementwiseOps),
    ...differencesOf('the activation', ['none', ...activationKinds], facts.activations),
  ];
  return differences.length > 0 ? differences.join('; ') : undefined;
}

function differencesOf(what: string, wanted: readonly string[], known: readonly string[] = []): string[] {
  const missing = wanted.filter((name) => !known.includes(name));
  const unknown = known.filter((name) => !wanted.includes(name));
  return [
    ...missing.map((name) => `it does not know ${what} '${name}'`),
    ...unknown.map((name) => `it knows ${what} '${name}', which does not exist any more`),
  ];
}
