import { expect, it } from 'vitest';
import type { Table } from '../../comparison/tables/table.ts';
import { formatSweepTable, shortKeys } from './sweep-display.ts';

it('leaves out the first group of keys unless two would read the same', () => {
  expect(shortKeys(['train.lr', 'train.optimizer.kind', 'model.name'])).toEqual(['lr', 'optimizer.kind', 'name']);
  expect(shortKeys(['train.size', 'data.size', 'train.lr'])).toEqual(['train.size', 'data.size', 'lr']);
});

it('shows the first rows of a long table and says where the others are', () => {
  const table: Table = {
    id: 'trials',
    title: 'Trials',
    columns: [
      { key: 'trial', title: 'trial', format: { kind: 'count' } },
      { key: 'train.lr', title: 'train.lr' },
    ],
    rows: Array.from({ length: 25 }, (_, index) => [index + 1, 0.001]),
  };
  const lines = formatSweepTable(table, ['train.lr'], 'out/sweep.csv').split('\n');
  expect(lines[0]).toBe('trial  lr');
  expect(lines).toHaveLength(23);
  expect(lines.at(-1)).toBe('… and 5 more in out/sweep.csv');
  expect(formatSweepTable({ ...table, rows: table.rows.slice(0, 20) }, [], 'x')).not.toContain('more in');
});
