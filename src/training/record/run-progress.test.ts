import { describe, expect, it } from 'vitest';
import { parseConfig } from '../../config/parse-config.ts';
import { RunProgress, stepsInEpochs } from './run-progress.ts';

const progress = (pairs: number, ...overrides: string[]) => new RunProgress(parseConfig('', 'a', overrides), pairs);

describe('RunProgress', () => {
  it('counts steps as epochs, and as a share of the length', () => {
    const run = progress(24, 'train.batchSize=4', 'train.epochs=4');
    run.step = 9;
    expect([run.place, run.epoch, run.share, run.isOver]).toEqual([9, 1.5, 9 / 24, false]);
    run.step = 24;
    expect(run.isOver).toBe(true);
  });

  it('goes on where it was if an epoch has as many steps as before', () => {
    const run = progress(24, 'train.batchSize=4', 'train.epochs=4');
    run.continueFrom({ step: 9, seconds: 7, offset: -2, stepsPerEpoch: 6 });
    expect([run.step, run.seconds, run.offset, run.epoch]).toEqual([9, 7, -2, 7 / 6]);
  });

  it('keeps the epoch if an epoch has fewer or more steps, at the next whole batch', () => {
    const larger = progress(24, 'train.batchSize=8', 'train.epochs=4');
    larger.continueFrom({ step: 12, seconds: 0, offset: 0, stepsPerEpoch: 6 });
    expect([larger.step, larger.place, larger.epoch]).toEqual([12, 6, 2]);
    // 7 of 6 steps are 3.5 of 3: half a batch is left out, and no image comes twice.
    larger.continueFrom({ step: 7, seconds: 0, offset: 0, stepsPerEpoch: 6 });
    expect([larger.place, larger.epoch]).toEqual([4, 4 / 3]);
    const smaller = progress(24, 'train.batchSize=2', 'train.epochs=4');
    smaller.continueFrom({ step: 7, seconds: 0, offset: 0, stepsPerEpoch: 6 });
    expect([smaller.step, smaller.place, smaller.epoch]).toEqual([7, 14, 7 / 6]);
    // And once more, back to the first.
    const again = progress(24, 'train.batchSize=4', 'train.epochs=4');
    again.continueFrom({ step: 9, seconds: 0, offset: smaller.offset, stepsPerEpoch: smaller.stepsPerEpoch });
    expect([again.step, again.place]).toEqual([9, 8]);
  });

  it('has at least one step', () => {
    expect([stepsInEpochs(0.01, 6), stepsInEpochs(0.25, 6), stepsInEpochs(2, 6)]).toEqual([1, 2, 12]);
  });
});
