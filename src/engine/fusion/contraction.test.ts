import { describe, expect, it } from 'vitest';
import { Graph, type GraphNode, type Tensor } from '../../graph/graph.ts';
import { relu } from '../../graph/ops/activation.ts';
import { add } from '../../graph/ops/elementwise.ts';
import { Random } from '../../random/random.ts';
import { Contraction } from './contraction.ts';

describe('Contraction', () => {
  it('merges a chain, and refuses what would leave a group and come back', () => {
    const graph = new Graph();
    const x = graph.input('x', [2]);
    const first = relu(x);
    const outside = relu(first);
    const last = add(first, outside);
    const contraction = new Contraction(graph);
    expect(contraction.merge([first.node, last.node])).toBe(false);
    expect(contraction.merge([first.node, outside.node])).toBe(true);
    expect(contraction.merge([first.node, last.node])).toBe(true);
  });

  it('refuses two groups that wait for each other', () => {
    const graph = new Graph();
    const x = graph.input('x', [2]);
    const [a, c] = [relu(x), relu(x)];
    const [b, d] = [relu(c), relu(a)];
    const contraction = new Contraction(graph);
    expect(contraction.merge([a.node, b.node])).toBe(true);
    expect(contraction.merge([c.node, d.node])).toBe(false);
    expect(contraction.merge([a.node, d.node])).toBe(true);
  });

  it('agrees with a search of the whole graph, merge by merge', () => {
    for (let seed = 0; seed < 60; seed++) {
      const random = new Random(seed);
      const graph = new Graph();
      const tensors: Tensor[] = [graph.input('x', [1]), graph.input('y', [1])];
      const pick = () => tensors[Math.max(0, tensors.length - 1 - random.integer(6))];
      for (let i = 0; i < 24; i++) tensors.push(random.chance(0.5) ? relu(pick()) : add(pick(), pick()));
      const contraction = new Contraction(graph);
      const groupOf = new Map(graph.nodes.map((node, index) => [node, index]));
      for (let attempt = 0; attempt < 30; attempt++) {
        const nodes = Array.from({ length: 2 + random.integer(2) }, () => graph.nodes[random.integer(26)]);
        const merging = new Set(nodes.map((node) => groupOf.get(node)!));
        const merged = new Map(
          [...groupOf].map(([node, group]) => [node, merging.has(group) ? 1000 + attempt : group]),
        );
        const possible = canBeOrdered(graph.nodes, merged);
        expect(contraction.merge(nodes)).toBe(possible);
        if (possible) for (const [node, group] of merged) groupOf.set(node, group);
      }
    }
  });
});

/** Whether groups can be run one after the other: takes away those that wait for none, until none is left. */
function canBeOrdered(nodes: readonly GraphNode[], groupOf: ReadonlyMap<GraphNode, number>): boolean {
  const left = new Set(groupOf.values());
  for (let before = -1; before !== left.size; ) {
    before = left.size;
    for (const group of left) {
      const members = nodes.filter((node) => groupOf.get(node) === group);
      const producers = members.flatMap(({ inputs }) => inputs.map(({ node }) => groupOf.get(node)!));
      if (producers.every((producer) => producer === group || !left.has(producer))) left.delete(group);
    }
  }
  return left.size === 0;
}
