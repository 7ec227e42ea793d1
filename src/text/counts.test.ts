import { expect, it } from 'vitest';
import { countOf } from './counts.ts';

it('counts one in the singular, everything else in the plural', () => {
  expect([0, 1, 1.5, 2, 1200].map((count) => countOf(count, 'epoch'))).toEqual([
    '0 epochs',
    '1 epoch',
    '1.5 epochs',
    '2 epochs',
    '1,200 epochs',
  ]);
  expect(countOf(2, 'class', 'classes')).toBe('2 classes');
});
