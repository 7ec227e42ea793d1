import { expect, it } from 'vitest';
import { Graph } from '../../graph/graph.ts';
import { mul } from '../../graph/ops/elementwise.ts';
import { reduceSum } from '../../graph/ops/reduction.ts';
import { Random } from '../../random/random.ts';
import { createNodeOnnxEngine } from './node.ts';

it('adds up the squares of as many numbers as a network has parameters without losing digits', async () => {
  const graph = new Graph();
  const count = 1_790_931;
  const x = graph.input('x', [count]);
  graph.output('sum', reduceSum(mul(x, x)));
  const random = new Random(5);
  const values = Float32Array.from({ length: count }, () => random.normal());
  const expected = values.reduce((sum, value) => sum + Math.fround(value * value), 0);
  const program = await (await createNodeOnnxEngine({ threads: 2 })).compile(graph);
  const { sum } = await program.run({ x: values });
  await program.dispose();
  expect(Math.abs(sum[0] / expected - 1)).toBeLessThan(2e-6);
});
