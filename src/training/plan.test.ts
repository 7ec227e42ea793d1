import { describe, expect, it } from 'vitest';
import { parseConfig } from '../config/parse-config.ts';
import { stateAttributes, trainableStates } from '../graph/graph.ts';
import { FaceparseError } from '../text/errors.ts';
import { finalResolution, fitBatches, planTraining, resolutionAt, workDone } from './plan.ts';

const small = ['model.name=mobile-unet', 'train.size=32', 'train.batchSize=2'];
const plan = (...overrides: string[]) => planTraining(parseConfig('', 'test', [...small, ...overrides]));

describe('planTraining', () => {
  it('builds one graph of the whole step', () => {
    const planned = plan();
    const { parameters, resolutions, average } = planned;
    const { step, labelSize } = finalResolution(planned);
    expect(resolutions).toHaveLength(1);
    expect(parameters).toBe(1_220_691);
    expect(labelSize).toBe(16);
    expect(average).toBe(true);
    const { networkStates } = step;
    const graph = step.entries.step!;
    expect([...graph.inputs].map(([name, { shape }]) => `${name} ${shape.join('×')}`)).toEqual([
      'image 2×3×32×32',
      'labels 2×16×16',
      'learningRate ',
      'averageDecay ',
    ]);
    expect([...graph.outputs.keys()]).toEqual(['loss', 'crossEntropy', 'dice', 'gradientNorm']);
    // Every weight, running statistic, moment and average is carried to the next step.
    expect([...graph.updates.keys()].sort()).toEqual([...graph.states.keys()].sort());
    expect(trainableStates(graph).every((state) => networkStates.includes(state))).toBe(true);
    expect([...graph.states.keys()].filter((name) => name.startsWith('optimizer.'))).toHaveLength(4);
  });

  it.each([
    [
      ['train.schedule=plateau', 'validation.every=30'],
      'train.schedule=plateau follows the validations of a run, but with validation.every=30 and train.epochs=30 the only one is at the end; lower validation.every',
    ],
    [
      ['train.earlyStopping.patience=2', 'validation.every=50'],
      'train.earlyStopping.patience=2 follows the validations',
    ],
  ])('refuses %j: there is no validation to follow', (overrides, message) => {
    expect(() => plan(...overrides)).toThrow(message);
    expect(() => plan(...overrides, 'train.minutes=5')).not.toThrow();
  });

  it('keeps no average, no momentum and no loss that the configuration does not want', () => {
    const planned = plan(
      'train.averageDecay=0',
      'train.optimizer.kind=sgd',
      'train.optimizer.momentum=0',
      'loss.dice=0',
    );
    const { step } = finalResolution(planned);
    expect(planned.average).toBe(false);
    expect([...step.states.keys()].filter((name) => !name.startsWith('sums.'))).toEqual(
      step.networkStates.map((state) => stateAttributes(state).name),
    );
    expect([...step.entries.step!.outputs.keys()]).toEqual(['loss', 'crossEntropy', 'gradientNorm']);
    expect(step.entries.step!.inputs.has('averageDecay')).toBe(false);
  });

  it('takes classes from the label set, and the size of labels from the configuration', () => {
    const planned = plan('data.labels=face-8', 'train.labelSize=32');
    const { labelSet, model } = planned;
    expect(labelSet.classes).toHaveLength(8);
    expect(model.classes).toBe(8);
    expect(finalResolution(planned).labelSize).toBe(32);
  });

  it('has a resolution for each size, with the same states', () => {
    const { resolutions } = plan(
      'train.resolutions=[{until: 0.25, size: 32}, {until: 0.5, size: 64, labelSize: 64}]',
      'train.size=96',
    );
    expect(resolutions.map(({ until, preprocessing, labelSize }) => [until, preprocessing.size, labelSize])).toEqual([
      [0.25, 32, 16],
      [0.5, 64, 64],
      [1, 96, 48],
    ]);
    const [first, ...others] = resolutions.map(({ step }) =>
      [...step.states].map(([name, { shape }]) => `${name} ${shape}`),
    );
    for (const other of others) expect(other).toEqual(first);
    expect([0, 0.2499, 0.25, 0.5, 1].map((progress) => resolutionAt(resolutions, progress).preprocessing.size)).toEqual(
      [32, 32, 64, 96, 96],
    );
  });

  it('tells how much of the work is done from the pixels of the resolutions', () => {
    const { resolutions } = plan('train.resolutions=[{until: 0.5, size: 32}]', 'train.size=64');
    expect([0, 0.25, 0.5, 0.75, 1].map((progress) => workDone(resolutions, progress))).toEqual([0, 0.1, 0.2, 0.6, 1]);
  });

  it('refuses resolutions out of order', () => {
    expect(() => plan('train.resolutions=[{until: 0.5, size: 32}, {until: 0.5, size: 64}]')).toThrow(
      'entry 2 of train.resolutions: until is 0.5, but must be above 0.5, where the entry before it ends',
    );
  });

  it('counts auxiliary heads, which only training has', () => {
    const without = plan('model.name=compact', 'train.size=64');
    const withHeads = plan('model.name=compact', 'train.size=64', 'loss.auxiliary=0.4');
    const classes = 19;
    expect(withHeads.parameters - without.parameters).toBe((96 + 1 + 64 + 1 + 48 + 1) * classes);
    expect(withHeads.inferenceStates).toEqual(without.inferenceStates);
    expect(() => plan('loss.auxiliary=0.4')).toThrow('mobile-unet has no auxiliary heads; set loss.auxiliary to 0');
  });

  it('refuses a network that has as many parameters as the limit, and says both numbers', () => {
    const refused = () => plan('parameters.limit=1220691');
    expect(refused).toThrow(FaceparseError);
    expect(refused).toThrow(/mobile-unet has 1,220,691 trainable parameters, .*fewer than 1,220,691\./);
    expect(plan('parameters.limit=1220692').parameters).toBe(1_220_691);
  });

  it('refuses a loss that is nothing, and class weights that do not fit', () => {
    expect(() => plan('loss.crossEntropy=0', 'loss.dice=0')).toThrow(/all 0; set at least one above 0/);
    expect(() => plan('loss.crossEntropy=0', 'loss.dice=0', 'loss.lovasz=1')).not.toThrow();
    expect(() => plan('loss.classWeights=[1,2]')).toThrow(/has 2 values, but celebamask-19 has 19 classes/);
  });
});

describe('fitBatches', () => {
  it.each([
    [5, 8, 1, 5, 1],
    [1, 8, 4, 1, 1],
    [24, 4, 7, 4, 6],
    [10, 8, 2, 8, 1],
    [16, 8, 2, 8, 2],
  ])('%i pairs: %i × %i images per step become %i × %i', (pairs, batchSize, accumulate, fitted, times) => {
    const config = parseConfig('', 'test', [`train.batchSize=${batchSize}`, `train.accumulate=${accumulate}`]);
    const { train } = fitBatches(config, pairs);
    expect([train.batchSize, train.accumulate]).toEqual([fitted, times]);
    expect(fitBatches(config, 1000)).toBe(config);
  });
});
