import { describe, expect, it, vi } from 'vitest';
import { createReferenceEngine, evaluateNode } from '../../engine/reference/reference-engine.ts';
import { type ConstantAttributes, Graph } from '../graph.ts';
import { add, mul } from '../ops/elementwise.ts';
import { broadcastTo, scale } from '../ops/reduction.ts';
import { reshape, split } from '../ops/shape.ts';
import { oneHot } from '../ops/softmax.ts';
import { foldConstants } from './constant-folding.ts';
import { removeDeadCode } from './dead-code.ts';

describe('foldConstants', () => {
  it('computes what depends on constants alone, all the way, and gives the same results', async () => {
    const graph = new Graph();
    const x = graph.input('x', [3, 2]);
    const table = scale(add(graph.constant([1, 2, 3, 4], [4]), graph.scalar(0.5)), 3);
    const [first, second] = split(table, 0, [2, 2]);
    graph.output('y', add(mul(x, first), second));
    const folded = removeDeadCode(foldConstants(graph, evaluateNode));
    expect(folded.nodes.map(({ op }) => op).sort()).toEqual(['add', 'constant', 'constant', 'input', 'mul']);
    const inputs = { x: Float32Array.of(1, 2, 3, 4, 5, 6) };
    const run = async (which: Graph) => (await (await createReferenceEngine().compile(which)).run(inputs)).y;
    expect(await run(folded)).toEqual(await run(graph));
    expect(await run(folded)).toEqual(Float32Array.of(15, 28.5, 24, 43.5, 33, 58.5));
  });

  it('keeps element types', () => {
    const graph = new Graph();
    const labels = reshape(graph.constant(Int32Array.of(0, 2, 1, 255), [4]), [1, 2, 2]);
    graph.output('y', scale(oneHot(labels, 3), 2));
    const folded = removeDeadCode(foldConstants(graph, evaluateNode));
    expect(folded.nodes).toHaveLength(1);
    const { data } = folded.nodes[0].attributes as ConstantAttributes;
    expect([...data]).toEqual([2, 0, 0, 0, 0, 0, 2, 0, 0, 2, 0, 0]);
    const whole = foldConstants(graph, evaluateNode);
    expect(whole.nodes.filter(({ outputs }) => outputs[0].dtype === 'int32')).toHaveLength(2);
  });

  it('leaves states and inputs alone', () => {
    const graph = new Graph();
    const w = graph.state('w', [2], () => Float32Array.of(1, 2));
    graph.output('y', scale(w, 2));
    graph.output('z', scale(graph.input('x', [2]), 2));
    const evaluate = vi.fn(evaluateNode);
    expect(foldConstants(graph, evaluate).nodes.map(({ op }) => op)).toEqual(['state', 'scale', 'input', 'scale']);
    expect(evaluate).not.toHaveBeenCalled();
  });

  it('leaves values alone that would be too large', () => {
    const graph = new Graph();
    graph.output('small', broadcastTo(graph.scalar(1), [4, 4]));
    graph.output('large', broadcastTo(graph.scalar(1), [4, 5]));
    const folded = foldConstants(graph, evaluateNode, 16);
    expect(folded.outputs.get('small')!.node.op).toBe('constant');
    expect(folded.outputs.get('large')!.node.op).toBe('broadcastTo');
  });
});
