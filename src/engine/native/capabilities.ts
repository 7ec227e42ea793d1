import { activationKinds } from '../../graph/ops/activation.ts';
import type { AddonFacts } from '../../native-addon/addon.ts';
import type { FusionCapabilities } from '../fusion/capabilities.ts';
import { elementwiseOps } from '../fusion/fused-ops.ts';

/** The facts about the add-on that the planner needs. */
export type PlannerFacts = Pick<AddonFacts, 'channelBlock' | 'elementwiseOps' | 'activations'>;

/** Returns the capabilities of oneDNN and of the add-on's kernels. */
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
 * Describes how the ops and activations of an add-on built from other sources differ from those of the passes; undefined
 * if they agree. Plans use the numbers in the add-on's lists, so an op that it lacks would have no number.
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
    ...missing.map((name) => `it lacks ${what} '${name}'`),
    ...unknown.map((name) => `it has ${what} '${name}', which no longer exists`),
  ];
}
