import { describe, expect, it } from 'vitest';
import { badFiles } from './bad-files.ts';

describe('badFiles', () => {
  it('gives one fault as it is', () => {
    expect(badFiles('data/val', ['a.png is empty'])).toMatchObject({ message: 'a.png is empty', faults: [] });
  });

  it('lists the first ten of several, and counts all', () => {
    const faults = Array.from({ length: 12 }, (_, index) => `${index}.png is empty`);
    expect(badFiles('data/val', faults.slice(0, 2)).message).toBe(
      '2 bad files in data/val:\n  0.png is empty\n  1.png is empty',
    );
    const error = badFiles('data/val', faults);
    expect(error.message).toMatch(/^12 bad files in data\/val:\n/);
    expect(error.faults).toEqual([...faults.slice(0, 10), '… and 2 more']);
  });
});
