import { describe, expect, it } from 'vitest';
import type { TensorDescription } from '../../formats/pytorch/tensor-record.ts';
import { inferenceGraph } from '../../models/model.ts';
import { createModel, getArchitecture, listModels } from '../../models/registry.ts';
import { findSeveralNetworks } from './several-networks.ts';

/** A state dict of tensors by shape; each has its own storage unless its name is in `tied`. */
function stateDict(shapes: Readonly<Record<string, number[]>>, tied: Readonly<Record<string, string>> = {}) {
  const entries = Object.entries(shapes).map(([name, shape]): [string, TensorDescription] => [
    name,
    { dtype: 'float32', shape, storage: tied[name] ?? name, offset: 0 },
  ]);
  return new Map(entries);
}

const block = (prefix: string) => ({ [`${prefix}.weight`]: [16, 16, 3, 3], [`${prefix}.bias`]: [16] });
const network = (prefix: string, width = 16) => ({
  [`${prefix}.stem.weight`]: [width, 3, 3, 3],
  [`${prefix}.head.weight`]: [19, width, 1, 1],
});

describe('findSeveralNetworks', () => {
  it.each<[string, Record<string, number[]>, string[]]>([
    ['a list of networks', { ...network('models.0'), ...network('models.1') }, ['models.0', 'models.1']],
    ['networks of any name', { ...network('left'), ...network('right'), 'mix.weight': [2] }, ['left', 'right']],
    ['deeper ones', { ...network('a.b.0'), ...network('a.b.1'), ...network('a.b.2') }, ['a.b.0', 'a.b.1', 'a.b.2']],
    ['a network and its average', { ...network('model'), ...network('ema') }, ['model', 'ema']],
    ['members of other form, by their names', { ...block('nets.0'), ...block('nets.1') }, ['nets.0', 'nets.1']],
  ])('finds %s', (_, shapes, prefixes) => {
    expect(findSeveralNetworks(stateDict(shapes))).toEqual(prefixes);
  });

  it.each<[string, Record<string, number[]>]>([
    ['one network', network('model')],
    ['no prefixes', { weight: [19, 3, 1, 1], bias: [19] }],
    ['equal blocks', { ...network('model'), ...block('blocks.0'), ...block('blocks.1') }],
    ['equal blocks alone', { ...block('blocks.0'), ...block('blocks.1') }],
    ['two small parts called net', { 'stem.weight': [512, 16, 3, 3], ...block('net1'), ...block('net2') }],
    ['networks of unequal structure', { ...network('a', 8), ...network('b', 16) }],
  ])('does not take for several networks: %s', (_, shapes) => {
    expect(findSeveralNetworks(stateDict(shapes))).toEqual([]);
  });

  it.each(listModels())('recognises %s as one network', (name) => {
    const side = 2 * getArchitecture(name).multiple;
    const { states } = inferenceGraph(createModel(name, { classes: 19 }), { batch: 1, height: side, width: side });
    const shapes = Object.fromEntries([...states].map(([key, { shape }]) => [key, [...shape]]));
    expect(findSeveralNetworks(stateDict(shapes))).toEqual([]);
  });

  it('counts one module under two names as one network', () => {
    const tied = { 'b.stem.weight': 'a.stem.weight', 'b.head.weight': 'a.head.weight' };
    expect(findSeveralNetworks(stateDict({ ...network('a'), ...network('b') }, tied))).toEqual([]);
  });
});
