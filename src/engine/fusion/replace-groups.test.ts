import { describe, expect, it } from 'vitest';
import { Graph, type InputAttributes, stateAttributes, type Tensor } from '../../graph/graph.ts';
import { relu, sigmoid } from '../../graph/ops/activation.ts';
import { add, exp, log, mul, sqrt } from '../../graph/ops/elementwise.ts';
import { dropout } from '../../graph/ops/random.ts';
import { scale } from '../../graph/ops/reduction.ts';
import { split } from '../../graph/ops/shape.ts';
import { type NodeGroup, replaceGroups } from './replace-groups.ts';

/** A group whose nodes become one `merged` node; the results of the last node, or of `outputs`, stay. */
function merged(nodes: readonly Tensor[], outputs: readonly Tensor[] = nodes.slice(-1)): NodeGroup {
  const inside = new Set(nodes.map(({ node }) => node));
  return {
    nodes: [...inside],
    build: (input, target) => {
      const inputs = [...inside].flatMap((node) => node.inputs).filter(({ node }) => !inside.has(node));
      const results = target.add('merged', inputs.map(input), {}, outputs);
      return outputs.map((output, index) => [output, results[index]] as const);
    },
  };
}

const opsOf = (graph: Graph) => graph.nodes.map(({ op }) => op);

describe('replaceGroups', () => {
  it('copies a graph without groups as it is', () => {
    const graph = new Graph();
    const x = graph.input('x', [4]);
    const state = graph.state('state', [3], () => new Float32Array(3), { trainable: true, decay: true });
    const [first, rest] = split(dropout(x, 'drop', 0.25), 0, [1, 3]);
    graph.output('first', first);
    graph.output('state', state);
    graph.assign(state, add(rest, state));
    const copy = replaceGroups(graph, []);
    expect(opsOf(copy)).toEqual(opsOf(graph));
    expect([...copy.outputs.keys()]).toEqual(['first', 'state']);
    expect(copy.outputs.get('first')).toMatchObject({ index: 0, shape: [1] });
    expect(copy.updates.get('state')!.node.op).toBe('add');
    expect(stateAttributes(copy.states.get('state')!)).toMatchObject({ trainable: true, decay: true });
    const { random } = copy.inputs.get('random.drop')!.node.attributes as InputAttributes;
    expect(random).toEqual({ kind: 'dropout', keep: 0.75 });
    expect(copy.nodes.every(({ outputs }) => outputs.every((output) => output.graph === copy))).toBe(true);
  });

  it('runs a group where its last node stood, and what waits for it right after', () => {
    const graph = new Graph();
    const x = graph.input('x', [2]);
    const first = relu(x);
    const waiting = exp(first);
    const independent = log(x);
    const last = sigmoid(first);
    const behind = sqrt(x);
    for (const [name, tensor] of Object.entries({ waiting, independent, last, behind })) graph.output(name, tensor);
    const replaced = replaceGroups(graph, [merged([first, last], [first, last])]);
    expect(opsOf(replaced)).toEqual(['input', 'log', 'merged', 'exp', 'sqrt']);
    expect(replaced.outputs.get('last')).toMatchObject({ index: 1, node: { op: 'merged' } });
    expect(replaced.outputs.get('waiting')!.node.inputs[0]).toMatchObject({ index: 0, node: { op: 'merged' } });
  });

  it('lets groups depend on groups, given in any order', () => {
    const graph = new Graph();
    const x = graph.input('x', [2]);
    const [a, b] = [relu(x), sigmoid(x)];
    const [c, d] = [exp(a), log(b)];
    const sum = add(c, d);
    graph.output('y', scale(sum, 2));
    const replaced = replaceGroups(graph, [merged([d, sum]), merged([b]), merged([a, c])]);
    expect(opsOf(replaced)).toEqual(['input', 'merged', 'merged', 'merged', 'scale']);
    expect(replaced.nodes[3].inputs.map(({ node }) => replaced.nodes.indexOf(node))).toEqual([1, 2]);
  });

  it('orders many nodes, also where a group of the end holds all of them back', () => {
    const graph = new Graph();
    const x = graph.input('x', [1]);
    const gate = relu(x);
    const chain = [gate];
    for (let i = 0; i < 20_000; i++) chain.push(i % 2 === 0 ? scale(gate, i + 2) : exp(chain.at(-1)!));
    const last = sigmoid(x);
    graph.output('y', chain.at(-1)!);
    graph.output('z', last);
    const replaced = replaceGroups(graph, [merged([gate, last], [gate, last])]);
    const waiting = graph.nodes.slice(2, -1).map(({ op }) => op);
    expect(opsOf(replaced)).toEqual(['input', 'merged', ...waiting]);
  });

  it('keeps modules, and puts what takes the place of a group into the one that holds all of it', () => {
    const graph = new Graph();
    const outer = { path: 'a', kind: 'Outer', parent: undefined };
    const inner = { path: 'a.b', kind: 'Inner', parent: outer };
    const first = graph.within(inner, () => relu(graph.input('x', [2])));
    const last = graph.within(outer, () => exp(first));
    graph.output(
      'y',
      graph.within(inner, () => sqrt(last)),
    );
    const replaced = replaceGroups(graph, [merged([first, last])]);
    expect(replaced.nodes.map(({ op, module }) => `${op} ${module?.path}`)).toEqual([
      'input a.b',
      'merged a',
      'sqrt a.b',
    ]);
  });

  it('names the ops along a circle', () => {
    const graph = new Graph();
    const first = relu(graph.input('x', [2]));
    const last = mul(first, exp(sqrt(first)));
    graph.output('y', last);
    expect(() => replaceGroups(graph, [merged([first, last])])).toThrow(
      'cycle: {activation, mul} → sqrt → exp → {activation, mul}',
    );
  });

  it('refuses groups that overlap, nodes of another graph, and a result that is missing', () => {
    const graph = new Graph();
    const first = relu(graph.input('x', [2]));
    const last = exp(first);
    graph.output('y', last);
    expect(() => replaceGroups(graph, [merged([first]), merged([first, last])])).toThrow("'activation' is in two");
    const other = relu(new Graph().input('x', [2]));
    expect(() => replaceGroups(graph, [merged([other])])).toThrow('not in the graph');
    expect(() => replaceGroups(graph, [merged([first], [])])).toThrow('activation was dropped but is still used');
  });
});
