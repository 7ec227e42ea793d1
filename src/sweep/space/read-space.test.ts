import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { temporaryFolder } from '../../../test/dataset-fixture.ts';
import { findConfigFile } from '../../config/bundled-configs.ts';
import { loadSweep } from '../load-sweep.ts';
import { readSpace } from './read-space.ts';

const files = { overrides: [], metric: 'valF' as const, factor: 3, seed: 0 };

async function load(text: string, overrides: string[] = [], config = 'train: {size: 64}\n') {
  const folder = await temporaryFolder();
  await mkdir(folder, { recursive: true });
  const [space, base] = [join(folder, 'space.yaml'), join(folder, 'base.yaml')];
  await writeFile(space, text);
  await writeFile(base, config);
  return { space, sweep: loadSweep({ ...files, config: base, overrides, space }, 24) };
}

/** The faults of a space file, without its name. */
async function faultsOf(text: string, overrides: string[] = [], config?: string): Promise<string[]> {
  const { space, sweep } = await load(text, overrides, config);
  const error = await sweep.then(
    () => ({ message: '', faults: [] }),
    (cause) => cause,
  );
  const faults: string[] = error.faults.length > 0 ? error.faults : [error.message];
  return faults.map((fault) => fault.replaceAll(`${space}:`, ''));
}

