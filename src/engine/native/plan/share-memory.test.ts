import { describe, expect, it } from 'vitest';
import { type Operation, rootOf, type Value } from './operation.ts';
import { type Boundary, shareMemory as shareEntries } from './share-memory.ts';

function value(name: string, shape: readonly number[], role: Value['role'] = 'computed', block = 1): Value {
  return { name, shape, dtype: 'float32', block, role };
}

function operation(kind: string, reads: Value[], writes: Value[], rest: Partial<Operation> = {}): Operation {
  return { kind, label: kind, reads, writes, fields: () => ({}), ...rest };
}

function shareMemory(operations: Operation[], boundary: Boundary): Operation[] {
  return shareEntries([{ operations, boundary }])[0];
}

function join(parts: Value[], target: Value, strided: Value[] = []): Operation {
  let start = 0;
  const joins = parts.map((part) => {
    const offset = start;
    start += part.shape.reduce((a, b) => a * b, 1) / (part.shape.length === 4 ? part.shape[0] : 1);
    return { part, offset };
  });
  return operation('copies', parts, [target], { joins, strided });
}

describe('joined parts', () => {
  it('are computed where they are joined', () => {
    const [a, b, all] = [value('a', [3]), value('b', [2]), value('all', [5])];
    shareMemory([operation('make', [], [a]), operation('make', [], [b]), join([a, b], all)], {
      updates: [],
      outputs: [all],
    });
    expect(rootOf(a)).toEqual({ root: all, offset: 0 });
    expect(rootOf(b)).toEqual({ root: all, offset: 3 });
  });

  it('stay where they are when they are outputs, or come up twice', () => {
    const [a, b, all] = [value('a', [3]), value('b', [2]), value('all', [8])];
    shareMemory([operation('make', [], [a]), operation('make', [], [b]), join([a, b, a], all)], {
      updates: [],
      outputs: [b, all],
    });
    expect(rootOf(a).root).toBe(a);
    expect(rootOf(b).root).toBe(b);
  });

  it('become views with gaps only where everybody can work with those', () => {
    const map = (name: string, channels: number) => value(name, [2, channels, 4, 4], 'computed', 16);
    const [plain, other, all] = [map('plain', 16), map('other', 32), map('all', 48)];
    const operations = [
      operation('convolution', [], [plain]),
      operation('resize', [], [other], { strided: [other] }),
      join([plain, other], all, [all, plain, other]),
    ];
    shareMemory(operations, { updates: [], outputs: [all] });
    expect(rootOf(plain).root).toBe(plain);
    expect(rootOf(other).root).toBe(all);
    expect(other.imageStride).toBe(48 * 16);
  });

  it('are copied for whoever cannot read views', () => {
    const whole = value('whole', [2, 32, 4, 4], 'computed', 16);
    const part: Value = {
      ...value('part', [2, 16, 4, 4], 'computed', 16),
      view: { of: whole, offset: 256 },
      imageStride: 512,
    };
    const result = value('result', [2, 16, 4, 4], 'computed', 16);
    const operations = shareMemory([operation('make', [], [whole]), operation('convolution', [part], [result])], {
      updates: [],
      outputs: [result],
    });
    expect(operations.map(({ kind }) => kind)).toEqual(['make', 'copies', 'convolution']);
    expect(operations[2].reads[0]).not.toBe(part);
  });
});

