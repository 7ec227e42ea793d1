import { describe, expect, it } from 'vitest';
import { activationKinds } from '../../graph/ops/activation.ts';
import type { AddonFacts } from '../../native-addon/addon.ts';
import { elementwiseOps } from '../fusion/fused-ops.ts';
import { describeMismatch, nativeCapabilities } from './capabilities.ts';

const facts: AddonFacts = {
  oneDnn: '3.7.0',
  oneDnnInstructionSet: 'avx2',
  kernelInstructionSet: 'avx2',
  channelBlock: 8,
  elementwiseOps: elementwiseOps,
  activations: ['none', ...activationKinds],
  convolutionActivations: ['none', 'relu', 'silu'],
  maxElementwiseValues: 96,
  maxGradientTerms: 4,
};

describe('nativeCapabilities', () => {
  it('are those of the add-on', () => {
    expect(nativeCapabilities(facts)).toMatchObject({
      convolutionActivations: ['relu', 'silu'],
      elementwiseValues: 96,
      gradientTerms: 4,
    });
  });
});

describe('describeMismatch', () => {
  it('finds none where the add-on has the same names, in whatever order', () => {
    expect(describeMismatch({ ...facts, elementwiseOps: [...facts.elementwiseOps].reverse() })).toBeUndefined();
  });

  it('names what an add-on of other sources lacks or has', () => {
    const other = facts.elementwiseOps.filter((name) => name !== 'greater');
    expect(describeMismatch({ ...facts, elementwiseOps: other })).toBe("it lacks the elementwise op 'greater'");
    expect(describeMismatch({ ...facts, activations: [...facts.activations, 'mish'] })).toBe(
      "it has the activation 'mish', which no longer exists",
    );
  });

  it('tells an add-on from before there were lists', () => {
    const { elementwiseOps: _, activations: __, ...old } = facts;
    expect(describeMismatch(old)).toMatch(/^it lacks the elementwise op 'add'; .*the activation 'relu'/);
  });
});
