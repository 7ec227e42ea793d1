import { describe, expect, it } from 'vitest';
import { parseConfig } from '../../config/parse-config.ts';
import { convergence } from '../sections/curves.ts';
import type { RunFacts } from './run-facts.ts';
import { epochOf, isAtEnd, sizeSteps, validationsAtLastSize } from './run-progress.ts';

const resolutions = 'train.resolutions=[{until: 0.5, size: 64}]';

/** A run of ten steps an epoch with a validation at each epoch given. */
function runOf(overrides: readonly string[], scores: readonly (readonly [epoch: number, f: number])[]): RunFacts {
  const config = parseConfig('', '', ['train.epochs=20', 'train.size=128', ...overrides]);
  const metrics = scores.map(([epoch, valF]) => ({ step: epoch * 10, epoch, seconds: epoch * 5, valF }));
  return { folder: 'x', name: 'x', config, environment: { faceparse: '', cpu: '' }, metrics };
}

describe('the progress of a run', () => {
  it('lists the sizes that the run reached and assigns a validation at a boundary to the previous size', () => {
    const run = runOf(
      [resolutions],
      [
        [5, 0.5],
        [10, 0.6],
        [15, 0.7],
      ],
    );
    expect(sizeSteps(run)).toEqual([
      { epoch: 0, size: 64 },
      { epoch: 10, size: 128 },
    ]);
    expect(validationsAtLastSize(run).map(({ epoch }) => epoch)).toEqual([15]);
    expect(sizeSteps({ ...run, metrics: run.metrics.slice(0, 2) })).toEqual([{ epoch: 0, size: 64 }]);
    expect(isAtEnd(run)).toBe(false);
    expect(epochOf(25, run)).toBe(2.5);
  });

  it('follows the settings that were in force at each step', () => {
    // 5 epochs at first: 64² until epoch 2.5. At step 40 (epoch 4), 20 epochs: 64² again until epoch 10.
    const changes = [{ key: 'train.epochs', from: 5, to: 20 }];
    const engine = { name: 'native', device: 'cpu', threads: 1 };
    const run = runOf(
      [resolutions],
      [1, 2, 3, 4, 5, 9, 10, 11].map((epoch) => [epoch, 0.5] as const),
    );
    const environment = { ...run.environment, resumes: [{ step: 40, cpu: '', engine, changes }] };
    expect(sizeSteps({ ...run, environment })).toEqual([
      { epoch: 0, size: 64 },
      { epoch: 2, size: 128 },
      { epoch: 4, size: 64 },
      { epoch: 10, size: 128 },
    ]);
  });

  it('counts epochs where a resume changed the steps of an epoch', () => {
    const metrics = [
      { step: 12, epoch: 2, seconds: 1, valF: 0.5 },
      { step: 18, epoch: 4, seconds: 2, valF: 0.5 },
    ];
    expect([epochOf(12, { metrics }), epochOf(6, { metrics }), epochOf(18, { metrics })]).toEqual([2, 1, 4]);
    const trainingData = { folder: 'x', pairs: 24 };
    const { config, environment } = runOf(['train.epochs=4', 'train.batchSize=8'], []);
    expect(isAtEnd({ config, metrics, environment: { ...environment, trainingData } })).toBe(true);
    const resumes = [{ step: 12, cpu: '', engine: { name: 'a', device: 'cpu', threads: 1 }, trainingData }];
    const other = { ...environment, trainingData: { folder: 'y', pairs: 999 }, resumes };
    expect(isAtEnd({ config, metrics, environment: other })).toBe(true);
  });

  it('is finished after the validation of the last step, however short the run is', () => {
    const run = runOf(['train.epochs=1'], [[1, 0.5]]);
    expect(isAtEnd(run)).toBe(true);
    expect(isAtEnd({ ...run, metrics: [{ step: 7, epoch: 0.7, seconds: 3, valF: 0.5 }] })).toBe(false);
    expect(isAtEnd({ ...run, metrics: [{ step: 10, epoch: 1, seconds: 5 }] })).toBe(false);
  });
});

describe('convergence', () => {
  const dip = [
    [10, 0.8],
    [14, 0.7],
    [18, 0.8],
    [20, 0.801],
  ] as const;

  it('compares validations at the last size over the last tenth of the run', () => {
    expect(convergence({ run: runOf([resolutions, 'train.schedule=constant'], dip) })).toBe(
      'From epoch 18 to 20, the end of training, validation F rose from 0.8000 to 0.8010: training had levelled off.',
    );
  });

  it.each([
    ['train.schedule=cosine', 0.801, ': it levelled off as the learning rate decayed to 0.'],
    ['train.schedule=cosine', 0.81, ' as the learning rate decayed to 0.'],
    ['train.finalShare=0.01', 0.801, ': it levelled off as the learning rate decayed to nearly 0.'],
    ['train.finalShare=0.1', 0.81, ': longer training might still help.'],
    ['train.schedule=constant', 0.79, ': shorter training would have sufficed.'],
  ])('with %s and %d at the end says%s', (override, last, said) => {
    const text = convergence({ run: runOf([resolutions, override], [...dip.slice(0, 3), [20, last]]) })!;
    expect(text.endsWith(said), text).toBe(true);
  });

  it('is omitted for an unfinished run and for few validations at the last size', () => {
    expect(convergence({ run: runOf([resolutions], dip.slice(0, 3)) })).toBeUndefined();
    expect(convergence({ run: runOf([resolutions], [dip[0], dip[2], dip[3]]) })).toBeUndefined();
  });
});
