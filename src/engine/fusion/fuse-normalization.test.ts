import { describe, expect, it } from 'vitest';
import { countOps, drawInputs, largestDifference, runDouble } from '../../../test/contract/fused-evaluator.ts';
import { testCapabilities } from '../../../test/fusion-fixture.ts';
import { gradients } from '../../graph/autodiff.ts';
import { Graph, type GraphNode, type Tensor } from '../../graph/graph.ts';
import { apply, applyAll } from '../../graph/op.ts';
import {
  activation,
  activationGradientOp,
  activationKinds,
  relu,
  slopeFromOutput,
} from '../../graph/ops/activation.ts';
import { conv2d } from '../../graph/ops/convolution.ts';
import { add, mul } from '../../graph/ops/elementwise.ts';
import { batchNormGradientOp, batchNormInference, batchNormTraining } from '../../graph/ops/normalization.ts';
import { broadcastTo, reduceSum, scale } from '../../graph/ops/reduction.ts';
import { removeDeadCode } from '../../graph/passes/dead-code.ts';
import { fuseNormalization } from './fuse-normalization.ts';
import { fusedOps } from './fused-ops.ts';

const shape = [2, 3, 4, 5];

/** A graph with the gradients of Σ y·c by x and by every gamma and beta, c an input. */
class Training {
  readonly graph = new Graph();
  readonly x = this.graph.input('x', shape);
  private readonly wanted = new Map<string, Tensor>([['x', this.x]]);

  normalize(x: Tensor, name = 'norm'): Tensor {
    return this.normalizeAll(x, name).y;
  }

  normalizeAll(x: Tensor, name = 'norm') {
    const [gamma, beta] = ['gamma', 'beta'].map((part) => this.graph.input(`${name}.${part}`, [3]));
    this.wanted.set(`${name}.gamma`, gamma).set(`${name}.beta`, beta);
    return batchNormTraining(x, gamma, beta, 1e-3);
  }

  /** A convolution: something that no normalisation can be merged with. */
  convolve(x: Tensor, name: string): Tensor {
    return conv2d(x, this.graph.input(name, [3, 3, 1, 1]));
  }

  finish(y: Tensor): Graph {
    this.graph.output('y', y);
    const loss = reduceSum(mul(y, this.graph.input('c', y.shape)));
    const names = [...this.wanted.keys()];
    gradients(loss, [...this.wanted.values()]).forEach((gradient, index) => {
      this.graph.output(`gradient.${names[index]}`, gradient);
    });
    return removeDeadCode(this.graph);
  }
}

/** The graph after the pass, which must give the same results. */
async function fuse(graph: Graph): Promise<Graph> {
  const fused = fuseNormalization(graph, testCapabilities);
  const runs = [drawInputs(graph, 3, 1)];
  expect(largestDifference(await runDouble(fused, runs), await runDouble(graph, runs)).difference).toBeLessThan(1e-12);
  return fused;
}

function nodesOf(graph: Graph, op: string): GraphNode[] {
  return graph.nodes.filter((node) => node.op === op);
}

const forwardOf = (graph: Graph) => nodesOf(graph, fusedOps.normalize).map(({ attributes }) => attributes);
const backwardOf = (graph: Graph) => nodesOf(graph, fusedOps.normalizeGradient).map(({ attributes }) => attributes);

