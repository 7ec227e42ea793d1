import { describe, expect, it } from 'vitest';
import { formatCsv } from './csv.ts';

describe('formatCsv', () => {
  it('quotes fields that contain commas, quotes or line breaks', () => {
    expect(formatCsv([['a,b', 'say "x"', 'two\nlines', 'carriage\r', 'plain | `text`']])).toBe(
      '"a,b","say ""x""","two\nlines","carriage\r",plain | `text`\n',
    );
  });

  it('writes numbers with full precision and leaves missing values empty', () => {
    expect(
      formatCsv([
        ['a', 'b', 'c', 'd'],
        [1 / 3, -1e-7, undefined, Number.NaN],
      ]),
    ).toBe('a,b,c,d\n0.3333333333333333,-1e-7,,\n');
  });
});
