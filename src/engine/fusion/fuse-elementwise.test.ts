import { describe, expect, it } from 'vitest';
import { countOps, drawInputs, largestDifference, runDouble } from '../../../test/contract/fused-evaluator.ts';
import { testCapabilities } from '../../../test/fusion-fixture.ts';
import { Graph, type GraphNode } from '../../graph/graph.ts';
import { apply } from '../../graph/op.ts';
import { activation, activationGradientOp, relu, sigmoid } from '../../graph/ops/activation.ts';
import { add, div, exp, greater, log, maximum, minimum, mul, sqrt, sub } from '../../graph/ops/elementwise.ts';
import { maxPool } from '../../graph/ops/pooling.ts';
import { broadcastTo, reduceSum, scale } from '../../graph/ops/reduction.ts';
import { reshape } from '../../graph/ops/shape.ts';
import { removeDeadCode } from '../../graph/passes/dead-code.ts';
import { Random } from '../../random/random.ts';
import { fuseElementwise } from './fuse-elementwise.ts';
import { type ElementwiseAttributes, fusedOps } from './fused-ops.ts';

/** The graph after the pass, without what it has left unread; it must give the same results, and no node is left over. */
async function fuse(graph: Graph): Promise<Graph> {
  const fused = removeDeadCode(fuseElementwise(graph, testCapabilities));
  const runs = [drawInputs(graph, 3, 1), drawInputs(graph, 3, 2)];
  expect(largestDifference(await runDouble(fused, runs), await runDouble(graph, runs)).difference).toBeLessThan(1e-13);
  const outside = [
    'input',
    'state',
    'constant',
    'reduceSum',
    'reshape',
    'broadcastTo',
    'maxPool',
    fusedOps.elementwise,
  ];
  expect(fused.nodes.filter(({ op }) => !outside.includes(op))).toEqual([]);
  return fused;
}

const groupsOf = (graph: Graph) => graph.nodes.filter(({ op }) => op === fusedOps.elementwise);
const attributesOf = (node: GraphNode) => node.attributes as ElementwiseAttributes;
const sizesOf = (graph: Graph) => groupsOf(graph).map((node) => attributesOf(node).instructions.length);