describe('fuseNormalization of a training graph', () => {
  it('turns a normalisation alone into the fused node, whatever reads it', async () => {
    const training = new Training();
    const { y, mean, variance } = training.normalizeAll(training.x);
    training.graph.output('mean', mean);
    training.graph.output('variance', variance);
    training.graph.output('before', y);
    const fused = await fuse(training.finish(mul(y, y)));
    expect(forwardOf(fused)).toEqual([{ epsilon: 1e-3, activation: 'none', residual: false }]);
    expect(backwardOf(fused)).toMatchObject([{ activation: 'none', source: false, terms: 1, residual: false }]);
    expect(countOps(fused)).toMatchObject({ mul: expect.any(Number) });
    expect(nodesOf(fused, 'batchNormTraining')).toEqual([]);
  });

  it.each(activationKinds)('takes in the activation %s and computes it anew in the backward pass', async (kind) => {
    const training = new Training();
    const fused = await fuse(training.finish(activation(training.normalize(training.x), kind)));
    expect(forwardOf(fused)).toEqual([{ epsilon: 1e-3, activation: kind, residual: false }]);
    expect(backwardOf(fused)).toEqual([{ epsilon: 1e-3, activation: kind, source: false, terms: 1, residual: false }]);
    expect(countOps(fused)).toEqual({
      fusedNormalize: 1,
      fusedNormalizeGradient: 1,
      mul: 1,
      reshape: 1,
      broadcastTo: 1,
    });
  });

  it('leaves an activation outside whose input something else reads', async () => {
    for (const kind of ['relu', 'silu'] as const) {
      const training = new Training();
      const y = training.normalize(training.x);
      const fused = await fuse(training.finish(mul(activation(y, kind), y)));
      expect(forwardOf(fused)).toMatchObject([{ activation: 'none' }]);
      expect(countOps(fused)).toMatchObject({ activation: 1 });
    }
  });

  it.each(activationKinds)('takes in a residual before the activation %s', async (kind) => {
    const training = new Training();
    const residual = training.convolve(training.x, 'weight');
    const fused = await fuse(training.finish(activation(add(residual, training.normalize(training.x)), kind)));
    // The input of a silu has to exist: it cannot be computed from x where something was added to it.
    const taken = slopeFromOutput(kind);
    expect(forwardOf(fused)).toMatchObject([{ activation: taken ? kind : 'none', residual: true }]);
    expect(backwardOf(fused)).toEqual([{ epsilon: 1e-3, activation: kind, source: true, terms: 1, residual: true }]);
    const [normalized] = nodesOf(fused, fusedOps.normalize);
    const [gradient] = nodesOf(fused, fusedOps.normalizeGradient);
    expect(gradient.inputs[5]).toBe(normalized.outputs[0]);
    expect(countOps(fused).activation).toBe(taken ? undefined : 1);
    expect(nodesOf(fused, 'convTranspose2d')[0].inputs[0]).toBe(gradient.outputs[3]);
  });

  it('takes in a residual without an activation', async () => {
    const training = new Training();
    const fused = await fuse(training.finish(add(training.normalize(training.x), training.x)));
    expect(forwardOf(fused)).toMatchObject([{ activation: 'none', residual: true }]);
    expect(countOps(fused).activation).toBeUndefined();
  });

  it('merges the sum of two normalisations into the later one, and its gradient into one of theirs', async () => {
    const training = new Training();
    const first = training.normalize(training.x, 'first');
    const second = training.normalize(training.convolve(training.x, 'weight'), 'second');
    const fused = await fuse(training.finish(relu(add(second, first))));
    expect(forwardOf(fused)).toMatchObject([
      { activation: 'none', residual: false },
      { activation: 'relu', residual: true },
    ]);
    expect(nodesOf(fused, fusedOps.normalize)[1].inputs[0].node.op).toBe('conv2d');
    const [one, other] = nodesOf(fused, fusedOps.normalizeGradient);
    expect([one.attributes, other.attributes]).toMatchObject([
      { activation: 'relu', source: true, residual: true },
      { activation: 'none', source: false, residual: false },
    ]);
    expect(other.inputs[5]).toBe(one.outputs[3]);
  });

  it('sums the gradients of several readers, up to four of them', async () => {
    for (const [count, terms, adds] of [
      [2, 2, undefined],
      [4, 4, undefined],
      [6, 4, 2],
    ] as const) {
      const training = new Training();
      const y = relu(training.normalize(training.x));
      const branches = Array.from({ length: count }, (_, index) => training.convolve(y, `weight${index}`));
      const joined = branches.reduce((sum, branch) => mul(sum, branch));
      const fused = await fuse(training.finish(joined));
      expect(backwardOf(fused)).toMatchObject([{ terms }]);
      expect(countOps(fused).add).toBe(adds);
    }
  });

  it('leaves a sum outside that is read elsewhere too, or whose parts are computed for it alone', async () => {
    const read = new Training();
    const sum = add(read.normalize(read.x), read.convolve(read.x, 'residual'));
    expect(backwardOf(await fuse(read.finish(mul(read.convolve(sum, 'a'), read.convolve(sum, 'b')))))).toMatchObject([
      { terms: 1 },
    ]);
    const gated = new Training();
    const y = relu(gated.normalize(gated.x));
    const gate = gated.graph.input('gate', [2, 3, 1, 1]);
    const branches = add(mul(y, gate), gated.convolve(y, 'weight'));
    const fused = await fuse(gated.finish(branches));
    expect(backwardOf(fused)).toMatchObject([{ terms: 1 }]);
    expect(countOps(fused)).toMatchObject({ add: 2 });
    const pooled = new Training();
    const z = relu(pooled.normalize(pooled.x));
    const mean = broadcastTo(scale(reduceSum(z, [2, 3], true), 1 / 20), shape);
    const spread = await fuse(pooled.finish(mul(pooled.convolve(z, 'weight'), mean)));
    expect(backwardOf(spread)).toMatchObject([{ terms: 1 }]);
  });

  it('takes gradients in a row: the normalisation after a residual block, and the one before it', async () => {
    const training = new Training();
    const before = relu(training.normalize(training.x, 'before'));
    const block = training.normalize(training.convolve(before, 'weight'), 'block');
    const fused = await fuse(training.finish(training.convolve(relu(add(before, block)), 'head')));
    expect(backwardOf(fused)).toMatchObject([
      { source: true, terms: 1, residual: true },
      { source: false, terms: 2, residual: false },
    ]);
    expect(countOps(fused)).toEqual({
      fusedNormalize: 2,
      conv2d: 2,
      mul: 1,
      reshape: 1,
      broadcastTo: 1,
      convTranspose2d: 2,
      fusedNormalizeGradient: 2,
    });
  });

  it('takes a gradient whose normalisation is not there', async () => {
    const graph = new Graph();
    const [dy, x] = [graph.input('dy', shape), graph.input('x', shape)];
    const vectors = [graph.input('gamma', [3]), graph.input('mean', [3]), graph.constant([0.5, 1, 2], [3])];
    const results = applyAll(batchNormGradientOp, [dy, x, ...vectors], { epsilon: 1e-3 });
    results.forEach((tensor, index) => {
      graph.output(`result${index}`, tensor);
    });
    const fused = await fuse(graph);
    expect(backwardOf(fused)).toMatchObject([{ activation: 'none', source: false, terms: 1 }]);
    expect(countOps(fused)).toEqual({ fusedNormalizeGradient: 1 });
  });

  it('reads what the slope is computed from where it is not the activation of the same normalisation', async () => {
    const variants: [string, (parts: Record<string, Tensor>) => Record<string, Tensor>][] = [
      ['the same', () => ({})],
      ['another activation', ({ y }) => ({ source: activation(y, 'sigmoid') })],
      ['another gamma', ({ x, beta, other }) => ({ source: relu(batchNormTraining(x, other, beta).y) })],
      ['another epsilon', ({ x, gamma, beta }) => ({ source: relu(batchNormTraining(x, gamma, beta, 0.1).y) })],
      ['the gradient by another epsilon', () => ({})],
      ['the gradient by another gamma', ({ other }) => ({ gamma: other })],
      ['the gradient by another variance', ({ other }) => ({ variance: mul(other, other) })],
      ['another x', ({ dy, gamma, beta }) => ({ source: relu(batchNormTraining(dy, gamma, beta).y) })],
    ];
    for (const [name, change] of variants) {
      const graph = new Graph();
      const [dy, x] = [graph.input('dy', shape), graph.input('x', shape)];
      const [gamma, beta, other] = ['gamma', 'beta', 'other'].map((vector) => graph.input(vector, [3]));
      const forward = batchNormTraining(x, gamma, beta, name === 'the gradient by another epsilon' ? 0.1 : 1e-5);
      const parts = { ...forward, dy, x, gamma: gamma, beta: beta, other: other, source: relu(forward.y) };
      const { source, gamma: used, mean, variance } = { ...parts, ...change(parts) };
      const dz = apply(activationGradientOp, [dy, source], { kind: 'relu' });
      const [dx] = applyAll(batchNormGradientOp, [dz, x, used, mean, variance], { epsilon: 1e-5 });
      graph.output('dx', dx);
      expect(backwardOf(await fuse(removeDeadCode(graph))), name).toMatchObject([{ source: name !== 'the same' }]);
    }
  });

  it('leaves the gradient of an activation outside that reads one value a channel', async () => {
    const graph = new Graph();
    const [dy, x, source] = [graph.input('dy', shape), graph.input('x', shape), graph.input('source', [1, 3, 1, 1])];
    const { mean, variance } = batchNormTraining(x, graph.input('gamma', [3]), graph.input('beta', [3]));
    const dz = apply(activationGradientOp, [dy, source], { kind: 'relu' });
    const inputs = [dz, x, graph.inputs.get('gamma')!, mean, variance];
    graph.output('dx', applyAll(batchNormGradientOp, inputs, { epsilon: 1e-5 })[0]);
    const fused = await fuse(graph);
    expect(countOps(fused)).toMatchObject({ activationGradient: 1 });
    expect(backwardOf(fused)).toMatchObject([{ activation: 'none' }]);
  });

  it('does not take in a residual that depends on the statistics', async () => {
    const graph = new Graph();
    const { y, mean } = batchNormTraining(graph.input('x', shape), graph.input('g', [3]), graph.input('b', [3]));
    const residual = mul(graph.input('r', shape), broadcastTo(reduceSum(mean), shape));
    graph.output('y', relu(add(y, residual)));
    const fused = await fuse(graph);
    expect(forwardOf(fused)).toMatchObject([{ activation: 'none', residual: false }]);
    expect(countOps(fused)).toMatchObject({ add: 1, activation: 1 });
  });
});

