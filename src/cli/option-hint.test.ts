import { expect, it } from 'vitest';
import { optionHint } from './option-hint.ts';

it.each([
  [['train', 'compact', '--lr', '1e-3'], "error: unknown option '--lr'", 'train.lr=1e-3'],
  [['train', '--lr=1e-3'], "error: unknown option '--lr=1e-3'", 'train.lr=1e-3'],
  [['bench', '--batch-size', '4'], "error: unknown option '--batch-size'", 'train.batchSize=4'],
  [['config', '--epochs'], "error: unknown option '--epochs'", 'train.epochs=VALUE'],
  [['train', '--clip_norm', '--json'], "error: unknown option '--clip_norm'", 'train.clipNorm=VALUE'],
])('%j', (words, message, expected) => {
  expect(optionHint(message, words)).toBe(`to set a configuration key, write ${expected}`);
});

it.each([
  [['train', '--colour'], "error: unknown option '--colour'"],
  [['evaluate', '--lr', '1'], "error: unknown option '--lr'"],
  [['train', '--optimizer', 'sgd'], "error: unknown option '--optimizer'"],
  [['train'], "error: unknown command 'lr'"],
])('has no hint for %j', (words, message) => {
  expect(optionHint(message, words)).toBeUndefined();
});
