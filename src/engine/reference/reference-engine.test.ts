import { describe, expect, it } from 'vitest';
import { gradients } from '../../graph/autodiff.ts';
import { Graph, type Tensor, trainableStates } from '../../graph/graph.ts';
import { relu } from '../../graph/ops/activation.ts';
import { conv2d } from '../../graph/ops/convolution.ts';
import { div, exp, mul, sub } from '../../graph/ops/elementwise.ts';
import { batchNormTraining } from '../../graph/ops/normalization.ts';
import { reduceMean, reduceSum, scale } from '../../graph/ops/reduction.ts';
import { reshape, split } from '../../graph/ops/shape.ts';
import { crossEntropyPixels } from '../../graph/ops/softmax.ts';
import { Random } from '../../random/random.ts';
import { createReferenceEngine, evaluateNode } from './reference-engine.ts';

/** Two convolutions at 32×32 that learn to tell bright pixels from dark ones by gradient descent. */
function buildTraining(): Graph {
  const graph = new Graph();
  const random = new Random(3);
  const parameter = (name: string, shape: number[], draw: () => number) =>
    graph.state(name, shape, () => Float32Array.from({ length: shape.reduce((a, b) => a * b, 1) }, draw), {
      trainable: true,
    });
  const x = graph.input('x', [2, 1, 32, 32]);
  const labels = graph.input('labels', [2, 32, 32], 'int32');
  const first = conv2d(
    x,
    parameter('first', [8, 1, 3, 3], () => 0.4 * random.normal()),
    { padding: 1 },
  );
  const { y } = batchNormTraining(
    first,
    parameter('gamma', [8], () => 1),
    parameter('beta', [8], () => 0),
  );
  const logits = conv2d(
    relu(y),
    parameter('second', [2, 8, 3, 3], () => 0.1 * random.normal()),
    { padding: 1 },
  );
  const loss = reduceMean(crossEntropyPixels(logits, labels, graph.constant([1, 1], [2])).loss);
  const parameters = trainableStates(graph);
  gradients(loss, parameters).forEach((gradient, index) => {
    graph.assign(parameters[index], sub(parameters[index], scale(gradient, 0.5)));
  });
  graph.output('loss', loss);
  return graph;
}

describe('the reference engine', () => {
  it('trains a small network', async () => {
    const program = await createReferenceEngine().compile(buildTraining());
    const random = new Random(1);
    const x = Float32Array.from({ length: 2048 }, () => random.normal());
    const labels = Int32Array.from(x, (value) => (value > 0 ? 1 : 0));
    const losses: number[] = [];
    for (let step = 0; step < 12; step++) losses.push((await program.run({ x, labels })).loss[0]);
    expect(losses[0]).toBeGreaterThan(0.5);
    expect(losses.at(-1)).toBeLessThan(0.3);
  });

  it('computes in the precision that is asked for', async () => {
    const build = (): Graph => {
      const graph = new Graph();
      graph.output('y', div(graph.input('x', [1]), graph.scalar(3)));
      return graph;
    };
    const single = await (await createReferenceEngine().compile(build())).run({ x: Float32Array.of(1) });
    expect(single.y).toEqual(Float32Array.of(1 / 3));
    const engine = createReferenceEngine({ precision: 'float64' });
    const double = await (await engine.compile(build())).run({ x: Float64Array.of(1) });
    expect(double.y).toEqual(Float64Array.of(1 / 3));
  });

  it('keeps states in double precision too', async () => {
    const graph = new Graph();
    const w = graph.state('w', [1], () => Float32Array.of(1));
    graph.assign(w, scale(w, 0.1));
    const program = await createReferenceEngine({ precision: 'float64' }).compile(graph);
    await program.run({});
    expect((await program.readStates()).get('w')).toEqual(Float64Array.of(0.1));
    await program.writeStates(new Map([['w', Float64Array.of(0.7)]]));
    expect((await program.readStates()).get('w')).toEqual(Float64Array.of(0.7));
  });

  it('sums in double precision', async () => {
    const graph = new Graph();
    graph.output('y', reduceSum(graph.input('x', [3])));
    const program = await createReferenceEngine().compile(graph);
    expect((await program.run({ x: Float32Array.of(1e8, 1, -1e8) })).y).toEqual(Float32Array.of(1));
  });

  it('shows that a run has diverged: NaN is not lost on the way', async () => {
    const graph = new Graph();
    const x = graph.input('x', [1, 1, 1, 2]);
    graph.output('y', relu(mul(x, exp(x))));
    const program = await createReferenceEngine().compile(graph);
    expect((await program.run({ x: Float32Array.of(Number.NaN, 1) })).y[0]).toBeNaN();
  });

  it('refuses a state whose initial value has another length, and outputs of whole numbers', async () => {
    const wrong = new Graph();
    wrong.state('w', [3], () => new Float32Array(2));
    await expect(createReferenceEngine().compile(wrong)).rejects.toThrow(/'w'/);
    const labels = new Graph();
    labels.output('y', reshape(labels.input('labels', [4], 'int32'), [2, 2]));
    await expect(createReferenceEngine().compile(labels)).rejects.toThrow(/'y' is int32/);
  });
});

describe('evaluateNode', () => {
  const evaluate = (tensor: Tensor, ...inputs: (Float32Array | Int32Array)[]) => evaluateNode(tensor.node, inputs);

  it('computes all outputs of one node, each with its element type', () => {
    const graph = new Graph();
    const [first] = split(graph.input('x', [3]), 0, [1, 2]);
    expect(evaluate(first, Float32Array.of(1, 2, 3))).toEqual([Float32Array.of(1), Float32Array.of(2, 3)]);
    const turned = reshape(graph.input('labels', [2], 'int32'), [1, 2]);
    expect(evaluate(turned, Int32Array.of(7, -1))).toEqual([Int32Array.of(7, -1)]);
  });

  it('has no kernel for sources', () => {
    expect(() => evaluate(new Graph().input('x', [1]))).toThrow(/'input'/);
  });
});
