import { expect, it } from 'vitest';
import { markdownTable } from './markdown-table.ts';

it('markdownTable aligns by the rule and keeps a cell one cell', () => {
  const columns = [{ title: 'model' }, { title: 'n', align: 'right' as const }];
  expect(markdownTable(columns, [['a', '1,000']])).toBe('| model | n |\n| --- | ---: |\n| a | 1,000 |');
  expect(
    markdownTable(columns, [['a | b\nc', '']])
      .split('\n')
      .at(-1),
  ).toBe('| a \\| b c |  |');
});
