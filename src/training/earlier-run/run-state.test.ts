import { mkdir, writeFile } from 'node:fs/promises';
import { describe, expect, it } from 'vitest';
import { temporaryFolder } from '../../../test/dataset-fixture.ts';
import { parseConfig } from '../../config/parse-config.ts';
import { formatMetrics, runFolder } from '../record/run-folder.ts';
import { isFinished, readRunState } from './run-state.ts';

const config = (...overrides: string[]) => parseConfig('', 'a', ['train.batchSize=4', ...overrides]);

describe('isFinished', () => {
  const line = { step: 12, epoch: 2, seconds: 60, valF: 0.5 };

  it('is so after the validation of the last step', () => {
    expect(isFinished(line, config('train.epochs=2'), 24)).toBe(true);
    expect(isFinished(line, config('train.epochs=2.5'), 24)).toBe(false);
    expect(isFinished({ step: 12, epoch: 2, seconds: 60 }, config('train.epochs=2'), 24)).toBe(false);
    expect(isFinished(line, config('train.minutes=1'), 24)).toBe(true);
    expect(isFinished(line, config('train.minutes=2'), 24)).toBe(false);
  });

  it('counts by epochs where the number of steps in an epoch was changed', () => {
    // 12 steps for 2 epochs, then 3 steps an epoch.
    const changed = { step: 18, epoch: 4, seconds: 60, valF: 0.5 };
    expect(isFinished(changed, config('train.batchSize=8', 'train.epochs=4'), 24)).toBe(true);
    expect(isFinished(changed, config('train.batchSize=8', 'train.epochs=4.4'), 24)).toBe(false);
  });

  it('rounds a part of an epoch as training does', () => {
    expect(isFinished({ step: 2, epoch: 2 / 6, seconds: 1, valF: 0.1 }, config('train.epochs=0.25'), 24)).toBe(true);
    expect(isFinished({ step: 2, epoch: 0.3333333, seconds: 1, valF: 0.1 }, config('train.epochs=0.25'))).toBe(true);
  });
});

describe('readRunState', () => {
  it('reads the last line and the best score, with the pairs used last', async () => {
    const folder = runFolder(await temporaryFolder());
    expect(await readRunState(folder, config())).toBeUndefined();
    await mkdir(folder.path, { recursive: true });
    const lines = [
      { step: 6, epoch: 1, seconds: 1, valF: 0.75 },
      { step: 18, epoch: 2, seconds: 2, valF: 0.5 },
    ];
    await writeFile(folder.metrics, formatMetrics(lines));
    const data = (pairs: number) => ({ folder: 'x', pairs, stemsSha256: '0'.repeat(64) });
    const resumes = [{ step: 6, trainingData: data(48) }];
    const environment = { parameters: 1, initialWeights: 'random, seed 0', trainingData: data(24), resumes };
    await writeFile(folder.environment, JSON.stringify(environment));
    const state = await readRunState(folder, config('train.epochs=2'));
    expect(state).toEqual({ isFinished: true, last: lines[1], hasCheckpoint: false, bestF: 0.75 });
    expect((await readRunState(folder, config('train.epochs=3')))?.isFinished).toBe(false);
  });

  it('says that a run stopped early only where it has steps left', async () => {
    const folder = runFolder(await temporaryFolder());
    await mkdir(folder.path, { recursive: true });
    await writeFile(
      folder.metrics,
      formatMetrics([{ step: 18, epoch: 3, seconds: 1, valF: 0.75, staleValidations: 2 }]),
    );
    const trainingData = { folder: 'x', pairs: 24, stemsSha256: '0'.repeat(64) };
    const environment = { parameters: 1, initialWeights: 'random, seed 0', trainingData };
    await writeFile(folder.environment, JSON.stringify(environment));
    const stateOf = (epochs: number) =>
      readRunState(folder, config(`train.epochs=${epochs}`, 'train.earlyStopping.patience=2'));
    expect(await stateOf(4)).toMatchObject({ isFinished: true, earlyStop: 'valF did not improve in 2 validations' });
    const whole = await stateOf(3);
    expect(whole).toMatchObject({ isFinished: true });
    expect(whole).not.toHaveProperty('earlyStop');
  });
});
