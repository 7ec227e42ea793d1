import type { Table } from '../comparison/tables/table.ts';
import { formatTable } from './format.ts';

/** A table for the terminal, without columns that make its lines too long. */
export async function formatNarrowTable(table: Table, omitted: readonly string[]): Promise<string> {
  const { tableCells } = await import('../comparison/tables/render-table.ts');
  const { columns, rows } = tableCells(table);
  const shown = table.columns.flatMap(({ key }, index) => (omitted.includes(key) ? [] : [index]));
  return formatTable(
    shown.map((index) => columns[index]),
    rows.map((row) => shown.map((index) => row[index])),
  );
}
