import { describe, expect, it } from 'vitest';
import { isPythonName, uniqueName } from './python-names.ts';

describe('names', () => {
  it('avoids names reserved by Python and the generated code', () => {
    for (const name of ['stem', '_x', 'a1']) expect(isPythonName(name)).toBe(true);
    for (const name of ['lambda', 'torch', '1a', 'a-b', '']) expect(isPythonName(name)).toBe(false);
  });

  it('numbers names that are taken', () => {
    const taken = new Set<string>();
    expect(['part', 'part', 'part', 'lambda'].map((name) => uniqueName(name, taken))).toEqual([
      'part',
      'part_2',
      'part_3',
      'lambda_',
    ]);
    expect(uniqueName('Block', new Set(['Block']), '')).toBe('Block2');
  });
});
