import { describe, expect, it } from 'vitest';
import { iteratePlain, keepsZeros } from './lower-elementwise.ts';

describe('iteratePlain', () => {
  it('takes axes together along which all operands go on evenly', () => {
    const { extents, length, operands } = iteratePlain([2, 3, 4, 5], [[2, 3, 4, 5], []]);
    expect({ extents, length }).toEqual({ extents: [], length: 120 });
    expect(operands.map(({ spread }) => spread)).toEqual(['full', 'scalar']);
  });

  it('keeps axes apart along which an operand repeats', () => {
    const { extents, length, operands } = iteratePlain(
      [2, 3, 4, 5],
      [
        [2, 3, 4, 5],
        [1, 3, 1, 1],
        [2, 1, 4, 5],
      ],
    );
    expect({ extents, length }).toEqual({ extents: [2, 3], length: 20 });
    expect(operands[0]).toMatchObject({ strides: [60, 20], spread: 'full' });
    expect(operands[1]).toMatchObject({ strides: [0, 1], spread: 'scalar' });
    expect(operands[2]).toMatchObject({ strides: [20, 0], spread: 'full' });
  });

  it('reads a row that repeats, and one value a row', () => {
    const { extents, length, operands } = iteratePlain([6, 7], [[7], [6, 1]]);
    expect({ extents, length }).toEqual({ extents: [6], length: 7 });
    expect(operands[0]).toMatchObject({ strides: [0], spread: 'full' });
    expect(operands[1]).toMatchObject({ strides: [1], spread: 'scalar' });
  });

  it('visits a scalar once', () => {
    expect(iteratePlain([], [[]])).toMatchObject({ extents: [], length: 1 });
  });
});

describe('keepsZeros', () => {
  const program = (...instructions: Parameters<typeof keepsZeros>[0]['instructions']) => ({
    instructions,
    outputValues: [1 + instructions.length],
  });

  it('knows which operations give zero for zero', () => {
    expect(keepsZeros(program({ op: 'add', a: 0, b: 1 }), [true, true])).toBe(true);
    expect(keepsZeros(program({ op: 'add', a: 0, b: 1 }), [true, false])).toBe(false);
    expect(keepsZeros(program({ op: 'mul', a: 0, b: 1 }), [true, false])).toBe(true);
    expect(keepsZeros(program({ op: 'div', a: 0, b: 1 }), [true, true])).toBe(false);
    expect(keepsZeros(program({ op: 'exp', a: 0 }), [true, true])).toBe(false);
    // 0/0 times zero.
    expect(keepsZeros(program({ op: 'div', a: 0, b: 1 }, { op: 'mul', a: 2, b: 0 }), [true, true])).toBe(false);
    expect(keepsZeros(program({ op: 'activation', a: 0, kind: 'relu' }), [true, true])).toBe(true);
    expect(keepsZeros(program({ op: 'activation', a: 0, kind: 'sigmoid' }), [true, true])).toBe(false);
  });

  it('follows values through a program', () => {
    const instructions = [
      { op: 'activation', a: 0, kind: 'sigmoid' },
      { op: 'mul', a: 2, b: 1 },
    ] as const;
    expect(keepsZeros({ instructions, outputValues: [3] }, [true, true])).toBe(true);
    expect(keepsZeros({ instructions, outputValues: [2, 3] }, [true, true])).toBe(false);
  });
});
