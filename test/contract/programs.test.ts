import { describe, expect, it } from 'vitest';
import { Graph } from '../../src/graph/graph.ts';
import { relu } from '../../src/graph/ops/activation.ts';
import { add, mul } from '../../src/graph/ops/elementwise.ts';
import { scale } from '../../src/graph/ops/reduction.ts';
import { loadEngines } from './engines.ts';

const engines = await loadEngines();

/** y = x·a, then a ← a + b and b ← a: a pair of states that read each other. */
function buildPair(): Graph {
  const graph = new Graph();
  const x = graph.input('x', [2]);
  const a = graph.state('a', [2], () => Float32Array.of(1, 10), { trainable: true });
  const b = graph.state('b', [2], () => Float32Array.of(2, 20));
  graph.output('y', mul(x, a));
  graph.assign(a, add(a, b));
  graph.assign(b, a);
  return graph;
}

function float(...values: number[]): Float32Array {
  return Float32Array.from(values);
}

describe.each(engines)('programs of the engine $name on $device', (engine) => {
  describe('states', () => {
    it('start with their initial values', async () => {
      const program = await engine.compile(buildPair());
      expect(await program.readStates()).toEqual(
        new Map([
          ['a', float(1, 10)],
          ['b', float(2, 20)],
        ]),
      );
    });

    it('all change at once, from the values before the run', async () => {
      const program = await engine.compile(buildPair());
      expect((await program.run({ x: float(1, 1) })).y).toEqual(float(1, 10));
      expect(await program.readStates()).toEqual(
        new Map([
          ['a', float(3, 30)],
          ['b', float(1, 10)],
        ]),
      );
      expect((await program.run({ x: float(2, 2) })).y).toEqual(float(6, 60));
      expect(await program.readStates()).toEqual(
        new Map([
          ['a', float(4, 40)],
          ['b', float(3, 30)],
        ]),
      );
    });

    it('may be scalars, or of any rank', async () => {
      const graph = new Graph();
      for (const shape of [[], [3], [2, 2], [1, 2, 2], [1, 2, 1, 2]]) {
        const state = graph.state(`rank ${shape.length}`, shape, () =>
          Float32Array.from({ length: shape.reduce((a, b) => a * b, 1) }, (_, i) => i + 1),
        );
        graph.assign(state, scale(state, 2));
      }
      const program = await engine.compile(graph);
      await program.run({});
      expect(Object.fromEntries(await program.readStates())).toEqual({
        'rank 0': float(2),
        'rank 1': float(2, 4, 6),
        'rank 2': float(2, 4, 6, 8),
        'rank 3': float(2, 4, 6, 8),
        'rank 4': float(2, 4, 6, 8),
      });
    });

    it('can be written after a run, and run again', async () => {
      const program = await engine.compile(buildPair());
      await program.run({ x: float(1, 1) });
      await program.writeStates(new Map([['a', float(7, 70)]]));
      expect((await program.readStates(['a', 'b'])).get('a')).toEqual(float(7, 70));
      expect((await program.run({ x: float(1, 2) })).y).toEqual(float(7, 140));
      expect(await program.readStates()).toEqual(
        new Map([
          ['a', float(8, 80)],
          ['b', float(7, 70)],
        ]),
      );
    });

    it('can be exchanged with each other', async () => {
      const graph = new Graph();
      const a = graph.state('a', [2], () => float(1, 2));
      const b = graph.state('b', [2], () => float(3, 4));
      graph.assign(a, b);
      graph.assign(b, a);
      graph.output('sum', add(a, scale(b, 2)));
      const program = await engine.compile(graph);
      expect((await program.run({})).sum).toEqual(float(7, 10));
      expect((await program.run({})).sum).toEqual(float(5, 8));
      expect((await program.run({})).sum).toEqual(float(7, 10));
    });

    it('that nothing assigns keep their values', async () => {
      const graph = new Graph();
      const weight = graph.state('weight', [1], () => float(3));
      graph.output('y', mul(graph.input('x', [1]), weight));
      const program = await engine.compile(graph);
      for (const x of [1, 2, 3]) expect((await program.run({ x: float(x) })).y).toEqual(float(3 * x));
      expect((await program.readStates(['weight'])).get('weight')).toEqual(float(3));
    });

    it('can take an input or a constant', async () => {
      const graph = new Graph();
      const kept = graph.state('kept', [2], () => float(0, 0));
      const fixed = graph.state('fixed', [2], () => float(0, 0));
      graph.assign(kept, graph.input('x', [2]));
      graph.assign(fixed, graph.constant([8, 9], [2]));
      graph.output('before', add(kept, fixed));
      const program = await engine.compile(graph);
      expect((await program.run({ x: float(1, 2) })).before).toEqual(float(0, 0));
      expect((await program.run({ x: float(5, 6) })).before).toEqual(float(9, 11));
      expect((await program.readStates(['kept'])).get('kept')).toEqual(float(5, 6));
    });

    it('that nothing reads can be written and read', async () => {
      const graph = new Graph();
      graph.state('unused', [2], () => float(1, 2));
      graph.output('y', relu(graph.input('x', [1])));
      const program = await engine.compile(graph);
      expect(await program.readStates()).toEqual(new Map([['unused', float(1, 2)]]));
      await program.writeStates(new Map([['unused', float(3, 4)]]));
      await program.run({ x: float(1) });
      expect((await program.readStates(['unused'])).get('unused')).toEqual(float(3, 4));
    });

    it('are not changed through the arrays that go in and out', async () => {
      const graph = new Graph();
      const initial = float(1, 2);
      const a = graph.state('a', [2], () => initial);
      const x = graph.input('x', [2]);
      graph.output('a', a);
      graph.assign(a, x);
      const program = await engine.compile(graph);
      initial.fill(-1);
      const fed = float(3, 4);
      (await program.run({ x: fed })).a.fill(-1);
      fed.fill(-1);
      (await program.readStates()).get('a')!.fill(-1);
      expect((await program.readStates()).get('a')).toEqual(float(3, 4));
      const written = float(5, 6);
      await program.writeStates(new Map([['a', written]]));
      written.fill(-1);
      expect((await program.run({ x: fed })).a).toEqual(float(5, 6));
    });
  });

  describe('readStates and writeStates', () => {
    it('read only what is asked for', async () => {
      const program = await engine.compile(buildPair());
      expect([...(await program.readStates(['b'])).keys()]).toEqual(['b']);
      expect((await program.readStates([])).size).toBe(0);
      await expect(program.readStates(['b', 'weihgt'])).rejects.toThrow(/weihgt/);
    });

    it('write some states and leave the others', async () => {
      const program = await engine.compile(buildPair());
      await program.writeStates(new Map([['a', float(5, 6)]]));
      expect(await program.readStates()).toEqual(
        new Map([
          ['a', float(5, 6)],
          ['b', float(2, 20)],
        ]),
      );
      expect((await program.run({ x: float(1, 1) })).y).toEqual(float(5, 6));
    });

    it.each([
      ['an unknown name', 'c', float(1, 2), /'c'/],
      ['too few values', 'b', float(1), /'b'.*1/],
      ['too many values', 'b', float(1, 2, 3), /'b'.*3/],
    ])('write nothing where one is wrong: %s', async (_, name, value, message) => {
      const program = await engine.compile(buildPair());
      const values = new Map([
        ['a', float(5, 6)],
        [name, value],
      ]);
      await expect(program.writeStates(values)).rejects.toThrow(message);
      expect(await program.readStates()).toEqual(
        new Map([
          ['a', float(1, 10)],
          ['b', float(2, 20)],
        ]),
      );
    });
  });

  describe('inputs', () => {
    const wrong: [string, Record<string, Float32Array | Int32Array>, RegExp][] = [
      ['a missing input', {}, /'x'/],
      ['an unknown input', { x: float(1, 2), labels: float(1) }, /'labels'/],
      ['too few values', { x: float(1) }, /'x'.*1/],
      ['too many values', { x: float(1, 2, 3) }, /'x'.*3/],
      ['another element type', { x: Int32Array.of(1, 2) }, /'x'/],
    ];

    it.each(wrong)('%s is an error, and the states stay as they were', async (_, values, message) => {
      const program = await engine.compile(buildPair());
      await expect(program.run(values)).rejects.toThrow(message);
      expect((await program.readStates()).get('a')).toEqual(float(1, 10));
      expect((await program.run({ x: float(1, 1) })).y).toEqual(float(1, 10));
    });

    it('that nothing reads are wanted all the same', async () => {
      const graph = new Graph();
      graph.input('unused', [1]);
      graph.output('y', relu(graph.input('x', [1])));
      const program = await engine.compile(graph);
      await expect(program.run({ x: float(1) })).rejects.toThrow(/'unused'/);
      expect((await program.run({ x: float(1), unused: float(0) })).y).toEqual(float(1));
    });
  });

  it('gives back outputs that are an input, a constant, a state, or one tensor twice', async () => {
    const graph = new Graph();
    const x = graph.input('x', [2]);
    const y = relu(x);
    graph.output('input', x);
    graph.output('constant', graph.constant([7, 8], [2]));
    graph.output(
      'state',
      graph.state('w', [2], () => float(3, 4)),
    );
    graph.output('once', y);
    graph.output('twice', y);
    const program = await engine.compile(graph);
    expect(await program.run({ x: float(-1, 2) })).toEqual({
      input: float(-1, 2),
      constant: float(7, 8),
      state: float(3, 4),
      once: float(0, 2),
      twice: float(0, 2),
    });
  });

  it('leaves out what no output and no update needs', async () => {
    const graph = new Graph();
    const x = graph.input('x', [2]);
    scale(relu(x), 2);
    graph.output('y', add(x, x));
    const program = await engine.compile(graph);
    expect(await program.run({ x: float(1, 2) })).toEqual({ y: float(2, 4) });
  });

  it('names an op that it does not know when it compiles', async () => {
    const graph = new Graph();
    const x = graph.input('x', [2]);
    graph.output('y', graph.add('frobnicate', [x], {}, [x])[0]);
    await expect(engine.compile(graph)).rejects.toThrow(/frobnicate/);
  });

  it('keeps several programs apart, also of the same graph and at the same time', async () => {
    const graph = buildPair();
    const programs = await Promise.all([engine.compile(graph), engine.compile(graph), engine.compile(buildPair())]);
    await programs[0].writeStates(new Map([['a', float(100, 100)]]));
    const results = await Promise.all(programs.map((program) => program.run({ x: float(1, 1) })));
    expect(results.map(({ y }) => y[0])).toEqual([100, 1, 1]);
    await programs[0].dispose();
    expect((await programs[1].run({ x: float(1, 1) })).y).toEqual(float(3, 30));
    expect((await programs[2].readStates(['a'])).get('a')).toEqual(float(3, 30));
  });

  it('gives the same numbers for the same run', async () => {
    const graph = new Graph();
    const x = graph.input('x', [3]);
    graph.output('y', relu(scale(x, 1 / 3)));
    const program = await engine.compile(graph);
    const first = (await program.run({ x: float(1, 2, 3) })).y.slice();
    expect((await program.run({ x: float(1, 2, 3) })).y).toEqual(first);
  });

  it('carries out calls that overlap one after the other', async () => {
    const program = await engine.compile(buildPair());
    const [first, between, , second, after] = await Promise.all([
      program.run({ x: float(1, 1) }),
      program.readStates(['a']),
      program.writeStates(new Map([['b', float(5, 5)]])),
      program.run({ x: float(2, 2) }),
      program.readStates(),
    ]);
    expect(first.y).toEqual(float(1, 10));
    expect(between.get('a')).toEqual(float(3, 30));
    expect(second.y).toEqual(float(6, 60));
    expect(after).toEqual(
      new Map([
        ['a', float(8, 35)],
        ['b', float(3, 30)],
      ]),
    );
  });

  it('runs on after a call that failed', async () => {
    const program = await engine.compile(buildPair());
    const failed = program.run({ x: float(1) });
    const next = program.run({ x: float(1, 1) });
    await expect(failed).rejects.toThrow(/'x'/);
    expect((await next).y).toEqual(float(1, 10));
  });

  it('leaves the initial values of the graph as they are', async () => {
    const graph = new Graph();
    const initial = float(1, 2);
    const a = graph.state('a', [2], () => initial);
    graph.assign(a, scale(a, 2));
    graph.output('a', a);
    const program = await engine.compile(graph);
    for (let run = 0; run < 4; run++) await program.run({});
    expect(initial).toEqual(float(1, 2));
    expect((await program.readStates()).get('a')).toEqual(float(16, 32));
  });

  it('ends the calls that are under way before it is disposed', async () => {
    const program = await engine.compile(buildPair());
    const [{ y }] = await Promise.all([program.run({ x: float(1, 1) }), program.dispose()]);
    expect(y).toEqual(float(1, 10));
  });

  it('cannot be used once it is disposed, and may be disposed twice', async () => {
    const program = await engine.compile(buildPair());
    await program.dispose();
    await expect(program.run({ x: float(1, 1) })).rejects.toThrow(/disposed/);
    await expect(program.readStates()).rejects.toThrow(/disposed/);
    await expect(program.writeStates(new Map())).rejects.toThrow(/disposed/);
    await program.dispose();
  });
});
