import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { assignOffsets } from './assign-offsets.ts';
import { type Operation, storedBytes, type Value } from './operation.ts';

function value(name: string, elements: number, role: Value['role'] = 'computed'): Value {
  return { name, shape: [elements], dtype: 'float32', block: 1, role };
}

function operation(reads: Value[], writes: Value[], scratch: Value[] = []): Operation {
  return { kind: 'test', label: 'test', reads, writes, scratch, fields: () => ({}) };
}

function place(operations: Operation[], kept: Value[] = [], outputs: Value[] = []) {
  return assignOffsets([{ operations, inputs: [], outputs }], kept);
}

describe('assignOffsets', () => {
  it('lets entries work in the same memory, beside what all of them keep', () => {
    const [state, a, b, c] = [value('state', 100, 'state'), value('a', 1000), value('b', 500), value('c', 100)];
    const entries = [
      { operations: [operation([state], [a])], inputs: [], outputs: [a] },
      { operations: [operation([state], [b]), operation([b], [c])], inputs: [], outputs: [c] },
    ];
    const { offsets, bytes } = assignOffsets(entries, [state]);
    expect([state, a, b].map((item) => offsets.get(item))).toEqual([0, 448, 448]);
    expect(offsets.get(c)).toBeGreaterThanOrEqual(448 + 2000);
    expect(bytes).toBe(448 + 4032);
  });

  it('gives memory back when a value has been read for the last time', () => {
    const [a, b, c] = [value('a', 1000), value('b', 1000), value('c', 1000)];
    const { offsets, bytes } = place([operation([], [a]), operation([a], [b]), operation([b], [c])], [], [c]);
    expect(offsets.get(c)).toBe(offsets.get(a));
    expect(offsets.get(b)).not.toBe(offsets.get(a));
    expect(bytes).toBe(2 * 4032);
  });

  it('keeps states, constants and outputs apart from everything', () => {
    const [state, result, later] = [value('state', 100, 'state'), value('result', 100), value('later', 100)];
    const operations = [operation([state], [result]), operation([], [later])];
    const { offsets } = place(operations, [state], [result]);
    expect(new Set([state, result, later].map((item) => offsets.get(item))).size).toBe(3);
    expect(offsets.get(state)).toBe(0);
  });

  it('puts views where their root is', () => {
    const root = value('root', 100);
    const view: Value = { ...value('view', 10), view: { of: root, offset: 50 } };
    const { offsets } = place([operation([], [root]), operation([view], [])]);
    expect([...offsets.keys()]).toEqual([root]);
  });

  it('never lets two values that live at the same time overlap', () => {
    const program = fc.array(
      fc.record({
        size: fc.integer({ min: 1, max: 500 }),
        reads: fc.array(fc.nat(30), { maxLength: 3 }),
        scratch: fc.nat(200),
      }),
      { minLength: 1, maxLength: 30 },
    );
    fc.assert(
      fc.property(program, (steps) => {
        const values: Value[] = [];
        const operations = steps.map(({ size, reads, scratch }, index) => {
          const inputs = values.length === 0 ? [] : reads.map((read) => values[read % values.length]);
          const output = value(`value ${index}`, size);
          values.push(output);
          return operation(inputs, [output], scratch > 0 ? [value('scratch', scratch)] : []);
        });
        const { offsets, bytes } = place(operations, [], [values.at(-1)!]);
        const spans = new Map<Value, { start: number; end: number }>();
        operations.forEach(({ reads, writes, scratch }, time) => {
          for (const item of [...reads, ...writes, ...scratch!]) {
            spans.set(item, { start: spans.get(item)?.start ?? time, end: time });
          }
        });
        spans.get(values.at(-1)!)!.end = operations.length;
        const all = [...spans];
        for (const [one, a] of all) {
          const from = offsets.get(one)!;
          expect(from + storedBytes(one)).toBeLessThanOrEqual(bytes);
          for (const [other, b] of all) {
            if (one === other || a.start > b.end || b.start > a.end) continue;
            const start = offsets.get(other)!;
            expect(start >= from + storedBytes(one) || from >= start + storedBytes(other)).toBe(true);
          }
        }
      }),
    );
  });
});