describe('states', () => {
  it('live where the vector of all of them is', () => {
    const [a, b, all] = [value('a', [3], 'state'), value('b', [2], 'state'), value('all', [5])];
    shareMemory([join([a, b], all), operation('use', [all], [])], { updates: [], outputs: [] });
    expect(rootOf(b)).toEqual({ root: all, offset: 3 });
    expect(all.role).toBe('state');
  });

  it('are computed in place when nothing reads the old value any more', () => {
    const [state, next] = [value('state', [4], 'state'), value('next', [4])];
    const step = operation('elementwise', [state], [next], { inPlace: [[next, state]] });
    const operations = shareMemory([operation('use', [state], []), step], { updates: [{ state, next }], outputs: [] });
    expect(rootOf(next).root).toBe(state);
    expect(operations.length).toBe(2);
  });

  it('are copied at the end when something reads the old value later', () => {
    const [state, next] = [value('state', [4], 'state'), value('next', [4])];
    const step = operation('elementwise', [state], [next], { inPlace: [[next, state]] });
    const operations = shareMemory([step, operation('use', [state], [])], { updates: [{ state, next }], outputs: [] });
    expect(rootOf(next).root).toBe(next);
    expect(operations.at(-1)!.writes).toEqual([state]);
  });

  it('are copied when the operation does not read and write element by element', () => {
    const [state, next] = [value('state', [4], 'state'), value('next', [4])];
    const operations = shareMemory([operation('transpose', [state], [next])], {
      updates: [{ state, next }],
      outputs: [],
    });
    expect(rootOf(next).root).toBe(next);
    expect(operations.length).toBe(2);
  });

  it('are computed in place also when the new value is joined with others', () => {
    const [state, next, all] = [value('state', [4], 'state'), value('next', [4]), value('all', [8])];
    const step = operation('elementwise', [state], [next], { inPlace: [[next, state]] });
    shareMemory([step, join([next, value('other', [4], 'constant')], all)], {
      updates: [{ state, next }],
      outputs: [all],
    });
    expect(rootOf(next).root).toBe(state);
  });

  it('that take the values of each other go by way of copies', () => {
    const [a, b] = [value('a', [4], 'state'), value('b', [4], 'state')];
    const operations = shareMemory([], {
      updates: [
        { state: a, next: b },
        { state: b, next: a },
      ],
      outputs: [],
    });
    expect(operations.map(({ reads, writes }) => [reads[0].name, writes[0].name])).toEqual([
      ['b', 'old b'],
      ['a', 'old a'],
      ['old b', 'a'],
      ['old a', 'b'],
    ]);
  });

  it('keep their old value for another state that takes it', () => {
    const [a, b, sum] = [value('a', [4], 'state'), value('b', [4], 'state'), value('sum', [4])];
    const step = operation('elementwise', [a, b], [sum], {
      inPlace: [
        [sum, a],
        [sum, b],
      ],
    });
    shareMemory([step], {
      updates: [
        { state: a, next: sum },
        { state: b, next: a },
      ],
      outputs: [],
    });
    expect(rootOf(sum).root).toBe(sum);
  });

  it('of a vector that is computed as a whole are computed in place together', () => {
    const [a, b, all, next] = [
      value('a', [3], 'state'),
      value('b', [2], 'state'),
      value('all', [5]),
      value('next', [5]),
    ];
    const part = (name: string, length: number, offset: number): Value => ({
      ...value(name, [length]),
      view: { of: next, offset },
    });
    const step = operation('elementwise', [all], [next], { inPlace: [[next, all]] });
    const operations = shareMemory([join([a, b], all), step], {
      updates: [
        { state: a, next: part('next a', 3, 0) },
        { state: b, next: part('next b', 2, 3) },
      ],
      outputs: [],
    });
    expect(rootOf(next).root).toBe(all);
    expect(operations.length).toBe(2);
  });
});

