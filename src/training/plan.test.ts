import { describe, expect, it } from 'vitest';
import { parseConfig } from '../config/parse-config.ts';
import { FaceparseError } from '../errors.ts';
import { trainableStates } from '../graph/graph.ts';
import { planTraining } from './plan.ts';

const small = ['model.name=unet', 'train.size=32', 'train.batchSize=2'];
const plan = (...overrides: string[]) => planTraining(parseConfig('', 'test', [...small, ...overrides]));

describe('planTraining', () => {
  it('builds one graph of the whole step', () => {
    const { step, parameters, labelSize, average } = plan();
    expect(parameters).toBe(1_220_691);
    expect(labelSize).toBe(16);
    expect(average).toBe(true);
    const { graph, networkStates } = step;
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

  it('keeps no average, no momentum and no loss that the configuration does not want', () => {
    const { step, average } = plan(
      'train.averageDecay=0',
      'train.optimizer.kind=sgd',
      'train.optimizer.momentum=0',
      'loss.dice=0',
    );
    expect(average).toBe(false);
    expect([...step.graph.states.values()]).toEqual([...step.networkStates]);
    expect([...step.graph.outputs.keys()]).toEqual(['loss', 'crossEntropy', 'gradientNorm']);
    expect(step.graph.inputs.has('averageDecay')).toBe(false);
  });

  it('takes classes from the label set, and the size of labels from the configuration', () => {
    const { labelSet, model, labelSize } = plan('data.labels=face-8', 'train.labelSize=32');
    expect(labelSet.classes).toHaveLength(8);
    expect(model.classes).toBe(8);
    expect(labelSize).toBe(32);
  });

  it('refuses a network that has as many parameters as the limit, and says both numbers', () => {
    const refused = () => plan('parameters.limit=1220691');
    expect(refused).toThrow(FaceparseError);
    expect(refused).toThrow(/unet has 1,220,691 trainable parameters, .*fewer than 1,220,691\./);
    expect(plan('parameters.limit=1220692').parameters).toBe(1_220_691);
  });

  it('refuses a loss that is nothing, and class weights that do not fit', () => {
    expect(() => plan('loss.crossEntropy=0', 'loss.dice=0')).toThrow(/both 0; at least one must be above/);
    expect(() => plan('loss.classWeights=[1,2]')).toThrow(/has 2 numbers, but celebamask-19 has 19 classes/);
  });
});
