import { describe, expect, it } from 'vitest';
import { createReferenceEngine } from '../../engine/reference/reference-engine.ts';
import { Random } from '../../random/random.ts';
import { Graph, type Shape, sizeOf, type Tensor } from '../graph.ts';
import { relu } from '../ops/activation.ts';
import {
  type ConvolutionOptions,
  conv2d,
  convTranspose2d,
  type TransposedConvolutionOptions,
} from '../ops/convolution.ts';
import { add } from '../ops/elementwise.ts';
import { batchNormInference } from '../ops/normalization.ts';
import { foldBatchNorm } from './batch-norm-folding.ts';
import { removeDeadCode } from './dead-code.ts';
import { freezeStates } from './freeze.ts';

const random = new Random(5);

function draw(shape: Shape, mean = 0, deviation = 1): Float32Array {
  return Float32Array.from({ length: sizeOf(shape) }, () => mean + deviation * random.normal());
}

function normalize(x: Tensor, epsilon?: number): Tensor {
  const { graph } = x;
  const channels = x.shape[1];
  const vector = (values: Float32Array) => graph.constant(values, [channels]);
  const variance = draw([channels]).map((value) => 0.1 + value * value);
  const statistics = [vector(draw([channels])), vector(variance)] as const;
  return batchNormInference(x, vector(draw([channels], 1, 0.5)), vector(draw([channels])), ...statistics, epsilon);
}

async function run(graph: Graph, x: Float32Array) {
  return (await createReferenceEngine().compile(graph)).run({ x });
}

async function expectSameOutputs(graph: Graph, expectedOps: readonly string[]): Promise<void> {
  const folded = removeDeadCode(foldBatchNorm(graph));
  expect(folded.nodes.map(({ op }) => op).filter((op) => op !== 'constant' && op !== 'input')).toEqual(expectedOps);
  const x = draw(graph.inputs.get('x')!.shape);
  const expected = await run(graph, x);
  const actual = await run(folded, x);
  for (const [name, values] of Object.entries(expected)) {
    const largest = Math.max(...values.map(Math.abs));
    values.forEach((value, index) => {
      expect(Math.abs(actual[name][index] - value)).toBeLessThan(1e-5 * largest);
    });
  }
}

describe('foldBatchNorm', () => {
  const geometries: [string, Shape, Omit<ConvolutionOptions, 'bias'>][] = [
    ['3×3, padding 1', [6, 4, 3, 3], { padding: 1 }],
    ['stride 2', [5, 4, 3, 3], { stride: 2, padding: 1 }],
    ['groups 2', [6, 2, 3, 3], { groups: 2 }],
    ['depthwise', [4, 1, 3, 3], { groups: 4, padding: 1 }],
  ];
  for (const [name, weight, options] of geometries) {
    for (const bias of [false, true]) {
      it(`gives the same results: ${name}${bias ? ' with bias' : ''}`, async () => {
        const graph = new Graph();
        const x = graph.input('x', [2, 4, 7, 6]);
        const y = conv2d(x, graph.constant(draw(weight), weight), {
          ...options,
          ...(bias && { bias: graph.constant(draw([weight[0]]), [weight[0]]) }),
        });
        graph.output('y', relu(normalize(y, 1e-3)));
        await expectSameOutputs(graph, ['conv2d', 'activation']);
      });
    }
  }

  const transposed: [string, Shape, Omit<TransposedConvolutionOptions, 'bias'>][] = [
    ['4×4, stride 2', [4, 6, 4, 4], { stride: 2, padding: 1 }],
    ['3×3, stride 2, output padding', [4, 5, 3, 3], { stride: 2, padding: 1, outputPadding: 1 }],
    ['groups 2', [4, 3, 3, 3], { groups: 2, padding: 1 }],
  ];
  for (const [name, weight, options] of transposed) {
    for (const bias of [false, true]) {
      it(`gives the same results, transposed: ${name}${bias ? ' with bias' : ''}`, async () => {
        const graph = new Graph();
        const filters = weight[1] * (options.groups ?? 1);
        const y = convTranspose2d(graph.input('x', [2, 4, 5, 6]), graph.constant(draw(weight), weight), {
          ...options,
          ...(bias && { bias: graph.constant(draw([filters]), [filters]) }),
        });
        graph.output('y', relu(normalize(y, 1e-3)));
        await expectSameOutputs(graph, ['convTranspose2d', 'activation']);
      });
    }
  }

  it('folds one after the other', async () => {
    const graph = new Graph();
    const x = graph.input('x', [1, 3, 5, 5]);
    const weight = (filters: number, channels: number) =>
      graph.constant(draw([filters, channels, 3, 3]), [filters, channels, 3, 3]);
    const first = relu(normalize(normalize(conv2d(x, weight(4, 3), { padding: 1 }))));
    graph.output('y', add(first, normalize(conv2d(first, weight(4, 4), { padding: 1 }))));
    await expectSameOutputs(graph, ['conv2d', 'activation', 'conv2d', 'add']);
  });

  it('leaves a convolution alone that something else reads, or that is an output', async () => {
    for (const asOutput of [false, true]) {
      const graph = new Graph();
      const x = graph.input('x', [1, 3, 5, 5]);
      const y = conv2d(x, graph.constant(draw([3, 3, 1, 1]), [3, 3, 1, 1]));
      graph.output('y', add(normalize(y), x));
      graph.output('z', asOutput ? y : relu(y));
      await expectSameOutputs(graph, ['conv2d', 'batchNormInference', 'add', ...(asOutput ? [] : ['activation'])]);
    }
  });

  it('leaves a normalisation alone that stands elsewhere or has no constant statistics', async () => {
    const graph = new Graph();
    const x = graph.input('x', [1, 3, 5, 5]);
    const mean = graph.state('mean', [3], () => draw([3]));
    const one = graph.constant([1, 1, 1], [3]);
    const y = conv2d(normalize(x), graph.constant(draw([3, 3, 1, 1]), [3, 3, 1, 1]));
    graph.output('y', batchNormInference(y, one, one, mean, one));
    const folded = foldBatchNorm(graph);
    expect(folded.nodes.filter(({ op }) => op === 'batchNormInference')).toHaveLength(2);
    const frozen = removeDeadCode(foldBatchNorm(freezeStates(graph, new Map([['mean', draw([3])]]))));
    expect(frozen.nodes.filter(({ op }) => op === 'batchNormInference')).toHaveLength(1);
  });
});
