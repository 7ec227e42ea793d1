import { expect, it } from 'vitest';
import { createModel, getArchitecture } from '../models/registry.ts';
import {
  challengeLimit,
  describeDefaults,
  describeLimit,
  describeSettings,
  encoderFacts,
  measureNetwork,
} from './network-facts.ts';

it('the limit of the challenge counts the auxiliary heads', () => {
  const compact = measureNetwork(createModel('compact', { classes: 19 }), [64, 128]);
  expect(compact).toMatchObject({ parameters: 1_790_931, trainingParameters: 1_794_940, underChallengeLimit: true });
  expect(compact.gigaMultiplyAccumulates[1]).toBeGreaterThan(3 * (compact.gigaMultiplyAccumulates[0] ?? 0));
  expect(describeLimit(compact)).toBe('under its limit of 1,821,085 parameters');
  // With 61 classes it fits without the heads, but not with them.
  const wide = measureNetwork(createModel('compact-deep', { classes: 61 }), [64]);
  expect([wide.parameters < challengeLimit, wide.trainingParameters < challengeLimit]).toEqual([true, false]);
  expect(describeLimit(wide)).toBe('under its limit of 1,821,085 parameters, but only without auxiliary heads');
  const unet = measureNetwork(createModel('unet', { classes: 19 }), [64]);
  expect(describeLimit(unet)).toBe('over its limit of 1,821,085 parameters');
});

it('settings are described with their defaults and choices', () => {
  const { settings: rules = {} } = getArchitecture('pspnet');
  expect(describeDefaults(rules)).toBe('depth 3, outputStride 8, dropout 0.2');
  expect(describeDefaults({})).toBe('');
  const { settings } = createModel('pspnet', { classes: 19, encoder: 'efficientnet-b0', depth: 4, outputStride: 16 });
  expect(describeSettings(rules, settings)).toEqual([
    'encoder efficientnet-b0',
    'depth 4 (3, 4 or 5)',
    'outputStride 16 (8 or 16)',
    'dropout 0.2',
    'stochasticDepth 0.2',
  ]);
});

it('encoders are described with variants and normalisation', () => {
  const facts = encoderFacts();
  expect(facts.find(({ name }) => name === 'timm-efficientnet-b0')).toMatchObject({ variantOf: 'efficientnet-b0' });
  expect(facts.find(({ name }) => name === 'resnet18')).toMatchObject({
    stochasticDepth: 0,
    mean: [0.485, 0.456, 0.406],
  });
});
