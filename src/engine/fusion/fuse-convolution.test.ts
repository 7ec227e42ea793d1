import { describe, expect, it } from 'vitest';
import { countOps, drawInputs, largestDifference, runDouble } from '../../../test/contract/fused-evaluator.ts';
import { testCapabilities } from '../../../test/fusion-fixture.ts';
import { gradients } from '../../graph/autodiff.ts';
import { Graph, type Tensor } from '../../graph/graph.ts';
import { activation, activationKinds, relu } from '../../graph/ops/activation.ts';
import { type ConvolutionOptions, conv2d } from '../../graph/ops/convolution.ts';
import { add, mul } from '../../graph/ops/elementwise.ts';
import { broadcastTo, reduceSum } from '../../graph/ops/reduction.ts';
import { Random } from '../../random/random.ts';
import { fuseConvolution } from './fuse-convolution.ts';
import type { FusedConvolutionAttributes } from './fused-ops.ts';

const random = new Random(3);

function convolve(x: Tensor, options: ConvolutionOptions = {}): Tensor {
  const shape = [4, 4 / (options.groups ?? 1), 3, 3];
  const weight = Float32Array.from({ length: 144 / (options.groups ?? 1) }, () => random.normal());
  return conv2d(x, x.graph.constant(weight, shape), { padding: 1, ...options });
}

function build(make: (x: Tensor, graph: Graph) => Tensor): Graph {
  const graph = new Graph();
  graph.output('y', make(graph.input('x', [2, 4, 6, 5]), graph));
  return graph;
}

/** The graph after the pass, which must give the same results. */
async function fuse(graph: Graph): Promise<Graph> {
  const fused = fuseConvolution(graph, testCapabilities);
  const runs = [drawInputs(graph, 4, 1)];
  expect(largestDifference(await runDouble(fused, runs), await runDouble(graph, runs)).difference).toBeLessThan(1e-13);
  return fused;
}

const attributesOf = (graph: Graph) =>
  graph.nodes
    .filter(({ op }) => op === 'fusedConvolution')
    .map(({ attributes }) => attributes as FusedConvolutionAttributes);

describe('fuseConvolution', () => {
  it.each(activationKinds.filter((kind) => kind !== 'hardSigmoid'))('takes in the activation %s', async (kind) => {
    const fused = await fuse(build((x) => activation(convolve(x, { stride: 2, dilation: 2, groups: 2 }), kind)));
    expect(countOps(fused)).toEqual({ fusedConvolution: 1 });
    expect(attributesOf(fused)).toMatchObject([{ activation: kind, bias: false, residual: false, groups: 2 }]);
  });

  it('leaves the activation outside that oneDNN does not know, and takes in a residual before it', async () => {
    const alone = await fuse(build((x) => activation(convolve(x), 'hardSigmoid')));
    expect(countOps(alone)).toEqual({ conv2d: 1, activation: 1 });
    const withResidual = await fuse(build((x) => activation(add(convolve(x), x), 'hardSigmoid')));
    expect(countOps(withResidual)).toEqual({ fusedConvolution: 1, activation: 1 });
    expect(attributesOf(withResidual)).toMatchObject([{ activation: 'none', residual: true }]);
  });

  it('takes in a residual, on either side of the sum, with a bias and without an activation', async () => {
    const biased = (x: Tensor) => convolve(x, { bias: x.graph.constant([1, 2, 3, 4], [4]) });
    const withBoth = await fuse(build((x) => relu(add(x, biased(x)))));
    expect(attributesOf(withBoth)).toMatchObject([{ activation: 'relu', bias: true, residual: true }]);
    expect(countOps(withBoth)).toEqual({ fusedConvolution: 1 });
    const sumAlone = await fuse(build((x) => add(convolve(x), x)));
    expect(attributesOf(sumAlone)).toMatchObject([{ activation: 'none', bias: false, residual: true }]);
  });

  it('takes one of two added convolutions as the residual of the later one', async () => {
    const fused = await fuse(build((x) => relu(add(convolve(x, { groups: 2 }), convolve(x)))));
    expect(fused.nodes.map(({ op }) => op).filter((op) => op !== 'constant')).toEqual([
      'input',
      'conv2d',
      'fusedConvolution',
    ]);
    expect(attributesOf(fused)).toMatchObject([{ groups: 1 }]);
  });

  it('leaves a convolution alone that has nothing to take in', async () => {
    expect(countOps(await fuse(build((x) => convolve(x))))).toEqual({ conv2d: 1 });
    expect(countOps(await fuse(build((x) => mul(convolve(x), x))))).toEqual({ conv2d: 1, mul: 1 });
  });

  it('leaves alone what something else reads, and what is an output', async () => {
    const readTwice = await fuse(build((x) => mul(relu(x), convolve(relu(convolve(x))))));
    expect(countOps(readTwice)).toEqual({ activation: 1, conv2d: 1, fusedConvolution: 1, mul: 1 });
    const published = build((x, graph) => {
      const y = convolve(x);
      graph.output('before', y);
      return relu(y);
    });
    expect(countOps(await fuse(published))).toEqual({ conv2d: 1, activation: 1 });
    const ownResidual = build((x) => {
      const y = convolve(x);
      return add(y, relu(y));
    });
    expect(countOps(await fuse(ownResidual))).toEqual({ conv2d: 1, activation: 1, add: 1 });
    const doubled = build((x) => {
      const y = convolve(x);
      return add(y, y);
    });
    expect(countOps(await fuse(doubled))).toEqual({ conv2d: 1, add: 1 });
  });

  it('leaves a residual alone that is of another shape or only spread over it', async () => {
    const small = (graph: Graph) => graph.input('small', [1, 4, 1, 1]);
    const broadcast = await fuse(build((x, graph) => relu(add(convolve(x), small(graph)))));
    expect(countOps(broadcast)).toEqual({ conv2d: 1, add: 1, activation: 1 });
    const spread = await fuse(build((x, graph) => relu(add(broadcastTo(small(graph), x.shape), convolve(x)))));
    expect(countOps(spread)).toEqual({ broadcastTo: 1, conv2d: 1, add: 1, activation: 1 });
  });

  it('keeps what the gradient of an activation reads', async () => {
    for (const [kind, expected] of [
      ['relu', { fusedConvolution: 1 }],
      ['silu', { conv2d: 1, activation: 1 }],
    ] as const) {
      const graph = new Graph();
      const weight = graph.input('weight', [4, 4, 3, 3]);
      const y = activation(conv2d(graph.input('x', [2, 4, 6, 5]), weight), kind);
      graph.output('gradient', gradients(reduceSum(mul(y, y)), [weight])[0]);
      expect(countOps(await fuse(graph))).toMatchObject(expected);
    }
  });
});
