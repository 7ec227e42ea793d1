import { describe, expect, it } from 'vitest';
import { formatCount } from '../text/counts.ts';
import { formatDuration, formatPairs, formatTable, wrapWords } from './format.ts';

describe('formatDuration', () => {
  it.each([
    [-1, '0 s'],
    [0.4, '0 s'],
    [59.4, '59 s'],
    [59.6, '1 min'],
    [200, '3 min 20 s'],
    [3599.7, '1 h'],
    [7500, '2 h 5 min'],
    [7199, '2 h'],
  ])('%d seconds are %s', (seconds, expected) => {
    expect(formatDuration(seconds)).toBe(expected);
  });
});

it('formatCount separates thousands', () => {
  expect(formatCount(1220691)).toBe('1,220,691');
});

it('formatTable aligns words to the left and numbers to the right', () => {
  const table = formatTable(
    [{ title: 'model' }, { title: 'n', align: 'right' }],
    [
      ['a', '1,000'],
      ['longer', '2'],
    ],
    ['all', '1,002'],
  );
  expect(table.split('\n')).toEqual([
    'model       n',
    '------  -----',
    'a       1,000',
    'longer      2',
    '------  -----',
    'all     1,002',
  ]);
});

it('formatPairs aligns multi-line values', () => {
  expect(
    formatPairs([
      ['Node', '20'],
      ['Engines', 'a\nb'],
    ]),
  ).toBe('Node     20\nEngines  a\n         b');
});

it('wrapWords breaks between words, and leaves long words whole', () => {
  expect(wrapWords('one two three', 7)).toBe('one two\nthree');
  expect(wrapWords('one two three', 13)).toBe('one two three');
  expect(wrapWords('a incomprehensibilities b', 5)).toBe('a\nincomprehensibilities\nb');
  expect(wrapWords('', 5)).toBe('');
});
