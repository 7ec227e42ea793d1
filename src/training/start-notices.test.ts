import { describe, expect, it } from 'vitest';
import { parseConfig } from '../config/parse-config.ts';
import { initialPlateau, nextPlateau } from '../optim/plateau.ts';
import { RunProgress } from './record/run-progress.ts';
import { ScoreWatch } from './score-watch.ts';
import { canStopEarly, startNotices } from './start-notices.ts';

const config = (...overrides: string[]) => parseConfig('', 'a', overrides);

describe('startNotices', () => {
  it('has nothing to say about a plain run', () => {
    expect(startNotices(config(), { validations: 15 })).toEqual([]);
    expect(startNotices(config('train.minutes=3'), { validations: undefined })).toEqual([]);
  });

  it('says that early stopping cannot act, and from which patience on it can', () => {
    const notices = (patience: number, validations?: number) =>
      startNotices(config(`train.earlyStopping.patience=${patience}`), { validations });
    expect(notices(5, 6)).toEqual([
      'train.earlyStopping.patience=5 has no effect in a run of 6 validations; use at most 4, or lower validation.every',
    ]);
    expect(notices(4, 6)).toEqual([]);
    expect(notices(1, 2)).toEqual([
      'train.earlyStopping.patience=1 has no effect in a run of 2 validations; lower validation.every',
    ]);
    expect(notices(100)).toEqual([]);
  });

  it('counts as early stopping does', () => {
    const { train } = config('train.earlyStopping.patience=4');
    const watch = new ScoreWatch(train);
    const scores = {
      valF: 0.5,
      valMacroF1: 0,
      valMacroF1NoBackground: 0,
      valMacroIou: 0,
      valPixelAccuracy: 0,
      valLoss: 1,
    };
    const counts = [1, 2, 3, 4, 5].map(() => watch.add(scores).staleValidations);
    // It stops after the fifth, which is earlier than the end only if there is a sixth.
    expect(counts.indexOf(4)).toBe(4);
    expect([5, 6].map((validations) => canStopEarly(train, validations))).toEqual([false, true]);
  });

  it('says that a plateau cannot act', () => {
    const plateau = (patience: number, ...more: string[]) =>
      config('train.schedule=plateau', `train.scheduleOptions.patience=${patience}`, ...more);
    expect(startNotices(plateau(2), { validations: 4 })).toEqual([
      'train.schedule=plateau never reduces the learning rate: train.scheduleOptions.patience is 2 and the run has 4 validations; use at most 1, or lower validation.every',
    ]);
    expect(startNotices(plateau(1), { validations: 4 })).toEqual([]);
    let state = initialPlateau;
    const options = { ...plateau(1).train.scheduleOptions, higherIsBetter: true, floor: 0 };
    const reductions = [1, 2, 3].map(() => {
      state = nextPlateau(state, 0.5, options);
      return state.reduction;
    });
    expect(reductions).toEqual([1, 1, 0.1]);
    expect(startNotices(plateau(0), { validations: 2 })).toEqual([
      'train.schedule=plateau never reduces the learning rate: train.scheduleOptions.patience is 0 and the run has 2 validations; lower validation.every',
    ]);
    expect(startNotices(plateau(1, 'train.finalShare=1'), { validations: undefined })).toEqual([
      'train.schedule=plateau never reduces the learning rate, because train.finalShare is 1',
    ]);
  });

  it('says what minutes mean besides epochs and in a resumed run', () => {
    const both = config('train.minutes=10', 'train.epochs=40');
    expect(startNotices(both, { validations: undefined })).toEqual([
      'train.minutes=10 sets the length of the run; train.epochs=40 has no effect',
    ]);
    expect(startNotices(both, { validations: undefined, secondsSoFar: 240 })).toEqual([
      'train.minutes=10 is the length of the whole run: 4 min are done, 6 min are left',
    ]);
    expect(startNotices(both, { validations: undefined, secondsSoFar: 600 })).toEqual([]);
  });

  it('says where a new run starts, but not a resumed one', () => {
    const frozen = config('train.freeze.batchNorm=all');
    expect(startNotices(frozen, { validations: 3 })).toEqual([
      expect.stringMatching(/^train\.freeze\.batchNorm=all: /),
    ]);
    expect(startNotices(frozen, { validations: 3, secondsSoFar: 0 })).toEqual([]);
  });
});

it('the validations of a run are counted as training makes them', () => {
  const count = (...overrides: string[]) => new RunProgress(config('train.batchSize=2', ...overrides), 8).validations;
  expect(count('train.epochs=6', 'validation.every=2')).toBe(3);
  expect(count('train.epochs=7', 'validation.every=2')).toBe(4);
  expect(count('train.epochs=1', 'validation.every=0.1')).toBe(4);
  expect(count('train.minutes=1')).toBeUndefined();
});
