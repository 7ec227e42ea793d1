import { expect, it } from 'vitest';
import { countParameters, gigaMultiplyAccumulates } from '../graph/cost.ts';
import { Graph } from '../graph/graph.ts';
import { inferenceGraph } from '../models/model.ts';
import { createModel, listModels } from '../models/registry.ts';
import { convBn, convolution, transposedConvolution } from '../nn/layers.ts';
import { Scope } from '../nn/scope.ts';
import { listLayers } from './layer-table.ts';

it('lists modules with type, output, parameters and cost', () => {
  const graph = new Graph();
  const scope = new Scope(graph, { training: false, seed: 0 });
  let x = graph.input('image', [2, 3, 16, 16]);
  x = convBn(scope.at('stem'), x, { filters: 8, kernel: 3, stride: 2 });
  x = convolution(scope.at('depthwise'), x, { filters: 8, kernel: 5, groups: 8, dilation: 2, bias: true });
  x = transposedConvolution(scope.at('up'), x, { filters: 4, kernel: 4, stride: 2, padding: 1, bias: true });
  graph.output('y', x);
  expect(listLayers(graph)).toEqual([
    { path: 'stem.0', type: 'conv 3×3, stride 2', output: [8, 8, 8], parameters: 216, multiplyAccumulates: 2 * 13824 },
    { path: 'stem.1', type: 'batch norm', output: [8, 8, 8], parameters: 16, multiplyAccumulates: 0 },
    {
      path: 'depthwise',
      type: 'conv 5×5, dilation 2, depthwise',
      output: [8, 8, 8],
      parameters: 208,
      multiplyAccumulates: 2 * 8 * 64 * 25,
    },
    // Each of the 8×8 inputs reaches 4×4 outputs.
    {
      path: 'up',
      type: 'transposed conv 4×4, stride 2',
      output: [4, 16, 16],
      parameters: 8 * 4 * 16 + 4,
      multiplyAccumulates: 2 * 8 * 64 * 4 * 16,
    },
  ]);
});

it.each(listModels())('the layers of %s add up to the whole', (name) => {
  const graph = inferenceGraph(createModel(name, { classes: 19 }), { batch: 1, height: 64, width: 64 });
  const layers = listLayers(graph);
  const sum = (values: number[]): number => values.reduce((total, value) => total + value, 0);
  expect(sum(layers.map((layer) => layer.parameters))).toBe(countParameters(graph));
  expect(sum(layers.map((layer) => layer.multiplyAccumulates)) / 1e9).toBeCloseTo(gigaMultiplyAccumulates(graph), 9);
});
