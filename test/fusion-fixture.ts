import type { FusionCapabilities } from '../src/engine/fusion/capabilities.ts';

/** Capabilities like those of the native engine, for tests of the passes by themselves. */
export const testCapabilities: FusionCapabilities = {
  convolutionActivations: ['relu', 'relu6', 'sigmoid', 'silu', 'hardSwish'],
  gradientTerms: 4,
  elementwiseValues: 96,
  elementwiseDistance: 40,
  smallSize: 2 ** 14,
};