describe('what other parts still need', () => {
  it('is not overwritten by a result that starts from the map it reads', () => {
    const [x, y] = [value('x', [4]), value('y', [4])];
    const convolution = operation('convolution', [x, x], [y], { accumulates: [y, x] });
    const operations = shareMemory([operation('make', [], [x]), convolution], { updates: [], outputs: [y] });
    expect(operations.map(({ kind }) => kind)).toEqual(['make', 'copies', 'convolution']);
    expect(rootOf(y).root).toBe(y);
  });

  it('is not overwritten when it is an output that started from an operand', () => {
    const [x, r, first, second] = ['x', 'r', 'first', 'second'].map((name) => value(name, [4])) as [
      Value,
      Value,
      Value,
      Value,
    ];
    const step = (added: Value, result: Value) =>
      operation('convolution', [x, added], [result], { accumulates: [result, added] });
    const operations = [operation('make', [], [x]), operation('make', [], [r]), step(r, first), step(first, second)];
    shareMemory(operations, { updates: [], outputs: [first, second] });
    expect(rootOf(second).root).toBe(second);
  });

  it('is not overwritten while a part of it is read elsewhere in the same step', () => {
    const [x, y] = [value('x', [8]), value('y', [8])];
    const part: Value = { ...value('part', [4]), view: { of: x, offset: 0 } };
    shareMemory([operation('make', [], [x]), operation('elementwise', [x, part], [y], { inPlace: [[y, x]] })], {
      updates: [],
      outputs: [y],
    });
    expect(rootOf(y).root).toBe(y);
  });

  it('has the right distance between images when joined maps are joined again', () => {
    const map = (name: string, channels: number) => value(name, [2, channels, 2, 2], 'computed', 16);
    const [a, b, c, inner, outer] = [map('a', 16), map('b', 16), map('c', 16), map('inner', 32), map('outer', 48)];
    const make = (result: Value) => operation('resize', [], [result], { strided: [result] });
    const parts = [
      make(a),
      make(b),
      make(c),
      join([a, b], inner, [a, b, inner]),
      join([inner, c], outer, [inner, c, outer]),
    ];
    shareMemory(parts, { updates: [], outputs: [outer] });
    for (const part of [a, b, c]) expect([rootOf(part).root, part.imageStride]).toEqual([outer, 48 * 4]);
  });

  it('stays as it was when a vector of states is an output', () => {
    const [a, b, all] = [value('a', [3], 'state'), value('b', [2], 'state'), value('all', [5])];
    shareMemory([join([a, b], all)], { updates: [], outputs: [all] });
    expect(rootOf(a).root).toBe(a);
    expect(all.role).toBe('computed');
  });

  it('is not overwritten by new states that lie elsewhere in the same vector', () => {
    const [a, b, all, next] = [
      value('a', [4], 'state'),
      value('b', [4], 'state'),
      value('all', [8]),
      value('next', [4]),
    ];
    const middle: Value = { ...value('middle', [4]), view: { of: all, offset: 2 } };
    const step = operation('elementwise', [middle], [next], { inPlace: [[next, middle]] });
    shareMemory([join([a, b], all), step], { updates: [{ state: b, next }], outputs: [] });
    expect(rootOf(next).root).toBe(next);
  });
});

describe('results', () => {
  it('take the memory of an operand that is read for the last time', () => {
    const [a, b, c] = [value('a', [4]), value('b', [4]), value('c', [4])];
    const first = operation('elementwise', [a], [b], { inPlace: [[b, a]] });
    const second = operation('elementwise', [b, a], [c], {
      inPlace: [
        [c, b],
        [c, a],
      ],
    });
    shareMemory([operation('make', [], [a]), first, second], { updates: [], outputs: [c] });
    expect(rootOf(b).root).toBe(b);
    expect(rootOf(c).root).toBe(b);
  });

  it('never take the memory of states, constants or outputs', () => {
    for (const role of ['state', 'constant', 'computed'] as const) {
      const [a, b] = [value('a', [4], role), value('b', [4])];
      const step = operation('elementwise', [a], [b], { inPlace: [[b, a]] });
      shareMemory([step], { updates: [], outputs: role === 'computed' ? [a, b] : [b] });
      expect(rootOf(b).root).toBe(b);
    }
  });

  it('that start from an operand take its memory, or a copy of it', () => {
    const build = (readLater: boolean) => {
      const [x, added, y] = [value('x', [4]), value('added', [4]), value('y', [4])];
      const convolution = operation('convolution', [x, added], [y], { accumulates: [y, added] });
      const operations = [operation('make', [], [x]), operation('make', [], [added]), convolution];
      if (readLater) operations.push(operation('use', [added], []));
      const kinds = shareMemory(operations, { updates: [], outputs: [y] }).map(({ kind }) => kind);
      return { shared: rootOf(y).root === added, kinds };
    };
    expect(build(false)).toEqual({ shared: true, kinds: ['make', 'make', 'convolution'] });
    expect(build(true)).toEqual({ shared: false, kinds: ['make', 'make', 'copies', 'convolution', 'use'] });
  });
});
