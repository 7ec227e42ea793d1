import { describe, expect, it } from 'vitest';
import { createReferenceEngine } from '../../engine/reference/reference-engine.ts';
import { Graph } from '../graph.ts';
import { mul } from '../ops/elementwise.ts';
import { freezeStates } from './freeze.ts';

function build(): Graph {
  const graph = new Graph();
  const w = graph.state('w', [2], () => Float32Array.of(2, 3), { trainable: true });
  graph.output('y', mul(graph.input('x', [2]), w));
  return graph;
}

async function run(graph: Graph): Promise<number[]> {
  const program = await createReferenceEngine().compile(graph);
  return [...(await program.run({ x: Float32Array.of(10, 10) })).y];
}

describe('freezeStates', () => {
  it('makes constants of the initial values or of the given ones', async () => {
    expect(await run(freezeStates(build()))).toEqual([20, 30]);
    const frozen = freezeStates(build(), new Map([['w', Float32Array.of(5, 6)]]));
    expect(await run(frozen)).toEqual([50, 60]);
    expect(frozen.states.size).toBe(0);
  });

  it('ignores values that the graph has no state for', async () => {
    const values = new Map([
      ['w', Float32Array.of(5, 6)],
      ['momentum.w', Float32Array.of(0, 0)],
    ]);
    expect(await run(freezeStates(build(), values))).toEqual([50, 60]);
  });

  it('names a weight that is missing or has another length', () => {
    expect(() => freezeStates(build(), new Map())).toThrow(/'w'/);
    expect(() => freezeStates(build(), new Map([['w', new Float32Array(3)]]))).toThrow(/'w' has 3 values.*expects 2/);
  });

  it('refuses a graph that updates its states', () => {
    const graph = build();
    const w = graph.states.get('w')!;
    graph.assign(w, mul(w, w));
    expect(() => freezeStates(graph)).toThrow(/updates its states/);
  });
});