describe('fuseElementwise', () => {
  it('knows all elementwise ops, with their attributes', async () => {
    const graph = new Graph();
    const [a, b] = [graph.input('a', [7]), graph.input('b', [7])];
    let y = add(a, b);
    for (const op of [sub, mul, minimum, maximum, greater]) y = op(y, a);
    y = sqrt(scale(log(exp(y)), 2.5));
    y = apply(activationGradientOp, [activation(y, 'silu'), b], { kind: 'hardSwish' });
    graph.output('y', div(b, exp(y)));
    const [node, ...others] = groupsOf(await fuse(graph));
    expect(others).toEqual([]);
    const { instructions, outputValues } = attributesOf(node);
    expect(instructions.map(({ op }) => op).join(' ')).toBe(
      'add sub mul minimum maximum greater exp log scale sqrt activation activationGradient exp div',
    );
    expect(instructions.slice(8, 12)).toEqual([
      { op: 'scale', a: 9, factor: 2.5 },
      { op: 'sqrt', a: 10 },
      { op: 'activation', a: 11, kind: 'silu' },
      { op: 'activationGradient', a: 12, b: 1, kind: 'hardSwish' },
    ]);
    expect(instructions.at(-1)).toEqual({ op: 'div', a: 1, b: 14 });
    expect(outputValues).toEqual([15]);
  });

  it('turns a node alone into a fused one', async () => {
    const graph = new Graph();
    graph.output('y', relu(graph.input('x', [2, 3])));
    const [node] = groupsOf(await fuse(graph));
    expect(node.attributes).toEqual({ instructions: [{ op: 'activation', a: 0, kind: 'relu' }], outputValues: [1] });
  });

  it('reads each operand once, and gives what is read outside: by nodes, outputs and updates', async () => {
    const graph = new Graph();
    const state = graph.state('state', [4], () => Float32Array.of(1, 2, 3, 4));
    const x = graph.input('x', [4]);
    const [first, second] = [mul(x, x), mul(x, state)];
    const sum = add(first, second);
    const third = scale(sum, 3);
    graph.assign(state, sum);
    graph.output('third', third);
    graph.output('total', reduceSum(first));
    const [node] = groupsOf(await fuse(graph));
    expect(node.inputs).toHaveLength(2);
    expect(attributesOf(node).outputValues).toEqual([2, 4, 5]);
  });

  it('merges equal shapes alone', async () => {
    const graph = new Graph();
    const small = exp(graph.input('x', [3]));
    graph.output('y', scale(add(small, graph.input('z', [2, 3])), 2));
    graph.output('other', sigmoid(graph.input('apart', [2, 3])));
    expect(sizesOf(await fuse(graph))).toEqual([1, 2, 1]);
  });

  it('reads what is spread before it is spread', async () => {
    const graph = new Graph();
    const vector = graph.input('vector', [3]);
    const spread = broadcastTo(broadcastTo(reshape(vector, [1, 3, 1]), [2, 3, 1]), [2, 3, 4]);
    const x = graph.input('x', [2, 3, 4]);
    graph.output('y', add(mul(x, spread), exp(spread)));
    const fused = await fuse(graph);
    expect(countOps(fused)).toEqual({ reshape: 1, fusedElementwise: 1 });
    expect(groupsOf(fused)[0].inputs.map(({ shape }) => shape.join())).toEqual(['2,3,4', '1,3,1']);
    const outside = new Graph();
    const whole = broadcastTo(outside.input('x', [1, 3]), [5, 3]);
    outside.output('y', exp(whole));
    outside.output('sum', reduceSum(whole));
    const kept = await fuse(outside);
    expect(countOps(kept)).toEqual({ broadcastTo: 1, fusedElementwise: 1, reduceSum: 1 });
    expect(groupsOf(kept)[0].inputs[0].shape).toEqual([1, 3]);
  });

  it('does not merge across a node outside, nor groups that would wait for each other', async () => {
    const graph = new Graph();
    const x = graph.input('x', [4]);
    const squares = mul(x, x);
    graph.output('y', div(squares, reduceSum(squares)));
    expect(sizesOf(await fuse(graph))).toEqual([1, 1]);
    const crossed = new Graph();
    const [a, b] = [exp(crossed.input('a', [4])), exp(crossed.input('b', [4]))];
    crossed.output('y', add(a, reduceSum(b)));
    crossed.output('z', add(b, reduceSum(a)));
    expect(sizesOf(await fuse(crossed)).sort()).toEqual([1, 1, 2]);
  });

  it('stays within the largest number of values', async () => {
    const graph = new Graph();
    let y = graph.input('x', [4]);
    for (let i = 0; i < 200; i++) y = i % 3 === 0 ? add(y, graph.input(`x${i}`, [4])) : scale(y, 0.5);
    graph.output('y', y);
    const groups = groupsOf(await fuse(graph));
    const values = groups.map((node) => node.inputs.length + attributesOf(node).instructions.length);
    expect(Math.max(...values)).toBeLessThanOrEqual(testCapabilities.elementwiseValues);
    expect(Math.min(...values.slice(0, -1))).toBeGreaterThan(testCapabilities.elementwiseValues - 3);
  });

  describe('of large maps', () => {
    const shape = [2, 8, 32, 33];

    /** A map, so many other nodes, and the sum of the map with something. */
    function distant(extent: readonly number[], between: number): Graph {
      const graph = new Graph();
      const x = graph.input('x', extent);
      const first = mul(x, graph.input('mask', extent));
      let other = graph.input('other', [1, 1, 2, 2]);
      for (let i = 0; i < between; i++) other = maxPool(other, { kernel: 1 });
      graph.output('y', add(first, reduceSum(other)));
      return graph;
    }

    it('merges along a chain', async () => {
      const graph = new Graph();
      const x = graph.input('x', shape);
      graph.output('y', add(mul(x, graph.input('gate', [2, 8, 1, 1])), relu(x)));
      expect(sizesOf(await fuse(graph))).toEqual([3]);
    });

    it('does not merge nodes that are far apart, which small tensors may be', async () => {
      expect(sizesOf(await fuse(distant(shape, 20)))).toEqual([2]);
      expect(sizesOf(await fuse(distant(shape, 60)))).toEqual([1, 1]);
      expect(sizesOf(await fuse(distant([2, 8, 4, 4], 60)))).toEqual([2]);
      expect(sizesOf(await fuse(distant([60_000], 60)))).toEqual([2]);
    });

    it('lets nothing else wait for a later node', async () => {
      const graph = new Graph();
      const first = relu(graph.input('x', shape));
      graph.output('pooled', maxPool(first, { kernel: 2 }));
      graph.output('y', add(first, graph.input('other', shape)));
      const fused = await fuse(graph);
      expect(fused.nodes.map(({ op }) => op)).toEqual([
        'input',
        'fusedElementwise',
        'maxPool',
        'input',
        'fusedElementwise',
      ]);
    });
  });

  it('gives the same results on graphs at random', async () => {
    for (let seed = 0; seed < 40; seed++) {
      const random = new Random(seed);
      const graph = new Graph();
      const shapes = [[3, 4], [4], [1, 4], []];
      const tensors = shapes.map((shape, index) => graph.input(`x${index}`, shape));
      const pick = () => tensors[Math.max(0, tensors.length - 1 - random.integer(12))];
      for (let i = 0; i < 40; i++) {
        const [a, b] = [pick(), pick()];
        const choices = [
          () => add(a, b),
          () => sigmoid(sub(b, a)),
          () => maximum(a, scale(b, 0.5)),
          () => broadcastTo(a.shape.length === 2 ? b : a, [3, 4]),
          () => (a.shape.length === 0 ? a : scale(reduceSum(a), 0.1)),
        ];
        const fits = choices[random.integer(choices.length)];
        tensors.push(fits());
      }
      tensors.slice(-6).forEach((tensor, index) => {
        graph.output(`y${index}`, tensor);
      });
      await fuse(removeDeadCode(graph));
    }
  });
});
