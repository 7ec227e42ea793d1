import { CommanderError } from 'commander';
import { describe, expect, it } from 'vitest';
import { createProgram } from './program.ts';
import { optionHint, usageMessage } from './usage-hint.ts';

/** The message that the words of a command line give. */
async function messageOf(line: string): Promise<string> {
  const words = line.split(' ');
  const program = createProgram();
  try {
    await program.parseAsync(words, { from: 'user' });
  } catch (error) {
    if (error instanceof CommanderError) return usageMessage(error, program, words);
    throw error;
  }
  return expect.unreachable();
}

it.each([
  ['eval', "error: unknown command 'eval' (Did you mean evaluate?)"],
  ['--debug eval', "error: unknown command 'eval' (Did you mean evaluate?)"],
  ['data synth', "error: unknown command 'synth' (Did you mean synthesize?)"],
  ['zzzzzzzz', "error: unknown command 'zzzzzzzz'"],
  ['help trian', "error: unknown command 'trian' (Did you mean train?)"],
  ['help data chek', "error: unknown command 'chek' (Did you mean check?)"],
  [
    'evaluate runs/a runs/b',
    "error: too many arguments for 'evaluate'. Expected 1 argument but got 2. " +
      'Evaluate one run at a time, or compare runs with faceparse report RUN RUN',
  ],
  ['models a b', "error: too many arguments for 'models'. Expected 1 argument but got 2."],
  ['train --lr 1e-3', "error: unknown option '--lr'; to set a configuration key, write train.lr=1e-3"],
])('%s', async (line, message) => {
  expect(await messageOf(line)).toBe(message);
});

describe('optionHint', () => {
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
});
