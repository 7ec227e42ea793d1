import { describe, expect, it } from 'vitest';
import { Graph, type Tensor } from '../../src/graph/graph.ts';
import { add, mul, sub } from '../../src/graph/ops/elementwise.ts';
import { scale } from '../../src/graph/ops/reduction.ts';
import { flatten, unflatten } from '../../src/optim/flat-vector.ts';
import { loadEngines } from './engines.ts';

const engines = await loadEngines();

function float(...values: number[]): Float32Array {
  return Float32Array.from(values);
}

/** The weights of a made-up network: two parameters, which an update handles as one vector. */
function weights(graph: Graph): Tensor[] {
  return [
    graph.state('a', [2], () => float(1, 2), { trainable: true }),
    graph.state('b', [1, 3], () => float(10, 20, 30), { trainable: true }),
  ];
}

/** sum ← keep·sum + x·w over all weights as one vector. */
function accumulateGraph(): Graph {
  const graph = new Graph();
  const x = graph.input('x', [5]);
  const keep = graph.input('keep', []);
  const sum = graph.state('sum', [5], () => new Float32Array(5));
  const product = mul(x, flatten(weights(graph)));
  graph.assign(sum, add(mul(sum, keep), product));
  graph.output('product', product);
  graph.output('twice', scale(product, 2));
  return graph;
}

/** w ← w − rate·sum. */
function updateGraph(): Graph {
  const graph = new Graph();
  const rate = graph.input('rate', []);
  const parameters = weights(graph);
  const sum = graph.state('sum', [5], () => new Float32Array(5));
  const next = sub(flatten(parameters), mul(sum, rate));
  unflatten(
    next,
    parameters.map(({ shape }) => shape),
  ).forEach((value, index) => {
    graph.assign(parameters[index], value);
  });
  graph.output('next', next);
  return graph;
}

/** A graph that leaves the weights alone and reads one of them. */
function readGraph(): Graph {
  const graph = new Graph();
  graph.output('double', scale(weights(graph)[1], 2));
  return graph;
}

function entries() {
  return { accumulate: accumulateGraph(), update: updateGraph(), read: readGraph() };
}

describe.each(engines)('entries of the engine $name on $device', (engine) => {
  it('work on one store of states', async () => {
    const program = await engine.compileEntries(entries());
    await program.run('accumulate', { x: float(1, 1, 1, 1, 1), keep: float(0) });
    await program.run('accumulate', { x: float(1, 0, 0, 0, 2), keep: float(1) });
    expect((await program.readStates(['sum'])).get('sum')).toEqual(float(2, 2, 10, 20, 90));
    const { next } = await program.run('update', { rate: float(0.5) });
    expect(next).toEqual(float(0, 1, 5, 10, -15));
    expect((await program.run('read', {})).double).toEqual(float(10, 20, -30));
    // What is not kept is gone.
    await program.run('accumulate', { x: float(0, 1, 0, 0, 1), keep: float(0) });
    expect(await program.readStates()).toEqual(
      new Map([
        ['a', float(0, 1)],
        ['b', float(5, 10, -15)],
        ['sum', float(0, 1, 0, 0, -15)],
      ]),
    );
    await program.dispose();
  });

  it('see what is written into the states, whatever the order of the entries', async () => {
    const { accumulate, update, read } = entries();
    const program = await engine.compileEntries({ read, update, accumulate });
    await program.writeStates(
      new Map([
        ['b', float(1, 2, 3)],
        ['sum', float(1, 1, 1, 1, 1)],
      ]),
    );
    expect((await program.run('read', {})).double).toEqual(float(2, 4, 6));
    await program.run('update', { rate: float(1) });
    expect((await program.readStates(['a', 'b'])).get('b')).toEqual(float(0, 1, 2));
    expect((await program.run('accumulate', { x: float(1, 1, 1, 1, 1), keep: float(0) })).product).toEqual(
      float(0, 1, 0, 1, 2),
    );
    await program.dispose();
  });

  it('are run one after the other, in the order of the calls', async () => {
    const program = await engine.compileEntries(entries());
    const x = float(1, 1, 1, 1, 1);
    const [first, , second] = await Promise.all([
      program.run('accumulate', { x, keep: float(0) }),
      program.run('update', { rate: float(1) }),
      program.run('accumulate', { x, keep: float(1) }),
    ]);
    expect(first.product).toEqual(float(1, 2, 10, 20, 30));
    expect(second.product).toEqual(float(0, 0, 0, 0, 0));
    await program.dispose();
  });

  it('give back the outputs that they are asked for', async () => {
    const program = await engine.compileEntries(entries());
    const inputs = { x: float(1, 1, 1, 1, 1), keep: float(1) };
    expect(await program.run('accumulate', inputs, [])).toEqual({});
    expect(await program.run('accumulate', inputs, ['twice'])).toEqual({ twice: float(2, 4, 20, 40, 60) });
    // Whatever is read, the states move on.
    expect((await program.readStates(['sum'])).get('sum')).toEqual(float(2, 4, 20, 40, 60));
    expect(await program.run('read', {}, [])).toEqual({});
    await expect(program.run('accumulate', inputs, ['norm'])).rejects.toThrow(
      "the graph has no output 'norm'; its outputs are product, twice",
    );
    await program.dispose();
  });

  it('refuse names and shapes that do not fit', async () => {
    const program = await engine.compileEntries(entries());
    await expect(program.run('train' as 'read', {})).rejects.toThrow(
      "the program has no entry 'train'; its entries are accumulate, update, read",
    );
    await expect(program.run('read', { x: float(1) })).rejects.toThrow("no input 'x'");
    await expect(program.readStates(['c'])).rejects.toThrow("the program has no state 'c'");
    await program.dispose();
    const other = new Graph();
    other.output(
      'y',
      other.state('a', [3], () => float(1, 2, 3)),
    );
    await expect(engine.compileEntries({ read: readGraph(), other })).rejects.toThrow(
      "the state 'a' is 3 in the entry 'other' but 2 in another",
    );
  });
});
