import { describe, expect, it } from 'vitest';
import { parseConfig } from '../../config/parse-config.ts';
import { configBefore, describeChange, requirePossible, settingChanges } from './setting-changes.ts';

const config = (...overrides: string[]) => parseConfig('', 'a', overrides);

describe('settingChanges', () => {
  it('lists keys with both values, and leaves out what is not set, and the engine', () => {
    const changes = settingChanges(
      config('train.minutes=3', 'train.lr=1e-3'),
      config('train.lr=5e-4', 'engine.threads=1', 'validation.limit=4'),
    );
    expect(changes).toEqual([
      { key: 'train.minutes', from: 3 },
      { key: 'train.lr', from: 1e-3, to: 5e-4 },
      { key: 'validation.limit', to: 4 },
    ]);
    expect(changes.map(describeChange)).toEqual([
      'train.minutes from 3 to unset',
      'train.lr from 0.001 to 0.0005',
      'validation.limit from unset to 4',
    ]);
  });
});

describe('configBefore', () => {
  it('takes back what was changed at a step or later, the last change first', () => {
    const resumes = [
      { step: 5, changes: [{ key: 'train.lr', from: 1e-3, to: 2e-3 }] },
      { step: 9, changes: [{ key: 'validation.limit', to: 4 }] },
      { step: 9, changes: [{ key: 'train.lr', from: 2e-3, to: 3e-3 }] },
      { step: 12 },
    ];
    const now = config('train.lr=3e-3', 'validation.limit=4');
    expect(configBefore(now, { resumes }, 13)).toEqual(now);
    expect(configBefore(now, { resumes }, 9)).toEqual(config('train.lr=2e-3'));
    expect(configBefore(now, { resumes }, 5)).toEqual(config('train.lr=1e-3'));
    // The current one stays as it is, and where a change was recorded but not made, nothing is lost.
    expect(now.train.lr).toBe(3e-3);
    expect(configBefore(config('train.lr=2e-3'), { resumes }, 9)).toEqual(config('train.lr=2e-3'));
    expect(configBefore(now, {}, 0)).toEqual(now);
    const strange = [
      {
        step: 1,
        changes: [
          { key: '__proto__.polluted', from: 1 },
          { key: 'train.none', from: 1 },
        ],
      },
    ];
    expect(configBefore(now, { resumes: strange }, 0)).toEqual(now);
    expect('polluted' in {}).toBe(false);
  });
});

describe('requirePossible', () => {
  const change = (from: string[], to: string[]) => () => requirePossible(config(...from), config(...to), 'runs/a');

  it.each([
    [['train.epochs=200']],
    [['train.lr=1e-4', 'train.schedule=constant']],
    [['train.batchSize=16', 'train.accumulate=2']],
    [['train.size=128', 'train.resolutions=[{until: 0.5, size: 64}]']],
    [['train.averageDecay=0']],
    [['train.optimizer.momentum=0', 'train.optimizer.beta1=0.8']],
    [['loss.lovasz=1', 'data.workers=3', 'data.augmentation.flip=0', 'data.repair=false', 'validation.every=7']],
    [['train.schedule=plateau', 'train.scheduleOptions.factor=0.5', 'train.earlyStopping.patience=5']],
    [['train.schedule=onecycle', 'train.scheduleOptions.peakAt=0.4', 'train.encoderLrFactor=0.1']],
    [['train.optimizer.kind=adam']],
    [['parameters.limit=5000000', 'train.checkpointMinutes=1']],
  ])('lets %j change', (to) => {
    expect(change([], to)).not.toThrow();
    expect(change(to, [])).not.toThrow();
  });

  it('lets strengths change that are on or off for a whole run', () => {
    const sgd = 'train.optimizer.kind=sgd';
    expect(change(['loss.auxiliary=0.3'], ['loss.auxiliary=0.4'])).not.toThrow();
    expect(change([sgd], [sgd, 'train.optimizer.momentum=0.8'])).not.toThrow();
    expect(change([sgd], [sgd, 'train.optimizer.momentum=0'])).toThrow(
      /momentum cannot change from 0\.9 to 0 .*SGD keeps/,
    );
    expect(change(['loss.auxiliary=0.3'], [])).toThrow(/loss\.auxiliary cannot change from 0\.3 to 0 /);
  });

  it('says why not, and the command that does what is wanted', () => {
    expect(change([], ['train.seed=3'])).toThrow(
      'train.seed cannot change from 0 to 3 when a run is resumed: its initial weights and the order of its images come ' +
        'from the seed; begin a new run from its weights: faceparse train runs/a/config.yaml train.init=runs/a train.seed=3 --name NEW --data DATA',
    );
    expect(change(['model.name=mobile-unet'], ['model.name=compact'])).toThrow(
      'the weights of the run belong to the network mobile-unet; train a new run: faceparse train runs/a/config.yaml model.name=compact --name NEW',
    );
    expect(change(['data.folds=5'], ['data.folds=5', 'data.fold=2'])).toThrow(
      'data.fold cannot change from 0 to 2 when a run is resumed: a run keeps the pairs that it holds out, so that they stay ' +
        'unseen; train a new run: faceparse train runs/a/config.yaml data.fold=2 --name NEW --data DATA',
    );
    expect(change(['train.freeze.encoder=true'], [])).toThrow(
      'train.freeze.encoder cannot change from true to false when a run is resumed: the state of its optimiser belongs to the ' +
        'parameters that it has trained so far; begin a new run from its weights: faceparse train runs/a/config.yaml ' +
        'train.init=runs/a train.freeze.encoder=false --name NEW --data DATA',
    );
    expect(change([], ['train.freeze.batchNorm=all'])).toThrow(/freeze\.batchNorm cannot change from none to all /);
    expect(change(['train.optimizer.kind=adam'], ['train.optimizer.kind=sgd'])).toThrow(/belongs to adam; begin/);
    expect(change(['train.init=x'], [])).toThrow(
      /cannot change from x to unset .*: faceparse train \S+ train\.init=null --name/,
    );
  });
});
