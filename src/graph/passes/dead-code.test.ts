import { describe, expect, it } from 'vitest';
import { Graph, type InputAttributes, stateAttributes } from '../graph.ts';
import { relu } from '../ops/activation.ts';
import { add } from '../ops/elementwise.ts';
import { dropout } from '../ops/random.ts';
import { scale } from '../ops/reduction.ts';
import { split } from '../ops/shape.ts';
import { liveNodes, removeDeadCode } from './dead-code.ts';

const zeros = () => new Float32Array(2);

describe('removeDeadCode', () => {
  it('drops nodes, constants and states that nothing depends on', () => {
    const graph = new Graph();
    const x = graph.input('x', [2]);
    add(relu(x), graph.constant([1, 2], [2]));
    graph.state('unused', [2], zeros);
    graph.output('y', scale(x, 2));
    const live = removeDeadCode(graph);
    expect(live.nodes.map(({ op }) => op)).toEqual(['input', 'scale']);
    expect([...live.states.keys()]).toEqual([]);
    expect([...live.outputs.keys()]).toEqual(['y']);
  });

  it('keeps inputs that nothing reads, since callers feed them', () => {
    const graph = new Graph();
    graph.input('unused', [3]);
    graph.output('y', relu(graph.input('x', [2])));
    expect([...removeDeadCode(graph).inputs.keys()]).toEqual(['unused', 'x']);
  });

  it('keeps what only an update needs, and the state that is assigned', () => {
    const graph = new Graph();
    const x = graph.input('x', [2]);
    const mean = graph.state('mean', [2], zeros, { trainable: true, decay: true });
    graph.assign(mean, scale(x, 0.5));
    const live = removeDeadCode(graph);
    expect(live.nodes.map(({ op }) => op)).toEqual(['input', 'state', 'scale']);
    expect(live.updates.get('mean')!.node.op).toBe('scale');
    expect(stateAttributes(live.states.get('mean')!)).toMatchObject({ name: 'mean', trainable: true, decay: true });
  });

  it('keeps a node of which one output is used, and how an input is drawn', () => {
    const graph = new Graph();
    const x = graph.input('x', [4]);
    graph.output('y', dropout(split(x, 0, [1, 3])[1], 'drop', 0.25));
    const live = removeDeadCode(graph);
    expect(live.nodes.map(({ op }) => op)).toEqual(['input', 'split', 'input', 'mul']);
    const { random } = live.inputs.get('random.drop')!.node.attributes as InputAttributes;
    expect(random).toEqual({ kind: 'dropout', keep: 0.75 });
  });

  it('leaves the source graph as it was', () => {
    const graph = new Graph();
    const x = graph.input('x', [2]);
    relu(x);
    graph.output('y', scale(x, 2));
    removeDeadCode(graph);
    expect(graph.nodes).toHaveLength(3);
    expect(liveNodes(graph)).toEqual([graph.nodes[0], graph.nodes[2]]);
  });
});
