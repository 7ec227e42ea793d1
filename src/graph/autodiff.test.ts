import { describe, expect, it } from 'vitest';
import { createReferenceEngine } from '../engine/reference/reference-engine.ts';
import { gradients } from './autodiff.ts';
import { Graph, type Tensor } from './graph.ts';
import { relu } from './ops/activation.ts';
import { add, greater, mul, sub } from './ops/elementwise.ts';
import { batchNormInference, batchNormTraining } from './ops/normalization.ts';
import { reduceSum, scale } from './ops/reduction.ts';
import { split } from './ops/shape.ts';
import { oneHot } from './ops/softmax.ts';

/** Values of tensors of a graph whose input `x` is given. */
async function evaluate(graph: Graph, tensors: Record<string, Tensor>, x: readonly number[]) {
  for (const [name, tensor] of Object.entries(tensors)) graph.output(name, tensor);
  const program = await createReferenceEngine().compile(graph);
  const values = await program.run({ x: Float32Array.from(x) });
  return Object.fromEntries(Object.entries(values).map(([name, value]) => [name, [...value]]));
}

describe('gradients', () => {
  it('belong to the modules of the nodes that they are of', () => {
    const graph = new Graph();
    const x = graph.input('x', [2]);
    const module = (path: string) => ({ path, kind: 'Block', parent: undefined });
    const inner = graph.within(module('inner'), () => mul(x, x));
    const loss = reduceSum(graph.within(module('outer'), () => relu(inner)));
    const before = graph.nodes.length;
    gradients(loss, [x]);
    const added = graph.nodes.slice(before).map(({ op, module: of }) => `${op} ${of?.path}`);
    expect(new Set(added.filter((text) => text.startsWith('mul')))).toEqual(new Set(['mul inner']));
    expect(added.filter((text) => text.startsWith('activation'))).toEqual(['activationGradient outer']);
  });

  it('sums over all the ways in which a tensor is used', async () => {
    const graph = new Graph();
    const x = graph.input('x', [2]);
    // x² + 3x + x, of which the slope is 2x + 4.
    const loss = reduceSum(add(add(mul(x, x), scale(x, 3)), x));
    const [dx] = gradients(loss, [x]);
    expect(await evaluate(graph, { dx: dx }, [2, -1])).toEqual({ dx: [8, 2] });
  });

  it('goes to tensors inside of the graph, with their own descendants', async () => {
    const graph = new Graph();
    const x = graph.input('x', [2]);
    const squared = mul(x, x);
    const scaled = scale(squared, 5);
    const loss = reduceSum(mul(scaled, squared));
    const [dLoss, dScaled, dSquared, dx] = gradients(loss, [loss, scaled, squared, x]);
    const values = await evaluate(graph, { dLoss: dLoss, dScaled: dScaled, dSquared: dSquared, dx: dx }, [1, 2]);
    expect(values).toEqual({ dLoss: [1], dScaled: [1, 4], dSquared: [10, 40], dx: [20, 160] });
  });

  it('gives one gradient for every mention of a target', () => {
    const graph = new Graph();
    const x = graph.input('x', [2]);
    const [first, second] = gradients(reduceSum(mul(x, x)), [x, x]);
    expect(first).toBe(second);
  });

  it('appends no node for branches that no target is in', () => {
    const graph = new Graph();
    const x = graph.input('x', [2]);
    const other = graph.input('other', [2]);
    const branch = mul(relu(other), relu(other));
    const loss = reduceSum(sub(x, branch));
    const before = graph.nodes.length;
    gradients(loss, [x]);
    const added = graph.nodes.slice(before).map(({ op }) => op);
    expect(added).not.toContain('activationGradient');
    expect(added).not.toContain('mul');
  });

  it('takes parts of a split that are not used as zeros', async () => {
    const graph = new Graph();
    const x = graph.input('x', [4]);
    const [, middle] = split(x, 0, [1, 2, 1]);
    const [dx] = gradients(reduceSum(mul(middle, middle)), [x]);
    expect(await evaluate(graph, { dx: dx }, [1, 2, 3, 4])).toEqual({ dx: [0, 4, 6, 0] });
  });

  it('refuses a loss that is no scalar', () => {
    const x = new Graph().input('x', [2]);
    expect(() => gradients(mul(x, x), [x])).toThrow(/must be a scalar, not 2/);
    expect(() => gradients(reduceSum(mul(x, x), [0], true), [x])).toThrow(/scalar, not 1/);
  });

  it('refuses a target that the loss does not depend on', () => {
    const graph = new Graph();
    const x = graph.input('x', [2]);
    const other = graph.input('other', [3, 5]);
    mul(other, other);
    expect(() => gradients(reduceSum(x), [x, other])).toThrow(/does not depend on.*3×5/);
  });

  it('does not pass through ops without a slope', () => {
    const graph = new Graph();
    const x = graph.input('x', [2]);
    expect(() => gradients(reduceSum(greater(x, graph.scalar(0))), [x])).toThrow(/does not depend/);
    const labels = graph.input('labels', [1, 2, 2], 'int32');
    expect(() => gradients(reduceSum(oneHot(labels, 3)), [labels])).toThrow(/does not depend/);
  });

  it('refuses to differentiate the statistics of a batch normalisation', () => {
    const graph = new Graph();
    const x = graph.input('x', [1, 1, 2, 2]);
    const one = graph.constant([1], [1]);
    const { mean } = batchNormTraining(x, one, one);
    expect(() => gradients(reduceSum(mean), [x])).toThrow(/not differentiable/);
    const running = graph.input('running', [1]);
    const y = batchNormInference(x, one, one, running, one);
    expect(() => gradients(reduceSum(y), [running])).toThrow(/not differentiable/);
  });

  it('can be taken twice', async () => {
    const graph = new Graph();
    const x = graph.input('x', [2]);
    const [dx] = gradients(reduceSum(mul(mul(x, x), x)), [x]);
    const [second] = gradients(reduceSum(dx), [x]);
    expect(await evaluate(graph, { dx: dx, second: second }, [2, -1])).toEqual({ dx: [12, 3], second: [12, -6] });
  });
});
