import { describe, expect, it } from 'vitest';
import { listFaults } from './fault-list.ts';

describe('listFaults', () => {
  it('gives one fault as it is', () => {
    expect(listFaults('data/val', ['a.png is empty'])).toBe('a.png is empty');
  });

  it('lists the first ten of several, and counts all', () => {
    const faults = Array.from({ length: 12 }, (_, index) => `${index}.png is empty`);
    expect(listFaults('data/val', faults.slice(0, 2))).toBe(
      '2 bad files in data/val:\n  0.png is empty\n  1.png is empty',
    );
    const lines = listFaults('data/val', faults).split('\n');
    expect(lines).toHaveLength(12);
    expect(lines[0]).toBe('12 bad files in data/val:');
    expect(lines.at(-1)).toBe('  … and 2 more');
  });
});
