import { expect, it } from 'vitest';
import { z } from 'zod';
import { parseConfig } from '../config/parse-config.ts';
import { Graph } from '../graph/graph.ts';
import { reduceMean, scale } from '../graph/ops/reduction.ts';
import { combinedLoss } from './combined.ts';
import { defineLoss } from './definition.ts';
import { registerLoss } from './registry.ts';

const half = defineLoss({
  name: 'half',
  title: 'half of the mean',
  summary: 'half of the mean logit',
  defaultWeight: 0,
  settings: { halfPower: z.number().min(0).default(1).describe('Nothing') },
  mean: 'images',
  fused: false,
  symbol: 'H',
  works: {},
  text: () => ({ over: 'over all logits.', formula: '1.' }),
  build: (logits, _, { halfPower }) => scale(reduceMean(logits), 0.5 ** halfPower),
});

it('a registered loss has its keys in configurations, and is part of the sum', () => {
  expect(() => parseConfig('loss: {half: 1}')).toThrow(/half/);
  registerLoss(half);
  const { loss } = parseConfig('loss: {half: 2, halfPower: 3, dice: 0, crossEntropy: 0}');
  expect(loss).toMatchObject({ half: 2, halfPower: 3, dice: 0 });
  expect(parseConfig('').loss).toMatchObject({ half: 0, halfPower: 1 });
  expect(() => parseConfig('loss: {half: -1}')).toThrow(/loss\.half/);
  expect(() => parseConfig('loss: {hlaf: 1}')).toThrow(/did you mean .*half/);
  const graph = new Graph();
  const labels = graph.input('labels', [1, 2, 2], 'int32');
  const { parts } = combinedLoss(graph.input('logits', [1, 3, 2, 2]), labels, loss);
  expect([...parts.keys()]).toEqual(['half']);
});

it('a name that is taken, and a weight by default, are refused', () => {
  expect(() => registerLoss({ ...half, name: 'dice' })).toThrow(
    "the loss 'dice' needs the key loss.dice, which is taken",
  );
  expect(() => registerLoss({ ...half, name: 'auxiliary' })).toThrow(/loss\.auxiliary/);
  expect(() => registerLoss({ ...half, name: 'half3', defaultWeight: 1 })).toThrow(
    /the default weight .* is 1, but must be 0/,
  );
});

it.each<[string, object, string]>([
  ['a dotted name', { name: 'a.b' }, "a loss cannot have the key 'a.b'"],
  ['an empty name', { name: '' }, "a loss cannot have the key ''"],
  ['no name', { name: undefined }, "a loss cannot have the key 'undefined'"],
  ['a setting with its own name', { settings: { other: z.number().default(1) } }, 'loss.other, which is taken'],
  ['a setting that is no schema', { settings: { power: 1 } }, 'must be a schema of zod 4, not a number'],
  ['a setting without a default', { settings: { power: z.number() } }, 'needs a default value'],
  ['another mean', { mean: 'pixel' }, "is 'pixel', but must be 'pixels' or 'images'"],
  ['no build', { build: undefined }, 'must be a function'],
])('refuses %s, and configurations stay usable', (_, change, message) => {
  expect(() => registerLoss({ ...half, name: 'other', ...change } as never)).toThrow(message);
  expect(parseConfig('').loss.dice).toBeGreaterThanOrEqual(0);
});

it.each<[string, typeof half.build, string]>([
  ['vectorLoss', (logits) => reduceMean(logits, [2, 3]), "the loss 'vectorLoss' must build a scalar tensor, not 1×3"],
  ['emptyLoss', () => undefined as never, "the loss 'emptyLoss' must build a scalar tensor, not undefined"],
])('refuses what %s builds', (name, build, message) => {
  registerLoss({ ...half, name, settings: {}, build } as never);
  const graph = new Graph();
  const labels = graph.input('labels', [1, 2, 2], 'int32');
  const options = { crossEntropy: 0, dice: 0, [name]: 1 };
  expect(() => combinedLoss(graph.input('logits', [1, 3, 2, 2]), labels, options)).toThrow(message);
});
