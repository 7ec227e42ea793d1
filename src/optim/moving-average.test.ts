import { describe, expect, it } from 'vitest';
import { Graph } from '../graph/graph.ts';
import { averageDecayAt, packAverage, unpackAverage } from './moving-average.ts';

describe('packAverage', () => {
  const graph = new Graph();
  const states = [
    graph.state('a', [2], () => Float32Array.of(1, 2)),
    graph.state('b', [1, 3], () => Float32Array.of(3, 4, 5)),
  ];

  it('is the inverse of unpackAverage', () => {
    const values = new Map([
      ['a', Float32Array.of(6, 7)],
      ['b', Float32Array.of(8, 9, 10)],
    ]);
    expect(packAverage(states, values)).toEqual(Float32Array.of(6, 7, 8, 9, 10));
    expect(unpackAverage(states, packAverage(states, values))).toEqual(values);
  });

  it('takes initial values for states that are not given', () => {
    expect(packAverage(states, new Map([['b', Float32Array.of(8, 9, 10)]]))).toEqual(Float32Array.of(1, 2, 8, 9, 10));
  });
});

describe('averageDecayAt', () => {
  it('starts at a tenth, and ends at the decay of the configuration', () => {
    expect([averageDecayAt(0, 0.998), averageDecayAt(8, 0.998), averageDecayAt(1e6, 0.998)]).toEqual([0.1, 0.5, 0.998]);
  });
});