describe('fuseNormalization of an inference graph', () => {
  const normalize = (x: Tensor) => {
    const vector = (values: readonly number[]) => x.graph.constant(values, [3]);
    return batchNormInference(x, vector([1, -2, 3]), vector([0, 1, 2]), vector([0.5, 0, -1]), vector([1, 2, 0.1]));
  };

  it('takes in residual and activation, or neither', async () => {
    for (const [make, expected] of [
      [(x: Tensor) => normalize(x), { activation: 'none', residual: false }],
      [(x: Tensor) => activation(normalize(x), 'silu'), { activation: 'silu', residual: false }],
      [(x: Tensor) => relu(add(x, normalize(x))), { activation: 'relu', residual: true }],
      [(x: Tensor) => mul(normalize(x), x), { activation: 'none', residual: false }],
    ] as const) {
      const graph = new Graph();
      graph.output('y', make(graph.input('x', shape)));
      const fused = await fuse(graph);
      const [node, ...others] = nodesOf(fused, fusedOps.normalizeInference);
      expect(node.attributes).toEqual({ epsilon: 1e-5, ...expected });
      expect(node.inputs).toHaveLength(expected.residual ? 6 : 5);
      expect(others).toEqual([]);
      expect(nodesOf(fused, 'activation')).toEqual([]);
    }
  });
});