describe('loadSweep', () => {
  it('reads distributions of all kinds, and lists as choices', async () => {
    const { sweep } = await load(`space:
  train.lr: {logUniform: [1e-4, 1e-2]}
  train.optimizer.kind: [adamw, sgd]
  loss.dice: {uniform: [0, 2], step: 0.5}
  train.batchSize: {logInt: [1, 64]}
  data.augmentation.flip: {choice: [0, 0.5]}
  train.accumulate: {int: [1, 4]}
  train.stages: [[], [{until: 0.5, size: 32}]]
`);
    expect((await sweep).space).toEqual([
      { key: 'train.lr', distribution: { kind: 'logUniform', low: 1e-4, high: 1e-2 } },
      { key: 'train.optimizer.kind', distribution: { kind: 'choice', values: ['adamw', 'sgd'] } },
      { key: 'loss.dice', distribution: { kind: 'uniform', low: 0, high: 2, step: 0.5 } },
      { key: 'train.batchSize', distribution: { kind: 'logInt', low: 1, high: 64 } },
      { key: 'data.augmentation.flip', distribution: { kind: 'choice', values: [0, 0.5] } },
      { key: 'train.accumulate', distribution: { kind: 'int', low: 1, high: 4 } },
      { key: 'train.resolutions', distribution: { kind: 'choice', values: [[], [{ until: 0.5, size: 32 }]] } },
    ]);
  });

  it('lists all faults at once, each with its line', async () => {
    const text = `spce: 3
space:
  train.lrr: {logUniform: [1e-4, 1e-1]}
  train.lr: {logUniform: [1e-4, 20]}
  train.optimizer.kind: [adamw, sgdd]
  train.optimizer: [adamw]
  loss.dice: {uniform: [2, 0]}
  loss.lovasz: {log_uniform_values: [1, 2]}
  loss.crossEntropy: {logUniform: [0, 1]}
  train.batchSize: {uniform: [2, 8]}
  train.epochs: [2, 4]
  engine.threads: [1, 2]
  train.size:
    int: [32, 64]
    step: 0.5
  train.warmup: {min: 0, max: 1}
  train.clipNorm: 3
  train.averageDecay: [0.9, 0.99, 0.9]
  train.finalShare: {uniform: [0, 1], int: [0, 1]}
  loss.labelSmoothing: {uniform: [0.1]}
`;
    expect(await faultsOf(text)).toEqual([
      "1: unknown key 'spce'; did you mean 'space'?",
      "3: unknown key 'train.lrr'; did you mean 'train.lr'?",
      '4: train.lr is 20, but must be a number above 0, at most 10',
      `5: train.optimizer.kind is "sgdd", but must be adamw, adam, sgd or muon; did you mean 'sgd'?`,
      '6: train.optimizer is a group of keys; write the whole path of one of them, such as train.optimizer.kind',
      '7: loss.dice: uniform: [2, 0] is empty; write the smaller number first',
      "8: loss.lovasz: unknown distribution 'log_uniform_values'; did you mean 'logUniform'?",
      '9: loss.crossEntropy: logUniform: [0, 1] needs a lower end above 0, because a logarithm has no other',
      '10: train.batchSize takes whole numbers; use int',
      '11: train.epochs cannot be searched: successive halving decides how long a trial is trained; the config sets the whole length',
      '12: engine.threads cannot be searched: it is where a trial is trained, not what; pass --engine, --device or --threads',
      '15: train.size: step is 0.5, but must be a whole number for int',
      '16: train.warmup: a range is a list of both ends; write {uniform: [min, max]}, or another distribution',
      '17: train.clipNorm is 3, but must be a distribution, such as {logUniform: [1e-4, 1e-2]}, or a list of choices',
      '18: train.averageDecay: entry 3 of the choices repeats 0.9; remove one of them',
      '19: train.finalShare has uniform and int, but must have one of choice, uniform, logUniform, int and logInt',
      '20: loss.labelSmoothing: uniform is a list (1 entries), but must be two numbers, such as uniform: [0, 2]',
    ]);
  });

  it('accepts values that need other values of the space, and refuses those that nothing fits', async () => {
    const both = 'space:\n  model.name: [compact, unet]\n  model.encoder: [resnet18]\n';
    const { sweep } = await load(both);
    const { sampler } = await sweep;
    const settings = sampler.settingsOf(1)!;
    expect([...settings.values()]).toEqual(['unet', 'resnet18']);
    expect(sampler.settingsOf(2)).toBeUndefined();
  });

  it.each<[string, RegExp]>([
    ['', /a space file has the key space .*; this file is empty$/],
    ['name: a\ntrain: {lr: 1e-3}\n', /a space file has the key space .*; this file looks like a configuration$/],
    ['train.lr: [1, 2]\n', /^1: 'train\.lr' is outside of space; indent it below the key space$/],
    ['space: []\n', /^1: space is an empty list, but must be a map from keys to distributions/],
    ['space: {train.lr: []}\n', /^1: train\.lr: choice is an empty list, but must be a list of values/],
    ['space: {model.encoder: [resnet18]}\n', /^1: model\.encoder: compact takes no encoder/],
    [
      'space: {train.size: [64, 100]}\n',
      /^1: train\.size=100: .* multiples of 32, not 100×100; the nearest to 100 are 96 and 128$/,
    ],
    ['space: {data.labels: [face-8]}\n', /^1: data\.labels cannot be searched: F over other classes is another score$/],
    [
      'space: {validation.every: [1, 2]}\n',
      /^1: validation\.every cannot be searched: all trials must be validated alike/,
    ],
    [
      'space: {train.lr: {uniform: [1, 2], step: 3}}\n',
      /^1: train\.lr: step is 3, but must be a number above 0, at most/,
    ],
    [
      'space: {train.lr: {logUniform: [1, 2], step: 1}}\n',
      /^1: train\.lr: logUniform takes no step; only uniform and int/,
    ],
    ['space: {train.lr: {int: [1, 1]}}\n', /has only one value; set it in the configuration instead$/],
  ])('refuses %j', async (text, message) => {
    const faults = await faultsOf(text);
    expect(faults).toHaveLength(1);
    expect(faults[0]).toMatch(message);
  });

  it('refuses configurations that a sweep cannot shorten, and losses that cannot be compared', async () => {
    const text = 'space: {loss.dice: [0, 1]}\n';
    expect(await faultsOf(text, ['train.minutes=3'])).toEqual([
      expect.stringMatching(/train\.minutes is 3, but a sweep measures trials in epochs/),
    ]);
    const { space } = await load(text);
    const sweep = loadSweep({ ...files, space, metric: 'valLoss' }, 24);
    await expect(sweep).rejects.toThrow(/valLoss cannot compare trials with different losses, .* loss\.dice/);
  });

  it('takes the space that is bundled', async () => {
    const space = await findConfigFile('sweep-space', 'space');
    const sweep = await loadSweep({ ...files, config: await findConfigFile('compact'), space }, 1000);
    expect(sweep.space.length).toBeGreaterThan(5);
    await expect(findConfigFile('sweep-spce', 'space')).rejects.toThrow(
      "search space sweep-spce not found; did you mean 'sweep-space'?",
    );
  });
});

it('gives the line of a key under its former name', () => {
  const { locate } = readSpace('space:\n  train.lr: [1]\n  train.stages: [[]]\n', 's.yaml');
  expect([locate('train.lr'), locate('train.resolutions')]).toEqual(['s.yaml:2', 's.yaml:3']);
});
