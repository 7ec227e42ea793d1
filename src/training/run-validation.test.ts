import { describe, expect, it } from 'vitest';
import { spreadItems } from './run-validation.ts';

describe('spreadItems', () => {
  it('takes items at equal distances, and all where there are too few', () => {
    expect(spreadItems([0, 1, 2, 3, 4, 5, 6], 3)).toEqual([0, 2, 4]);
    expect(spreadItems([0, 1], 5)).toEqual([0, 1]);
    expect(spreadItems([0, 1], 0)).toEqual([]);
  });
});
