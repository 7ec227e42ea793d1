import { describe, expect, it } from 'vitest';
import { parseConfig } from '../config/parse-config.ts';
import { describeEarlyStop, ScoreWatch, type WatchState } from './score-watch.ts';

const trainOf = (...overrides: string[]) => parseConfig('', 'a', overrides).train;
const scoresOf = (valF: number, valLoss = 1) => ({
  valF,
  valLoss,
  valMacroF1: 0,
  valMacroF1NoBackground: 0,
  valMacroIou: 0,
  valPixelAccuracy: 0,
});
const plateau = ['train.schedule=plateau', 'train.scheduleOptions.patience=0', 'train.scheduleOptions.factor=0.5'];
const stopping = 'train.earlyStopping.patience=2';

describe('ScoreWatch', () => {
  it('watches nothing by default', () => {
    const watch = new ScoreWatch(trainOf());
    expect(watch.add(scoresOf(0.5))).toEqual({});
    expect(watch).toMatchObject({ state: undefined, reduction: 1 });
  });

  it('reduces the learning rate down to the final share', () => {
    const watch = new ScoreWatch(trainOf(...plateau, 'train.finalShare=0.3'));
    const reductions = [0.5, 0.5, 0.6, 0.6, 0.6].map((valF) => {
      watch.add(scoresOf(valF));
      return watch.reduction;
    });
    expect(reductions).toEqual([1, 0.5, 0.5, 0.3, 0.3]);
  });

  it('counts validations without an improvement of more than minDelta, for scores and losses', () => {
    const counts = (values: readonly number[], ...overrides: string[]) => {
      const watch = new ScoreWatch(trainOf(stopping, ...overrides));
      return values.map((value) => watch.add({ ...scoresOf(value, value) }).staleValidations);
    };
    expect(counts([0.5, 0.6, 0.6, Number.NaN, 0.7])).toEqual([0, 0, 1, 2, 0]);
    expect(counts([0.5, 0.58, 0.61, 0.62], 'train.earlyStopping.minDelta=0.1')).toEqual([0, 1, 0, 1]);
    expect(counts([3, 2, 2.5, 2, 1.9], 'train.earlyStopping.watch=valLoss')).toEqual([0, 0, 1, 2, 0]);
    const watch = new ScoreWatch(trainOf(stopping, 'train.earlyStopping.watch=valMacroF1NoBackground'));
    const stale = [0.1, 0.2, 0.2].map(
      (value) => watch.add({ ...scoresOf(0.5), valMacroF1NoBackground: value }).staleValidations,
    );
    expect(stale).toEqual([0, 0, 1]);
    expect(counts([Number.NaN, Number.POSITIVE_INFINITY, 0.1])).toEqual([1, 2, 0]);
  });

  it('continues from its state after it was stored as JSON, bit by bit', () => {
    const values = [0.5, 0.5000001, 0.4, 0.7, 1 / 3, 0.7, 0.70001];
    const train = trainOf(...plateau, stopping, 'train.scheduleOptions.cooldown=1');
    const whole = new ScoreWatch(train);
    const lines = values.map((value) => whole.add(scoresOf(value)));
    let state: WatchState | undefined;
    values.forEach((value, index) => {
      const watch = new ScoreWatch(train, state);
      expect(watch.add(scoresOf(value))).toEqual(lines[index]);
      state = JSON.parse(JSON.stringify(watch.state));
    });
    expect(state).toEqual(whole.state);
  });

  it('searches for the best score again where scores cannot be compared, and keeps the learning rate', () => {
    const train = trainOf(...plateau, stopping);
    const watch = new ScoreWatch(train);
    for (const value of [0.9, 0.9, 0.9]) watch.add(scoresOf(value));
    const saved = watch.state;
    const fresh = {
      plateau: { watch: 'valF', reduction: 0.25, bad: 0, cooldown: 0 },
      earlyStopping: { watch: 'valF', stale: 0 },
    };
    expect(new ScoreWatch(train, saved).state).toEqual(saved);
    expect(new ScoreWatch(train, saved, () => false).state).toEqual(fresh);
    const others = ['train.scheduleOptions.watch=valLoss', 'train.earlyStopping.watch=valLoss'];
    expect(new ScoreWatch(trainOf(...plateau, stopping, ...others), saved).state).toEqual({
      plateau: { ...fresh.plateau, watch: 'valLoss' },
      earlyStopping: { watch: 'valLoss', stale: 0 },
    });
    // Without a plateau the rate is that of the new schedule.
    expect(new ScoreWatch(trainOf(), saved)).toMatchObject({ state: undefined, reduction: 1 });
  });
});

describe('describeEarlyStop', () => {
  it('gives the reason once the patience is over, by the settings in force', () => {
    const config = (...overrides: string[]) => parseConfig('', 'a', overrides);
    const line = { step: 9, epoch: 3, seconds: 1, valF: 0.5, staleValidations: 2 };
    expect(describeEarlyStop(line, config(stopping))).toBe('valF did not improve in 2 validations');
    expect(describeEarlyStop({ ...line, staleValidations: 1 }, config('train.earlyStopping.patience=1'))).toBe(
      'valF did not improve in 1 validation',
    );
    expect(describeEarlyStop(line, config('train.earlyStopping.patience=3'))).toBeUndefined();
    expect(describeEarlyStop(line, config())).toBeUndefined();
    expect(describeEarlyStop({ step: 9, epoch: 3, seconds: 1 }, config(stopping))).toBeUndefined();
  });
});
